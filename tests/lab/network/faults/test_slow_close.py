"""slow_close: only the end is late."""

from __future__ import annotations

from support.network import FIN, LaneUnderTest, stream


def test_bytes_are_not_late_and_the_end_is() -> None:
    lane = LaneUnderTest({"fault": "slow_close", "delay": "5s"})
    lane.put(stream(b"a"), FIN)
    assert [at for at, _ in lane.at(9.0).left] == [0.0, 5.0]
