"""A refusal says which line, header and byte; asked here directly, llhttp's message given."""

from __future__ import annotations

import pytest

from mapiproxy.wire.diagnosis import diagnose

START = b"POST / HTTP/1.1\r\nHost: a\r\n"


@pytest.mark.parametrize(
    ("rest", "text", "header"),
    [
        (b" x: y\r\n", "line 3 of the head, after 'Host', begins with a blank (folded header)",
         "Host"),
        (b"nothing\r\n", "line 3 of the head, after 'Host', has no colon", "Host"),
        (b"a\nb\r\n", "line 3 of the head, after 'Host', has a bare CR or LF", "Host"),
        (b"X y: z\r\n",
         "invalid header name in line 3 of the head, after 'Host', byte 0x20 at position 1 after 'X'",
         "X"),
        (b": z\r\n",
         "invalid header name in line 3 of the head, after 'Host', byte ':' at position 0 after ''",
         "Host"),
        (b"X: y\0\r\n", "invalid byte 0x00 at position 2 of the value of X", "X"),
        (b"X: y\rz\r\n", "invalid bare CR or LF at position 2 of the value of X", "X"),
        (b"A: b\r\nX: \x7f\r\n", "invalid byte 0x7f at position 1 of the value of X", "X"),
    ],
)  # fmt: skip
def test_the_line_is_named(rest: bytes, text: str, header: str) -> None:
    error = diagnose(START + rest + b"\r\n", "client", ValueError("whatever llhttp says"))
    assert (error.text, error.header) == (text, header)


def test_without_an_odd_line_llhttp_is_believed() -> None:
    error = diagnose(START + b"\r\n", "client", ValueError("Invalid method encountered"))
    assert error.text == "the request line cannot be read: Invalid method encountered"
    assert error.header is None
    error = diagnose(b"HTP/1.1 200 OK\r\n\r\n", "backend", None)
    assert (error.text, error.status) == ("the status line cannot be read", 502)


def test_a_length_is_blamed_only_when_llhttp_blames_it() -> None:
    raw = START + b"content-length: 5\r\n\r\n"
    assert diagnose(raw, "client", ValueError("Invalid method encountered")).header is None
    blamed = diagnose(raw, "client", ValueError("Invalid character in Content-Length"))
    assert blamed.header == "content-length"


def test_a_repeated_length_is_said_to_be_repeated() -> None:
    raw = START + b"Content-Length: 5\r\nCONTENT-length: 5\r\n\r\n"
    error = diagnose(raw, "client", ValueError("Duplicate Content-Length"))
    assert error.text == "CONTENT-length is present more than once"
