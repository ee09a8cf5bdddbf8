"""latency: later, in order."""

from __future__ import annotations

from support.network import FIN, LaneUnderTest, stream

from mapiproxy.lab.network.pieces import Fin


def test_everything_is_late_by_the_delay() -> None:
    lane = LaneUnderTest({"fault": "latency", "delay": "200ms"})
    lane.put(stream(b"a"))
    lane.at(0.1).put(stream(b"b"), FIN)
    lane.at(5.0)
    assert lane.moments == [(0.2, b"a"), (0.3, b"b")]
    assert isinstance(lane.left[-1][1], Fin)


def test_jitter_wavers_and_never_turns_the_order_round() -> None:
    lane = LaneUnderTest({"fault": "latency", "delay": "1s", "jitter": "1s"})
    lane.put(*(stream(bytes([letter])) for letter in range(50)))
    moments = lane.at(10.0).moments
    assert [data[0] for _, data in moments] == list(range(50))
    times = [time for time, _ in moments]
    assert times == sorted(times)
    assert 0.0 <= times[0] < times[-1] <= 2.0
