"""duplicate_dials: an order at the moment of connecting, and only there."""

from __future__ import annotations

import pytest
from support.network import CONNECTION, LaneUnderTest, stream

from mapiproxy.lab.network.pieces import DialMore, Piece, Place
from mapiproxy.lab.network.reading import BadRule
from mapiproxy.lab.network.rule import parse_rule


def test_it_orders_more_dials_before_the_one_that_counts() -> None:
    lane = LaneUnderTest({"fault": "duplicate_dials", "times": 2, "keep": True}, direction="to_server")
    connect = Piece(b"", Place(CONNECTION, "connect"))
    lane.put(connect, stream(b"hello"))
    assert [item for _, item in lane.left[:2]] == [DialMore(2, True), connect]
    assert lane.data == b"hello"


def test_it_has_no_other_phase() -> None:
    with pytest.raises(BadRule, match='it strikes in phase "connect" only'):
        parse_rule({"fault": "duplicate_dials", "phase": "idle"})
