"""Which body follows a head, asked without any head (RFC 9112 6.3)."""

from __future__ import annotations

import pytest

from mapiproxy.wire.errors import WireError
from mapiproxy.wire.framing import (
    CHUNKED,
    NOTHING,
    UNTIL_CLOSE,
    Length,
    request_framing,
    response_framing,
)


def test_a_request_without_a_length_has_no_body() -> None:
    assert request_framing([], [], b"1.1") is NOTHING


def test_a_request_of_length_zero_has_no_body() -> None:
    assert request_framing([b"0"], [], b"1.1") is NOTHING


def test_lengths_and_codings_of_requests() -> None:
    assert request_framing([b"300"], [], b"1.0") == Length(300)
    assert request_framing([b"9" * 18], [], b"1.1") == Length(10**18 - 1)
    assert request_framing([], [b"ChunkeD"], b"1.1") is CHUNKED


@pytest.mark.parametrize(
    ("lengths", "codings", "version", "header", "status"),
    [
        ([b"5"], [b"chunked"], b"1.1", "Content-Length", 400),
        ([b"5", b"5"], [], b"1.1", "Content-Length", 400),
        ([b"5,5"], [], b"1.1", "Content-Length", 400),
        ([b"+5"], [], b"1.1", "Content-Length", 400),
        ([b"-5"], [], b"1.1", "Content-Length", 400),
        ([b"5 "], [], b"1.1", "Content-Length", 400),
        ([b"0x5"], [], b"1.1", "Content-Length", 400),
        ([b"5_0"], [], b"1.1", "Content-Length", 400),
        ([b""], [], b"1.1", "Content-Length", 400),
        ([b"\xd9\xa5"], [], b"1.1", "Content-Length", 400),
        ([b"1" * 19], [], b"1.1", "Content-Length", 400),
        ([b"010"], [], b"1.1", "Content-Length", 400),
        ([b"00"], [], b"1.1", "Content-Length", 400),
        ([], [b"chunked", b"chunked"], b"1.1", "Transfer-Encoding", 400),
        ([], [b"chunked"], b"1.0", "Transfer-Encoding", 400),
        ([], [b"gzip, chunked"], b"1.1", "Transfer-Encoding", 501),
        ([], [b"xchunked"], b"1.1", "Transfer-Encoding", 501),
        ([], [b"identity"], b"1.1", "Transfer-Encoding", 501),
        ([], [b""], b"1.1", "Transfer-Encoding", 501),
    ],
)
def test_what_has_two_readings_is_refused_and_named(
    lengths: list[bytes], codings: list[bytes], version: bytes, header: str, status: int
) -> None:
    with pytest.raises(WireError) as caught:
        request_framing(lengths, codings, version)
    assert (caught.value.fault, caught.value.header) == ("client", header)
    assert caught.value.status == status
    assert header in caught.value.text


@pytest.mark.parametrize(
    ("method", "status"),
    [(b"HEAD", 200), (b"GET", 204), (b"POST", 304)],
)
def test_answers_that_never_have_a_body(method: bytes, status: int) -> None:
    assert response_framing(method, status, [b"5"], [], b"1.1") is NOTHING
    assert response_framing(method, status, [], [b"chunked"], b"1.1") is NOTHING
    assert response_framing(method, status, [], [], b"1.1") is NOTHING


def test_an_interim_answer_must_not_announce_a_body() -> None:
    for status in (100, 103):
        assert response_framing(b"POST", status, [], [], b"1.1") is NOTHING
        assert response_framing(b"POST", status, [b"0"], [], b"1.1") is NOTHING
        for lengths, codings in (([b"5"], []), ([], [b"chunked"]), ([], [b"gzip"])):
            with pytest.raises(WireError) as caught:
                response_framing(b"POST", status, lengths, codings, b"1.1")
            assert caught.value.status == 502


def test_lengths_and_codings_of_answers() -> None:
    assert response_framing(b"POST", 200, [b"0"], [], b"1.1") is NOTHING
    assert response_framing(b"POST", 200, [b"0012"], [], b"1.1") == Length(12)
    assert response_framing(b"POST", 500, [], [b"chunked"], b"1.1") is CHUNKED
    assert response_framing(b"GET", 200, [], [], b"1.0") is UNTIL_CLOSE


@pytest.mark.parametrize(
    ("method", "lengths", "codings", "version"),
    [
        (b"POST", [b"5"], [b"chunked"], b"1.1"),
        (b"HEAD", [b"5", b"6"], [], b"1.1"),
        (b"POST", [b"5;"], [], b"1.1"),
        (b"POST", [], [b"gzip"], b"1.1"),
        (b"POST", [], [b"chunked"], b"1.0"),
    ],
)
def test_a_backends_ambiguity_is_a_502(
    method: bytes, lengths: list[bytes], codings: list[bytes], version: bytes
) -> None:
    with pytest.raises(WireError) as caught:
        response_framing(method, 200, lengths, codings, version)
    assert (caught.value.fault, caught.value.status) == ("backend", 502)
