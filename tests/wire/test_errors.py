"""A WireError can be logged and shown to anybody: it knows names and positions, not secrets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.builders import execute_answer, execute_request, pending_answer
from support.splits import read_answers, read_requests

from mapiproxy.wire.errors import SEEN_LIMIT, WireError, show
from mapiproxy.wire.reader import RequestReader

#: No part of it may be seen. No colon in it: what stands before a colon is a header's name.
SECRET = b"S3CRETs3cretQUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo/+=="


def leaked(text: str) -> bool:
    """Whether eight bytes in a row of the secret stand in *text*."""
    return any(SECRET[at : at + 8].decode() in text for at in range(len(SECRET) - 7))


def test_a_clients_error_has_the_status_it_was_given_and_a_backends_is_a_502() -> None:
    assert WireError("x", status=431).status == 431
    assert WireError("x").status == 400
    assert WireError("x", fault="backend", status=431).status == 502
    assert str(WireError("what it says", header="Host")) == "what it says"


def test_seen_bytes_are_cut_and_printable() -> None:
    assert show(b"a\r\n\0\xff") == "a\\r\\n\\x00\\xff"
    assert show(bytes(SEEN_LIMIT + 1)).endswith("\\x00...")
    assert show(b"x" * SEEN_LIMIT) == "x" * SEEN_LIMIT


ASKED = execute_request(
    b"body", authorization=b"Negotiate " + SECRET, cookie=b"sid=" + SECRET + b"; sequence=" + SECRET
)
CHUNKED = execute_request(chunks=[SECRET, SECRET], authorization=b"Basic " + SECRET)
ANSWERED = execute_answer().replace(b"alv6ickbe1h0exg4amkdpla8e8o5tej7", SECRET)
STREAMED = pending_answer(SECRET)
ODDITIES = [
    b"\n",
    b"\r",
    b"\r\n",
    b"\0",
    b" ",
    b"\t",
    b"\x85",
    b"\r\n ",
    b";",
    b"\x0b",
    b"\r\n\r\n",
]


@pytest.mark.parametrize("oddity", ODDITIES)
@pytest.mark.parametrize("message", [ASKED, CHUNKED])
def test_no_client_error_shows_a_secret_wherever_a_byte_is_added(message: bytes, oddity: bytes) -> None:
    for at in range(len(message)):
        error = read_requests([message[:at] + oddity + message[at:]]).error
        assert error is None or not leaked(error.text + str(error.header) + repr(error))


@pytest.mark.parametrize("oddity", ODDITIES)
@pytest.mark.parametrize("message", [ANSWERED, STREAMED])
def test_no_backend_error_shows_a_secret_wherever_a_byte_is_added(message: bytes, oddity: bytes) -> None:
    for at in range(len(message)):
        error = read_answers([message[:at] + oddity + message[at:]], closes=True).error
        assert error is None or not leaked(error.text + str(error.header) + repr(error))


@given(st.data())
def test_no_error_shows_a_secret_when_bytes_are_lost_or_changed(data: st.DataObject) -> None:
    message = data.draw(st.sampled_from([ASKED, CHUNKED]))
    at = data.draw(st.integers(0, len(message) - 1))
    to = data.draw(st.integers(at, min(len(message), at + 40)))
    error = read_requests([message[:at] + data.draw(st.binary(max_size=4)) + message[to:]]).error
    assert error is None or not leaked(error.text + str(error.header))


@pytest.mark.parametrize("limit", range(64, 700, 7))
def test_a_head_over_its_limit_shows_no_secret(limit: int) -> None:
    error = read_requests([ASKED], RequestReader(head_limit=limit)).error
    assert error is None or not leaked(error.text)


def test_heads_hide_their_values_in_reprs() -> None:
    head = read_requests([ASKED]).head
    assert not leaked(repr(head))
    assert not leaked(repr(read_answers([ANSWERED]).head))
    assert "MailboxId" not in repr(head)
