"""http_status: any status, with what belongs to it."""

from __future__ import annotations

import pytest
from support.network import LaneUnderTest, conversation, request

from mapiproxy.lab.network.pieces import Reply
from mapiproxy.lab.network.reading import BadRule
from mapiproxy.lab.network.rule import parse_rule


@pytest.mark.parametrize(
    ("settings", "begins"),
    [
        ({"status": 503, "retry_after": "30s"}, b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 30\r\n"),
        ({"status": 302, "location": "http://portal/"}, b"HTTP/1.1 302 Found\r\nLocation: http://portal/\r\n"),
        ({"status": 440}, b"HTTP/1.1 440 Login Time-out\r\n"),
    ],
)
def test_a_status_with_its_headers(settings: dict[str, object], begins: bytes) -> None:
    lane = LaneUnderTest({"fault": "http_status", **settings}, direction="to_server")
    lane.put(*conversation(request(), b"")[0])
    (reply,) = (item for _, item in lane.left if isinstance(item, Reply))
    assert reply.raw.startswith(begins)


def test_head_gets_no_body() -> None:
    lane = LaneUnderTest({"fault": "http_status", "status": 503}, direction="to_server")
    lane.put(*conversation(request(method="HEAD", body=b""), b"")[0])
    (reply,) = (item for _, item in lane.left if isinstance(item, Reply))
    assert reply.raw.endswith(b"\r\n\r\n")


def test_a_header_cannot_be_smuggled_in() -> None:
    with pytest.raises(BadRule, match="location"):
        parse_rule({"fault": "http_status", "status": 302, "location": "http://a\r\nX: y"})
    with pytest.raises(BadRule, match="has no body"):
        parse_rule({"fault": "http_status", "status": 304})
