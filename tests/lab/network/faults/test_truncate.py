"""truncate: cut, and closed as if all were well."""

from __future__ import annotations

import pytest
from support.network import LaneUnderTest, answer, conversation, payload_of, plain_answer, request

from mapiproxy.lab.network.pieces import Cut
from mapiproxy.lab.network.reading import BadRule
from mapiproxy.lab.network.rule import parse_rule


@pytest.mark.parametrize("size", [1, 12, 13, 30, 40])
def test_an_answer_with_a_length_stops_at_the_byte(size: int) -> None:
    lane = LaneUnderTest({"fault": "truncate", "size": size})
    lane.put(*conversation(request(), plain_answer())[1])
    assert len(lane.data.partition(b"\r\n\r\n")[2]) == size
    assert lane.cuts == [(0.0, Cut("close"))]


def test_a_phase_says_where() -> None:
    lane = LaneUnderTest({"fault": "truncate", "phase": "in_binary", "at": 3})
    lane.put(*conversation(request(), answer())[1])
    assert lane.data.endswith(b"\r\n012")


@pytest.mark.parametrize("size", [1, 12, 20, 45])
def test_a_proper_end_is_a_well_formed_lie_and_the_next_answer_is_whole(size: int) -> None:
    lane = LaneUnderTest({"fault": "truncate", "size": size, "proper_end": True, "request_type": "Execute"})
    lane.put(*conversation(request("Execute"), answer(b"x" * 30))[1])
    assert payload_of(lane.data) == payload_of(answer(b"x" * 30))[:size]
    assert lane.cuts == []
    before = len(lane.data)
    lane.put(*conversation(request("PING"), answer())[1])
    assert lane.data[before:] == answer()


def test_an_answer_that_is_shorter_is_whole() -> None:
    lane = LaneUnderTest({"fault": "truncate", "size": "1MiB"})
    lane.put(*conversation(request(), answer())[1])
    assert (lane.data, lane.cuts) == (answer(), [])


def test_a_proper_end_needs_a_size() -> None:
    with pytest.raises(BadRule, match="proper_end needs size"):
        parse_rule({"fault": "truncate", "proper_end": True, "phase": "before_done"})
