"""slicer: small slices."""

from __future__ import annotations

import pytest
from support.network import LaneUnderTest, stream

from mapiproxy.lab.network.reading import BadRule
from mapiproxy.lab.network.rule import parse_rule


def test_slices_have_their_size_and_distance() -> None:
    lane = LaneUnderTest({"fault": "slicer", "average": 4, "delay": "1s"})
    lane.put(stream(b"0123456789"))
    assert lane.at(10.0).moments == [(0.0, b"0123"), (1.0, b"4567"), (2.0, b"89")]


def test_sizes_vary_within_their_bounds() -> None:
    lane = LaneUnderTest({"fault": "slicer", "average": 10, "variation": 5})
    lane.put(stream(b"x" * 1000))
    sizes = {len(data) for _, data in lane.moments[:-1]}
    assert min(sizes) >= 5
    assert max(sizes) <= 15
    assert len(sizes) > 5


def test_the_variation_is_less_than_the_size() -> None:
    with pytest.raises(BadRule, match="variation must be less than average"):
        parse_rule({"fault": "slicer", "average": 4, "variation": 4})
