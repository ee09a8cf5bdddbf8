"""What happens to servers, as steps."""

from __future__ import annotations

import pytest
from support.scenarios import FRAME, play, requests, step, told

FAST = FRAME + '[proxy]\nextra = """\n[health]\ninterval = "2s"\n"""\n'


@pytest.mark.parametrize(("kind", "lost"), [("exchange", 0), ("grommunio", 3)])
def test_a_server_crashes_and_comes_back(kind: str, lost: int) -> None:
    played = play(step("20s", "crash", lasting='"20s"'), kind, FAST)

    assert told(played, "MBX1") == [(20, "crashes"), (40, "is up again")]
    assert played.facts["went_down"] == {"MBX1": 1}
    assert played.facts["contexts_lost"] <= lost
    assert (played.facts["contexts_lost"] > 0) == (lost > 0)
    assert played.ok, played.summary


def test_a_restart_loses_the_contexts_of_a_grommunio_and_none_of_an_exchange() -> None:
    lost = {kind: play(step("20s", "restart"), kind, FAST).facts["contexts_lost"] for kind in ("exchange", "grommunio")}

    assert lost["exchange"] == 0
    assert lost["grommunio"] > 0


def test_a_flapping_server_is_down_as_often_as_it_is_told_to() -> None:
    played = play(step("10s", "flap", server='"mbx2"', times="2", down='"8s"', up='"10s"'), frame=FAST)

    assert told(played, "MBX2") == [
        (10, "crashes"), (18, "is up again"), (28, "crashes"), (36, "is up again"),
    ]  # fmt: skip
    assert played.facts["went_down"] == {"MBX2": 2}


def test_a_frozen_server_says_nothing_and_goes_on_where_it_was() -> None:
    played = play(step("20s", "freeze", server='"all"', lasting='"3s"'), frame=FAST)

    assert told(played, "MBX1") == [(20, "freezes"), (23, "goes on")]
    answered = [each.until for each in requests(played) if each.outcome == "ok"]
    assert not any(until is not None and 20.1 < until < 23 for until in answered)
    assert played.facts["contexts_lost"] == 0
    assert played.facts["executes_unknown"] == 0


def test_a_server_forgets_its_contexts() -> None:
    played = play(step("20s", "forget", server='"all"'))

    assert played.facts["codes"]["10"] >= 1
    assert played.facts["contexts_lost"] >= 1


def test_a_slow_server_is_slow() -> None:
    played = play(step("20s", "slow", server='"all"', lasting='"2s"'))

    assert 2 <= played.facts["execute_max"] < 3


def test_home_and_others_are_known_when_there_is_a_session() -> None:
    played = play(step("20s", "crash", server='"others"'), frame=FAST)
    early = play(step("0s", "crash", server='"home"'))

    assert told(played, "MBX2") == [(20, "crashes")]
    assert early.error is not None
    assert "alice has no session" in early.error
