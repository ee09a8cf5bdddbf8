"""Answers that we make up: readable by any HTTP reader, in Exchange's form, and proof against hostile text."""

from __future__ import annotations

from base64 import b64decode

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapiproxy.policy.refusals import CONTINUE, Refusal, healthy, to_answer


def read(raw: bytes, method: str = "POST"):
    """Head and body, as h11 reads them."""
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method=method, target="/", headers=[("Host", "h")]))
    client.send(h11.EndOfMessage())
    client.receive_data(raw)
    head = client.next_event()
    body = b""
    while isinstance(event := client.next_event(), h11.Data):
        body += event.data
    assert isinstance(event, h11.EndOfMessage)
    assert client.trailing_data == (b"", False)
    return head, dict(head.headers), body


@pytest.mark.parametrize("status", [400, 404, 408, 417, 431, 501, 503, 505])
def test_a_refusal_says_why_in_the_body_and_in_exchanges_own_header(status):
    head, headers, body = read(to_answer(Refusal(status, "no way"), request_id="id-1", head_only=False, close=False))

    assert head.status_code == status
    assert body == b"no way\r\n"
    assert headers[b"request-id"] == b"id-1"
    who, said, text, *empty = headers[b"x-failurecontext"].split(b";")
    assert (who, said, b64decode(text)) == (b"FrontEnd", str(status).encode(), b"no way")
    assert empty == [b""] * 4
    assert b"retry-after" not in headers
    assert b"connection" not in headers


def test_it_says_when_to_come_back_and_when_it_closes():
    _, headers, _ = read(to_answer(Refusal(503, "later", 5), request_id="i", head_only=False, close=True))

    assert headers[b"retry-after"] == b"5"
    assert headers[b"connection"] == b"close"


def test_to_a_head_request_the_body_is_left_out_but_its_length_told():
    _, headers, body = read(to_answer(Refusal(404, "no"), request_id="i", head_only=True, close=False), "HEAD")

    assert body == b""
    assert headers[b"content-length"] == b"4"


def test_the_health_page_is_exchanges():
    head, headers, body = read(healthy("MX1", request_id="i", head_only=False, close=False))

    assert (head.status_code, body) == (200, b"200 OK<br/>MX1")
    assert headers[b"cache-control"] == b"no-store"


@given(st.text(max_size=80))
def test_no_text_can_bring_a_header_of_its_own(text):
    raw = to_answer(Refusal(400, text), request_id="id", head_only=False, close=True)
    _, headers, body = read(raw)

    assert set(headers) == {b"content-type", b"content-length", b"request-id", b"x-failurecontext", b"connection"}
    assert body == (text + "\r\n").encode("utf-8", "replace")


def test_continue_is_a_whole_head():
    assert CONTINUE == b"HTTP/1.1 100 Continue\r\n\r\n"
