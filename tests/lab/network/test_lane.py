"""One direction: order, time, and rules that come and go."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.network import LaneUnderTest, answer, conversation, request, stream

from mapiproxy.lab.network.pieces import Piece

RULES = st.lists(
    st.sampled_from(
        [
            {"fault": "latency", "delay": "300ms", "jitter": "200ms"},
            {"fault": "latency", "delay": "1s", "request_type": "PING"},
            {"fault": "bandwidth", "rate": 50},
            {"fault": "slicer", "average": 5, "variation": 4, "delay": "100ms"},
            {"fault": "stall", "delay": "2s", "phase": "pending"},
            {"fault": "buffer_until_complete", "size": 40, "request_type": "Execute"},
        ]
    ),
    max_size=4,
)


@given(RULES, st.lists(st.tuples(st.integers(1, 20), st.floats(0, 1)), max_size=12), st.integers(0, 11))
def test_nothing_overtakes_and_nothing_is_lost(rules: list[dict], parts: list[tuple[int, float]], removal: int) -> None:
    lane = LaneUnderTest(*rules)
    said = b""
    for turn, (size, pause) in enumerate(parts):
        data = bytes(range(len(said) % 200, len(said) % 200 + size))
        said += data
        lane.put(stream(data))
        lane.at(lane.now + pause)
        if rules and turn == removal:
            lane.remove()
    _, items = conversation(request("PING"), answer(pendings=2))
    lane.put(*items)
    lane.at(lane.now + 10000)
    assert lane.data == said + answer(pendings=2)
    times = [time for time, _ in lane.left]
    assert times == sorted(times)
    assert lane.lane.waiting == 0


def test_rules_act_in_the_order_in_which_they_were_added() -> None:
    lane = LaneUnderTest({"fault": "slicer", "average": 2}, {"fault": "bandwidth", "rate": 10})
    lane.put(stream(b"abcd"))
    assert [len(data) for _, data in lane.at(9.0).moments] == [1, 1, 1, 1]
    lane = LaneUnderTest({"fault": "bandwidth", "rate": 40}, {"fault": "slicer", "average": 2})
    lane.put(stream(b"abcd"))
    assert [len(data) for _, data in lane.at(9.0).moments] == [2, 2]


def test_what_is_not_struck_waits_behind_what_is() -> None:
    lane = LaneUnderTest({"fault": "latency", "delay": "5s", "request_type": "PING"})
    lane.put(*conversation(request("PING"), answer())[1])
    lane.put(stream(b"next"))
    assert lane.data == b""
    assert lane.at(6.0).moments[-1] == (5.0, b"next")


def test_it_says_when_it_has_something_to_do_and_what_waits() -> None:
    lane = LaneUnderTest({"fault": "latency", "delay": "5s"})
    assert lane.lane.next_due is None
    lane.put(stream(b"abc"))
    assert (lane.lane.next_due, lane.lane.waiting) == (5.0, 3)
    stalled = LaneUnderTest({"fault": "stall"})
    stalled.put(stream(b"abc"))
    assert (stalled.lane.next_due, stalled.lane.waiting) == (None, 3)


def test_a_rule_may_be_removed_by_whoever_hears_of_it() -> None:
    lane = LaneUnderTest({"fault": "latency", "delay": "1s"}, {"fault": "slicer", "average": 1})
    heard = lane.lane._deliver

    def deliver(item: object) -> None:
        heard(item)
        if isinstance(item, Piece) and item.data == b"b":
            lane.remove(0)
            lane.remove(1)

    lane.lane._deliver = deliver
    lane.put(stream(b"abc"), stream(b"def"))
    lane.at(5.0)
    assert sorted(lane.data) == sorted(b"abcdef")


@pytest.mark.parametrize("acts", [True, False])
def test_a_filter_that_does_nothing_has_not_struck(acts: bool) -> None:
    lane = LaneUnderTest({"fault": "path_filter", "deny": ["/mapi" if acts else "/rpc"]}, direction="to_server")
    lane.put(*conversation(request(), b"")[0])
    assert lane.struck == (["path_filter"] if acts else [])
    assert lane.plays[0].aim.struck == acts


def test_a_closed_lane_gives_nothing_out() -> None:
    lane = LaneUnderTest({"fault": "latency", "delay": "1s"})
    lane.put(stream(b"a"))
    lane.lane.close()
    lane.put(stream(b"b"))
    assert lane.at(5.0).left == []


def test_faults_of_messages_find_heads_whole_wherever_they_stand() -> None:
    slicer = {"fault": "slicer", "average": 3}
    lane = LaneUnderTest(slicer, {"fault": "strip_headers", "names": ["X-*"]}, direction="to_client")
    lane.put(*conversation(request(), answer())[1])
    assert b"X-ResponseCode" not in lane.data
    assert lane.data.endswith(answer()[-60:])
