"""stall: stops, and goes on."""

from __future__ import annotations

from support.network import LaneUnderTest, answer, conversation, request, stream


def test_it_goes_on_after_its_time_and_does_not_stop_again() -> None:
    lane = LaneUnderTest({"fault": "stall", "delay": "3s"})
    lane.put(stream(b"a"))
    lane.at(2.0).put(stream(b"b"))
    lane.at(8.0).put(stream(b"c"))
    assert lane.moments == [(3.0, b"a"), (3.0, b"b"), (8.0, b"c")]


def test_without_a_time_it_waits_for_the_rule_to_go() -> None:
    lane = LaneUnderTest({"fault": "stall"})
    lane.put(stream(b"a"))
    lane.at(1e6)
    assert lane.moments == []
    lane.remove()
    assert lane.moments == [(1e6, b"a")]


def test_before_done_it_lets_the_pendings_through() -> None:
    lane = LaneUnderTest({"fault": "stall", "phase": "before_done"})
    lane.put(*conversation(request("NotificationWait"), answer(pendings=2))[1])
    assert lane.data.endswith(b"\r\nPENDING\r\n\r\n" + lane.data[-4:])
    assert b"DONE" not in lane.data
