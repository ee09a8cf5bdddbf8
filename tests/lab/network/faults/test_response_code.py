"""response_code: instead of the server, or after it."""

from __future__ import annotations

from support.network import FIN, LaneUnderTest, answer, conversation, request

from mapiproxy.lab.network.pieces import Reply
from mapiproxy.mapi.reading import read_code
from mapiproxy.wire.heads import parse_response_head


def test_the_server_never_hears_of_the_request() -> None:
    lane = LaneUnderTest({"fault": "response_code", "code": 10}, direction="to_server")
    lane.put(*conversation(request(headers=["X-RequestId: {A}:7"]), b"")[0])
    (reply,) = (item for _, item in lane.left if isinstance(item, Reply))
    head = parse_response_head(reply.raw[: reply.raw.index(b"\r\n\r\n") + 4])
    assert (head.status, read_code(head.get(b"x-responsecode"))) == (200, 10)
    assert (head.get(b"x-requestid"), head.get(b"x-requesttype")) == (b"{A}:7", b"Execute")
    assert int(head.get(b"content-length")) == len(reply.raw) - len(head.raw)
    assert lane.data == b""


def test_the_reply_waits_for_the_body_unless_the_client_waits_for_a_word() -> None:
    lane = LaneUnderTest({"fault": "response_code", "code": 6}, direction="to_server")
    items = conversation(request(headers=["Expect: 100-continue"]), b"")[0]
    lane.put(items[0])
    (reply,) = (item for _, item in lane.left if isinstance(item, Reply))
    assert reply.close


def test_to_the_client_it_replaces_the_answer_of_a_request_that_was_carried_out() -> None:
    lane = LaneUnderTest({"fault": "response_code", "code": 15, "direction": "to_client", "limit": 1})
    lane.put(*conversation(request(), answer(pendings=2))[1])
    first = lane.data
    assert b"X-ResponseCode: 15\r\n" in first
    assert b"PENDING" not in first
    lane.put(*conversation(request(), answer())[1], FIN)
    assert lane.data == first + answer()


def test_other_protocols_are_left_alone() -> None:
    lane = LaneUnderTest({"fault": "response_code", "code": 10}, direction="to_server")
    raw = b"GET /owa/ HTTP/1.1\r\nHost: a\r\n\r\n"
    lane.put(*conversation(raw, b"")[0])
    assert lane.data == raw
