"""Requests whose credentials come later."""

from __future__ import annotations

from mapiproxy.lab.asking import Request

REQUEST = Request(("POST /x HTTP/1.1", "Host: h", "X-A: b"), b"body", b"sid=secret")


def test_credentials_cookies_and_the_length_of_the_body_follow_the_head():
    assert REQUEST.raw(b"Basic eA==") == (
        b"POST /x HTTP/1.1\r\nHost: h\r\nX-A: b\r\nAuthorization: Basic eA==\r\nCookie: sid=secret\r\n"
        b"Content-Length: 4\r\n\r\nbody"
    )
    assert Request(("GET / HTTP/1.1",)).raw(None) == b"GET / HTTP/1.1\r\nContent-Length: 0\r\n\r\n"


def test_a_handshake_begins_with_the_same_head_and_no_body():
    assert REQUEST.blank(b"NTLM x") == REQUEST.raw(b"NTLM x").replace(b": 4\r\n\r\nbody", b": 0\r\n\r\n")


def test_its_repr_tells_no_cookie():
    assert "secret" not in repr(REQUEST)
