"""A real server's conversation (grommunio) is read, and comes out byte by byte as it went in."""

from __future__ import annotations

import pytest
from support.recordings import COPIES, SHARED, recordings
from support.splits import byte_by_byte, read_answers, read_requests

RECORDED = recordings()


def test_the_recordings_are_there() -> None:
    assert len(RECORDED) == 9
    assert all(asked and answered for asked, answered in RECORDED.values())


@pytest.mark.skipif(not SHARED.is_dir(), reason="no shared folder beside this checkout")
def test_the_copies_are_the_shared_recordings() -> None:
    for original in (SHARED / "grommunio-basic").iterdir():
        assert (COPIES / "grommunio-basic" / original.name).read_bytes() == original.read_bytes()


@pytest.mark.parametrize("step", RECORDED)
def test_recorded_messages_pass_unchanged(step: str) -> None:
    asked, answered = RECORDED[step]
    for pieces in ([asked], byte_by_byte(asked)):
        reading = read_requests(pieces)
        assert (reading.ended, reading.error, reading.unread) == (1, None, 0)
        assert reading.head.raw + reading.body == asked
    for pieces in ([answered], byte_by_byte(answered)):
        reading = read_answers(pieces)
        assert (reading.ended, reading.error, reading.unread) == (1, None, 0)
        assert reading.head.raw + reading.body == answered


def test_a_whole_conversation_on_one_connection() -> None:
    asked = b"".join(asked for asked, _ in RECORDED.values())
    answered = b"".join(answered for _, answered in RECORDED.values())
    methods = [b"POST"] * len(RECORDED)
    for cut in (1, 7, 1448, len(asked)):
        requests = read_requests(asked[at : at + cut] for at in range(0, len(asked), cut))
        assert (requests.ended, requests.error) == (len(RECORDED), None)
        answers = read_answers((answered[at : at + cut] for at in range(0, len(answered), cut)), methods)
        assert (answers.ended, answers.error) == (len(RECORDED), None)
