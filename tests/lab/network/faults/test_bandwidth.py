"""bandwidth: so many bytes in a second."""

from __future__ import annotations

from support.network import LaneUnderTest, stream


def test_a_line_carries_its_rate() -> None:
    lane = LaneUnderTest({"fault": "bandwidth", "rate": 100})
    lane.put(stream(b"x" * 250))
    lane.at(100.0)
    assert lane.moments[0] == (0.1, b"x" * 10)
    assert lane.moments[-1][0] == 2.5
    assert lane.data == b"x" * 250


def test_an_idle_line_saves_nothing_up() -> None:
    lane = LaneUnderTest({"fault": "bandwidth", "rate": "1KB"})
    lane.at(60.0).put(stream(b"x" * 1000))
    lane.at(100.0)
    assert lane.moments[-1][0] == 61.0
