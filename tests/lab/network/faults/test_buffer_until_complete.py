"""buffer_until_complete: all at once, or in bufferfuls."""

from __future__ import annotations

from support.network import CONNECTION, FIN, LaneUnderTest, answer, request

from mapiproxy.lab.network.observer import Observer


def test_nothing_leaves_before_the_answer_has_ended() -> None:
    observer = Observer(CONNECTION)
    observer.request(request())
    lane = LaneUnderTest({"fault": "buffer_until_complete"})
    raw = answer(pendings=2)
    for at, byte in enumerate(raw):
        lane.at(float(at)).put(*observer.answer(bytes([byte])))
        assert bool(lane.data) == (at == len(raw) - 1)
    assert lane.data == raw


def test_a_full_buffer_leaves() -> None:
    observer = Observer(CONNECTION)
    observer.request(request())
    lane = LaneUnderTest({"fault": "buffer_until_complete", "size": 200})
    raw = answer(b"x" * 1000)
    lane.put(*observer.answer(raw[:700]))
    assert len(lane.data) > 0
    lane.put(*observer.answer(raw[700:]))
    assert lane.data == raw


def test_what_it_has_leaves_at_the_end_of_the_connection() -> None:
    observer = Observer(CONNECTION)
    observer.request(request())
    lane = LaneUnderTest({"fault": "buffer_until_complete"})
    lane.put(*observer.answer(answer()[:-5]), FIN)
    assert lane.data == answer()[:-5]
