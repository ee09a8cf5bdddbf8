"""The servers' own request reader: whole, byte by byte, lenient where the real servers are."""

from __future__ import annotations

import pytest
from support.lab import request_bytes

from mapiproxy.lab.requests import (
    BODY_END,
    NEED_DATA,
    BadRequest,
    LabRequest,
    RequestStream,
)

CHUNKED = (
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: 1\r\n\r\n"
)


def read(pieces: list[bytes]) -> list[LabRequest]:
    stream = RequestStream()
    found, current = [], None
    for piece in pieces:
        stream.feed(piece)
        while (event := stream.next()) is not NEED_DATA:
            if event is BODY_END:
                assert current is not None
                found.append(current)
            else:
                assert isinstance(event, LabRequest)
                current = event
    return found


@pytest.mark.parametrize("raw", [request_bytes("Connect"), request_bytes("PING"), CHUNKED])
def test_requests_are_read_alike_however_they_are_cut(raw: bytes) -> None:
    (whole,) = read([raw])
    assert read([raw[at : at + 1] for at in range(len(raw))]) == [whole]
    for cut in range(0, len(raw), 7):
        assert read([raw[:cut], raw[cut:]]) == [whole]
    assert read([raw + raw]) == [whole, whole]


def test_a_chunked_body_is_decoded() -> None:
    (request,) = read([CHUNKED])
    assert (request.body, request.chunked) == (b"abcde", True)


def test_the_last_of_a_repeated_header_counts_and_cookies_are_joined() -> None:
    raw = b"POST / HTTP/1.1\r\nA: 1\r\nCookie: a=1\r\na: 2\r\ncookie: b=2\r\n\r\n"
    (request,) = read([raw])
    assert request.headers == {b"a": b"2", b"cookie": b"a=1; b=2"}


@pytest.mark.parametrize(
    ("version", "connection", "keep"),
    [
        ("1.1", "", True),
        ("1.1", "Connection: close\r\n", False),
        ("1.0", "", False),
        ("1.0", "Connection: Keep-Alive\r\n", True),
    ],
)
def test_keep_alive(version: str, connection: str, keep: bool) -> None:
    (request,) = read([f"GET / HTTP/{version}\r\n{connection}\r\n".encode()])
    assert request.keep_alive == keep


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"GET /\r\n\r\n", 400),
        (b"GET / HTTP/2\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: 50000001\r\n\r\n", 413),
        (b"GET / HTTP/1.1\r\nA: " + b"x" * 140_000, 431),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc", 400),
    ],
)
def test_bytes_that_are_no_request(raw: bytes, status: int) -> None:
    with pytest.raises(BadRequest) as caught:
        read([raw])
    assert caught.value.status == status


def test_the_body_of_an_in_channel_has_no_limit_and_is_read_as_it_comes() -> None:
    stream = RequestStream(body_limit=10)
    stream.feed(b"RPC_IN_DATA /rpc/rpcproxy.dll?a:6001 HTTP/1.1\r\nContent-Length: 30\r\n\r\nabc")
    request = stream.next()
    assert isinstance(request, LabRequest)
    assert request.length == 30
    assert (stream.piece(), stream.piece()) == (b"abc", b"")
    stream.feed(b"d" * 40)
    assert stream.piece() == b"d" * 27
    assert (stream.piece(), stream.buffered) == (b"", 13)
