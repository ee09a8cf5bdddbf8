"""body_limit: by the length that is told, or by what comes."""

from __future__ import annotations

from support.network import LaneUnderTest, conversation, request

from mapiproxy.lab.network.pieces import Reply

CHUNKED = b"POST /mapi/emsmdb/ HTTP/1.1\r\nHost: a\r\nX-RequestType: Execute\r\nTransfer-Encoding: chunked\r\n\r\n"


def passed(raw: bytes) -> tuple[bytes, list[Reply]]:
    lane = LaneUnderTest({"fault": "body_limit", "size": 10}, direction="to_server")
    lane.put(*conversation(raw, b"")[0])
    return lane.data, [item for _, item in lane.left if isinstance(item, Reply)]


def test_the_server_hears_nothing_of_what_is_too_large() -> None:
    data, (reply,) = passed(request(body=b"x" * 11))
    assert (data, reply.close, reply.begun) == (b"", False, False)
    assert reply.raw.startswith(b"HTTP/1.1 413 ")
    assert passed(request(body=b"x" * 10)) == (request(body=b"x" * 10), [])


def test_chunks_are_counted_as_they_come() -> None:
    data, (reply,) = passed(CHUNKED + b"8\r\n12345678\r\n8\r\n12345678\r\n0\r\n\r\n")
    assert data == CHUNKED + b"8\r\n12345678\r\n8\r\n"
    assert (reply.close, reply.begun) == (True, True)
    whole = CHUNKED + b"8\r\n12345678\r\n0\r\n\r\n"
    assert passed(whole) == (whole, [])
