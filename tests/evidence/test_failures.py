"""Failures of a log in groups."""

from __future__ import annotations

import json

from support.logrows import ABORTED_UPLOAD, CONNECT, SERVER_ERROR, UNAUTHORIZED, line, rows_of

from mapiproxy.backends.kind import Kind
from mapiproxy.evidence.failures import EXAMPLES, MOST_USERS, FailureList
from mapiproxy.evidence.fate import Fate
from mapiproxy.record.ending import Ending


def listed(lines: list[bytes], **names: Kind) -> FailureList:
    found = FailureList(names)
    found.read(rows_of(lines))
    return found


def test_rows_that_failed_alike_are_one_group_with_its_newest_examples() -> None:
    lines = [
        line(at=at, phase="Wait", ending=Ending.BACKEND_LOST, request_id=f"id{at}", user=f"A\\u{at % 2}", error="gone")
        for at in range(5)
    ]
    found = listed([*lines, line(at=9)])
    ((failure, group),) = found.ranked()

    assert (failure.fate, failure.backend, failure.phase, failure.error_code) == (Fate.BACKEND_LOST, "exch1", "Wait", "BackendDisconnect")
    assert (group.count, group.examples, group.said) == (5, ["id2", "id3", "id4"], "gone")
    assert len(group.examples) == EXAMPLES
    assert group.last is not None
    assert group.first is not None
    assert group.last - group.first == 4
    assert found.rows == 6


def test_a_handshake_is_no_failure() -> None:
    found = listed([line(status=401, backend_status=401), UNAUTHORIZED, CONNECT.encode()])

    assert (found.ranked(), found.challenges, found.rows) == ([], 2, 3)


def test_the_failures_of_exchange() -> None:
    found = listed([ABORTED_UPLOAD, SERVER_ERROR, SERVER_ERROR])

    assert [(failure.fate, group.count) for failure, group in found.ranked()] == [
        (Fate.BACKEND_ERROR, 2),
        (Fate.CLIENT_LOST, 1),
    ]
    assert found.explain(found.ranked()[1][0]) == (
        "the client was gone before it had the whole answer, while the request was passed on"
    )


def test_a_code_means_what_the_kind_of_its_backend_says() -> None:
    lines = [line(response_code=6, backend=name) for name in ("gx", "ex", "other")]
    meanings = {each["backend"]: each["meaning"] for each in listed(lines, gx=Kind.GROMMUNIO, ex=Kind.EXCHANGE).as_plain()["failures"]}

    assert meanings == {
        "gx": "Missing Cookie",
        "ex": "Invalid Context Cookie",
        "other": "Invalid Context Cookie, or on grommunio Missing Cookie",
    }


def test_json_has_what_a_script_wants() -> None:
    found = listed([line(phase="Answer", request_id="r1")])
    (plain,) = json.loads(json.dumps(found.as_plain()))["failures"]

    assert (plain["what"], plain["status"], plain["backend_status"]) == ("client lost", 200, 200)
    assert (plain["ending"], plain["phase"], plain["request_ids"]) == ("ClientDisconnect", "Answer", ["r1"])


def test_strangers_cannot_make_it_large() -> None:
    found = listed([line(response_code=code + 1, user=f"A\\u{code}") for code in range(1500)])

    assert len(found.groups.groups) <= 1000
    kept = sum(group.count for _, group in found.ranked())
    assert kept + found.groups.others.count == 1500
    assert len(found.groups.others.users) <= MOST_USERS + 1
