"""What both kinds share: chunks, dates, the page of a refusal."""

from __future__ import annotations

from support.lab import ALICE, read_request, request_bytes

from mapiproxy.lab.dialect import Call, Dates, chunk, framed, page


def call(close_delimited: bool) -> Call:
    request = read_request(request_bytes("PING"))
    return Call(request, "emsmdb", "PING", ALICE, {}, 0.0, close_delimited)


def test_pieces_are_chunks_unless_the_connection_ends_the_body() -> None:
    assert chunk(b"x" * 18) == b"12\r\n" + b"x" * 18 + b"\r\n"
    assert framed(call(False), b"ab", b"c", last=True) == b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
    assert framed(call(True), b"ab", b"c", last=True) == b"abc"


def test_dates_follow_the_clock_by_the_second() -> None:
    dates = Dates()
    assert dates.at(0.9) == b"Thu, 01 Jan 1970 00:00:00 GMT"
    assert dates.at(1.0) == b"Thu, 01 Jan 1970 00:00:01 GMT"


def test_the_page_is_as_long_as_the_recorded_one() -> None:
    assert len(page("The request has an invalid session context cookie.")) == 226


def test_a_call_shows_no_cookies() -> None:
    secret = call(False)
    secret.cookies[b"sid"] = b"very-secret"
    assert "very-secret" not in repr(secret)
    assert ALICE.basic.decode() not in repr(secret)
