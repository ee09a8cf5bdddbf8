"""The end of a body is found in passing, however it is cut; what breaks the grammar is refused."""

from __future__ import annotations

import pytest
from support.builders import chunk, chunked
from support.splits import byte_by_byte, splits

from mapiproxy.wire.errors import WireError
from mapiproxy.wire.framing import CHUNKED, NOTHING, UNTIL_CLOSE, Length
from mapiproxy.wire.scanner import (
    LARGEST_CHUNK,
    SIZE_LINE_LIMIT,
    TRAILER_LIMIT,
    ChunkedScanner,
    CloseScanner,
    LengthScanner,
    Scanner,
    scanner_for,
)


def scan(scanner: Scanner, pieces: list[bytes]) -> tuple[bytes, bytes]:
    """The bytes that belong to the body, and its payload."""
    body, payload = bytearray(), bytearray()
    for piece in pieces:
        taken = scanner.scan(piece, payload.extend)
        body += piece[:taken]
        if taken < len(piece):
            assert scanner.done
            break
    return bytes(body), bytes(payload)


GOOD = {
    "empty": (chunked(), b""),
    "two chunks": (chunked(b"PROCESSING\r\n", bytes(20)), b"PROCESSING\r\n" + bytes(20)),
    "payload that looks like the end": (chunked(b"0\r\n\r\n", b"\r\n"), b"0\r\n\r\n\r\n"),
    "upper-case size": (b"1A\r\n" + bytes(26) + b"\r\n0\r\n\r\n", bytes(26)),
    "leading zeros": (b"0003\r\nabc\r\n0000\r\n\r\n", b"abc"),
    "extension": (chunk(b"abc", b';a;b=c;d="e f;g"') + chunked(last=b"0;z=1"), b"abc"),
    "trailers": (chunked(b"abc", trailers=[(b"X-Sum", b"7"), (b"Y", b"\xff\t")]), b"abc"),
    "empty trailer": (b"0\r\nX-Sum:\r\n\r\n", b""),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_chunked_body_passes_unchanged_however_it_is_cut(name: str) -> None:
    body, payload = GOOD[name]
    for pieces in splits(body + b"NEXT"):
        scanner = ChunkedScanner("client")
        assert scan(scanner, pieces) == (body, payload)
        assert scanner.done


BAD = {
    "a blank before an extension": b"5 ;a=b\r\nhello\r\n0\r\n\r\n",
    "a blank after the size": b"5 \r\nhello\r\n0\r\n\r\n",
    "a blank in an extension": b"5;a =b\r\nhello\r\n0\r\n\r\n",
    "a blank before the size": b" 5\r\nhello\r\n0\r\n\r\n",
    "0x": b"0x5\r\nhello\r\n0\r\n\r\n",
    "a sign": b"+5\r\nhello\r\n0\r\n\r\n",
    "a minus": b"-1\r\nhello\r\n0\r\n\r\n",
    "an underscore": b"1_0\r\nhello\r\n0\r\n\r\n",
    "no size": b"\r\nhello\r\n0\r\n\r\n",
    "only an extension": b";a\r\nhello\r\n0\r\n\r\n",
    "not hex": b"5g\r\nhello\r\n0\r\n\r\n",
    "full-width digit": b"\xef\xbc\x95\r\nhello\r\n0\r\n\r\n",
    "bare LF after the size": b"5\nhello\r\n0\r\n\r\n",
    "bare CR after the size": b"5\rhello\r\n0\r\n\r\n",
    "two CRs": b"5\r\r\nhello\r\n0\r\n\r\n",
    "bare LF in an extension": b"5;a\nhello\r\n0\r\n\r\n",
    "bare CR in an extension": b"5;a\rb\r\nhello\r\n0\r\n\r\n",
    "bare LF after the data": b"5\r\nhello\n0\r\n\r\n",
    "bare CR after the data": b"5\r\nhello\r0\r\n\r\n",
    "two CRs after the data": b"5\r\nhello\r\r\n0\r\n\r\n",
    "three CRs after the data": b"5\r\nhello\r\r\r\n0\r\n\r\n",
    "rubbish after the data": b"5\r\nhelloX\r\n0\r\n\r\n",
    "size too small": b"4\r\nhello\r\n0\r\n\r\n",
    "size too large": b"6\r\nhello\r\n0\r\n\r\n",
    "bare LF after the last size": b"0\n\r\n",
    "only bare LF at the end": b"0\n\n",
    "bare LF as the empty line": b"0\r\n\n",
    "bare LF after a trailer": b"0\r\nX: y\n\r\n",
    "bare CR in a trailer": b"0\r\nX: y\rZ: w\r\n\r\n",
    "a size just over the limit": b"80000000\r\n",
    "a size that is 5 in 32 bits": b"100000005\r\n",
    "a size that is 5 in 64 bits": b"10000000000000005\r\n",
    "a quoted pair that leaves the quotes open": b'5;a="\\"\r\nhello\r\n0\r\n\r\n',
    "open quotes": b'5;a="b\r\nhello\r\n0\r\n\r\n',
    "an extension without name": b"5;\r\nhello\r\n0\r\n\r\n",
    "an extension without value": b"5;a=\r\nhello\r\n0\r\n\r\n",
    "NUL in the size": b"5\0\r\nhello\r\n0\r\n\r\n",
    "NUL in an extension": b"5;a\0\r\nhello\r\n0\r\n\r\n",
    "0x85 as blank": b"5\x85\r\nhello\r\n0\r\n\r\n",
    "vertical tab": b"5\x0b\r\nhello\r\n0\r\n\r\n",
    "a folded trailer": b"0\r\nX: y\r\n z\r\n\r\n",
    "a trailer without colon": b"0\r\nGET / HTTP/1.1\r\n\r\n",
    "a blank before a trailer's colon": b"0\r\nX : y\r\n\r\n",
    "a trailer that begins with a blank": b"0\r\n X: y\r\n\r\n",
    "NUL in a trailer": b"0\r\nX: \0\r\n\r\n",
    "a trailer's name of 64 bytes": b"0\r\n" + b"x" * 64 + b": y\r\n\r\n",
}
FORBIDDEN = (
    b"Content-Length Transfer-Encoding HOST Cookie Set-Cookie Authorization Connection TE Trailer "
    b"Upgrade Expect Content-Type Content-Encoding X-RequestType X-RequestId Content_Length"
).split()


def refusal(pieces: list[bytes]) -> WireError:
    with pytest.raises(WireError) as caught:
        scan(ChunkedScanner("client"), pieces)
    return caught.value


def handed_on_before_refusal(pieces: list[bytes]) -> bytes:
    """What a backend has got when the refusal comes."""
    scanner, handed_on = ChunkedScanner("client"), bytearray()
    try:
        for piece in pieces:
            handed_on += piece[: scanner.scan(piece, None)]
    except WireError:
        return bytes(handed_on)
    raise AssertionError("nothing was refused")


@pytest.mark.parametrize("name", BAD)
def test_what_breaks_the_grammar_is_refused_however_it_is_cut(name: str) -> None:
    for pieces in splits(BAD[name]):
        error = refusal(pieces)
        assert (error.fault, error.status, error.header) == ("client", 400, "Transfer-Encoding")


@pytest.mark.parametrize("name", FORBIDDEN)
def test_a_trailer_that_would_decide_something_is_refused_by_name(name: bytes) -> None:
    for spelt in (name, name.lower(), name.upper()):
        error = refusal([b"0\r\n" + spelt + b": 5\r\n\r\n"])
        assert spelt.decode() in error.text


@pytest.mark.parametrize("end", [b"0\n", b"0\r\n\n", b"5\n", b"0\r\nX: y\n", b"5\r\nhello\n"])
def test_a_bare_lf_is_never_handed_on(end: bytes) -> None:
    """A lax backend would take it for the end of a line: it must not get it from us."""
    assert handed_on_before_refusal(byte_by_byte(end)) == end[:-1]


@pytest.mark.parametrize("cr", [b"5\rX", b"0\r\nX: y\rZ", b"5\r\nhello\rX"])
def test_nothing_is_handed_on_after_a_bare_cr(cr: bytes) -> None:
    assert handed_on_before_refusal(byte_by_byte(cr)) == cr[:-1]


def test_the_largest_chunk_is_one_byte_less_than_2_gib() -> None:
    scanner = ChunkedScanner("backend")
    scanner.scan(b"7fffffff\r\n", None)
    assert LARGEST_CHUNK == 0x7FFFFFFF
    assert refusal([b"080000000\r\n"]).text.startswith("a chunk of 2147483648 bytes")


@pytest.mark.parametrize("width", [1, 7, 1000])
def test_an_endless_size_line_is_cut_off(width: int) -> None:
    handed_on = handed_on_before_refusal([b"5;", *[b"a" * width] * 1000])
    assert len(handed_on) <= SIZE_LINE_LIMIT


def test_size_lines_have_the_same_limit_whole_and_in_pieces() -> None:
    for size, fits in ((SIZE_LINE_LIMIT, True), (SIZE_LINE_LIMIT + 1, False)):
        line = b"0;" + b"a" * (size - 4) + b"\r\n"
        for pieces in ([line], byte_by_byte(line), [line[:-1], line[-1:]]):
            if fits:
                assert scan(ChunkedScanner("client"), pieces)[0] == line
            else:
                refusal(pieces)


@pytest.mark.parametrize("line", [b"X: y\r\n", b"X: " + b"y" * 3000 + b"\r\n"])
def test_endless_trailers_are_cut_off(line: bytes) -> None:
    handed_on = handed_on_before_refusal([b"0\r\n", *[line] * 10_000])
    assert len(handed_on) <= TRAILER_LIMIT + len(b"0\r\n")


def test_trailers_have_the_same_limit_whole_and_in_pieces() -> None:
    for size, fits in ((TRAILER_LIMIT, True), (TRAILER_LIMIT + 1, False)):
        body = b"0\r\nA: b\r\nX: " + b"y" * (size - 6 - 5) + b"\r\n\r\n"
        assert len(body) == size + 5
        for pieces in ([body], byte_by_byte(body), [body[:-3], body[-3:]]):
            if fits:
                assert scan(ChunkedScanner("client"), pieces)[0] == body
            else:
                refusal(pieces)


def test_errors_never_show_what_stands_where_a_size_line_should() -> None:
    """When peers disagree about the length of a chunk, that is somebody's mail."""
    for body in (b"5\r\nhellosecret mail\r\n", b"secret mail\r\n", b"0\r\nsecret mail\r\n\r\n"):
        for pieces in splits(body):
            assert "secret" not in refusal(pieces).text


def test_errors_name_the_byte_and_its_position() -> None:
    assert refusal([b"5\x0b\r\n"]).text == "bad chunk size line of 4 bytes: byte 0x0b at position 1"
    assert "0x20 at position 1" in refusal([b"0\r\nX : y\r\n\r\n"]).text


def test_a_length_is_counted_and_the_rest_left() -> None:
    for pieces in splits(b"0123456789NEXT"):
        scanner = LengthScanner(10)
        assert scan(scanner, pieces) == (b"0123456789", b"0123456789")
        assert scanner.done


def test_until_close_takes_everything() -> None:
    for pieces in splits(b"0\r\n\r\nGET"):
        scanner = CloseScanner()
        assert scan(scanner, pieces) == (b"0\r\n\r\nGET", b"0\r\n\r\nGET")
        assert not scanner.done


def test_each_framing_has_its_scanner() -> None:
    assert scanner_for(NOTHING, "client").done
    assert isinstance(scanner_for(Length(3), "client"), LengthScanner)
    assert isinstance(scanner_for(CHUNKED, "backend"), ChunkedScanner)
    assert isinstance(scanner_for(UNTIL_CLOSE, "backend"), CloseScanner)
    with pytest.raises(WireError) as caught:
        scanner_for(CHUNKED, "backend").scan(b"x\r\n", None)
    assert (caught.value.fault, caught.value.status) == ("backend", 502)
