"""Answers in place of the server: well-formed, at their turn, and taken up to their end."""

from __future__ import annotations

import pytest
from support.network import Bench, LaneUnderTest, answer, conversation, request

from mapiproxy.lab.network.faults.answering import page
from mapiproxy.lab.network.pieces import Reply


@pytest.mark.parametrize("cut", range(0, 220, 11))
def test_a_rule_that_is_removed_within_a_request_still_answers_it(cut: int) -> None:
    bench = Bench(rules=[{"fault": "http_status", "status": 503}])
    client = bench.client()
    raw = request(body=b"x" * 40)
    bench.say(client, raw[:cut])
    bench.device.reset()
    bench.say(client, raw[cut:])
    struck = cut > raw.index(b"\r\n\r\n") + 3
    assert client.data.startswith(b"HTTP/1.1 503" if struck else b"")
    assert bench.server.data == (b"" if struck else raw)


def test_a_client_that_waits_for_a_word_is_answered_at_once_and_closed() -> None:
    bench = Bench(rules=[{"fault": "http_status", "status": 503}])
    client = bench.client()
    bench.say(client, request(body=b"x", headers=["Expect: 100-continue"])[:-1])
    assert client.data.startswith(b"HTTP/1.1 503")
    assert client.end == "ConnectionDone"


def test_pipelined_replies_and_answers_keep_their_order() -> None:
    bench = Bench(rules=[{"fault": "http_status", "status": 503, "request_type": "PING"}])
    client = bench.client()
    bench.say(client, request("Execute") + request("PING") + request("Execute"))
    assert client.data == b""
    assert bench.server.data == request("Execute") * 2
    bench.say(bench.server, answer(b"one") + answer(b"two"))
    assert [client.data.index(mark) for mark in (b"one", b"503", b"two")] == sorted(
        client.data.index(mark) for mark in (b"one", b"503", b"two")
    )


def test_a_replaced_answer_swallows_the_servers_to_its_end() -> None:
    lane = LaneUnderTest({"fault": "http_status", "status": 503, "direction": "to_client"})
    items = conversation(request(), answer(pendings=2))[1]
    lane.put(*items[:3])
    lane.remove()
    lane.put(*items[3:])
    lane.put(*conversation(request(), answer())[1])
    assert lane.data.startswith(b"HTTP/1.1 503")
    assert lane.data.endswith(b"</html>" + answer())


def test_what_replies_is_told_once() -> None:
    lane = LaneUnderTest({"fault": "http_status", "status": 503}, direction="to_server")
    lane.put(*conversation(request(), b"")[0])
    assert lane.struck == ["http_status"]
    assert sum(isinstance(item, Reply) for _, item in lane.left) == 1


def test_pages_are_safe() -> None:
    assert "<script>" not in page("<script>", "a & b")
