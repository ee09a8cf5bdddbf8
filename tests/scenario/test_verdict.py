"""The verdict in one line, and as data."""

from __future__ import annotations

import json

from support.played import BAD, played

from mapiproxy.scenario.verdict import told


def test_a_good_one_tells_what_people_ask_first() -> None:
    each = played()

    assert each.ok
    assert each.summary == "ok: 0 reconnects, 1 of 3 waits cut, codes 10 (1x), longest outage 250ms"


def test_a_bad_one_tells_the_first_thing_that_was_not_as_expected() -> None:
    each = played(BAD, BAD)

    assert not each.ok
    assert each.summary == "FAILED: contexts_lost: expected 0, got 2 (and 1 more)"


def test_one_that_could_not_be_played_says_why() -> None:
    each = played(error="line 9, crash: CannotAct: nobody is there")

    assert not each.ok
    assert each.summary == "ERROR: line 9, crash: CannotAct: nobody is there"


def test_nothing_worth_telling() -> None:
    assert told({"reconnects": 1}) == "1 reconnect, no outage"
    full = told({"executes_unknown": 2, "statuses": {"503": 2}, "offline": 1, "outage_max": 0.0})
    assert full == (
        "0 reconnects, 2 Executes with unknown outcome, HTTP 503 (2x), no outage, 1 client cannot work at the end"
    )


def test_all_of_it_is_plain_data() -> None:
    plain = json.loads(json.dumps(played(BAD).plain()))

    assert (plain["ok"], plain["seed"], plain["expectations"][0]["got"]) == (False, 7, "2")
    assert [each["label"] for each in plain["timeline"]][:2] == ["Connect", "NotificationWait"]
