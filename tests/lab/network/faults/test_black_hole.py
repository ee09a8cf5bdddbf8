"""black_hole: all disappears."""

from __future__ import annotations

from support.network import FIN, LaneUnderTest, stream

from mapiproxy.lab.network.pieces import Cut


def test_nothing_comes_out_and_nobody_is_told() -> None:
    lane = LaneUnderTest({"fault": "black_hole"})
    lane.put(stream(b"a"), FIN)
    lane.at(1e6)
    assert lane.left == []


def test_after_its_timeout_the_connection_ends() -> None:
    lane = LaneUnderTest({"fault": "black_hole", "timeout": "5s", "end": "reset"})
    lane.put(stream(b"a"))
    lane.at(2.0).put(stream(b"b"))
    assert lane.at(10.0).left == [(5.0, Cut("reset"))]
