"""Readers: the same events however the input is cut, one message at a time, nothing lost."""

from __future__ import annotations

import pytest
from support.builders import (
    answer,
    chunked,
    execute_answer,
    execute_request,
    pending_answer,
    ping_request,
    request,
)
from support.splits import Reading, byte_by_byte, read_answers, read_requests, splits

from mapiproxy.wire.errors import WireError
from mapiproxy.wire.heads import ResponseHead
from mapiproxy.wire.reader import EMPTY_LINES, END, NEED_DATA, RequestReader, ResponseReader

CHUNKED_MAYBE = (b"Transfer-Encoding", b"chunkedinue")


def only_reading(readings: list[Reading]) -> Reading:
    """The reading, once it is the same for each split."""
    for reading in readings:
        assert reading.verdict == readings[0].verdict
    return readings[0]


def request_read(data: bytes) -> Reading:
    return only_reading([read_requests(pieces) for pieces in splits(data)])


def answer_read(data: bytes, *methods: bytes, closes: bool = False) -> Reading:
    return only_reading(
        [read_answers(pieces, methods or (b"POST",), closes=closes) for pieces in splits(data)]
    )


def split_head(message: bytes) -> tuple[bytes, bytes]:
    end = message.index(b"\r\n\r\n") + 4
    return message[:end], message[end:]


def test_a_request_with_a_length() -> None:
    raw, body = split_head(execute_request(bytes(range(256))))
    reading = request_read(raw + body)
    assert (reading.head.raw, reading.body, reading.payload) == (raw, body, body)
    assert (reading.ended, reading.error, reading.unread) == (1, None, 0)


def test_a_request_without_a_body() -> None:
    reading = request_read(ping_request())
    assert (reading.body, reading.ended) == (b"", 1)


def test_a_chunked_request_passes_with_its_chunk_lines_and_the_tap_gets_the_payload() -> None:
    message = execute_request(chunks=[b"0\r\n\r\n", bytes(20)])
    reading = request_read(message)
    assert reading.body == split_head(message)[1]
    assert reading.payload == b"0\r\n\r\n" + bytes(20)
    assert reading.ended == 1


def test_extensions_and_trailers_pass() -> None:
    body = b'5;a=b;c="d e"\r\nhello\r\n0;x\r\nX-Sum: 7\r\nY:\r\n\r\n'
    reading = request_read(request((b"Transfer-Encoding", b"chunked"), body=body))
    assert (reading.body, reading.payload) == (body, b"hello")


def test_pipelined_requests_come_one_after_the_other() -> None:
    first, second = execute_request(b"one"), execute_request(chunks=[b"two"])
    reading = request_read(first + second + ping_request())
    assert reading.ended == 3
    assert [bytes(payload) for payload in reading.payloads] == [b"one", b"two", b""]
    heads = b"".join(head.raw for head in reading.heads)
    assert len(heads) + sum(map(len, reading.bodies)) == len(first + second + ping_request())


@pytest.mark.parametrize("first", [execute_request(b"one"), execute_request(chunks=[b"one"])])
def test_a_pipelined_request_stays_unread_until_asked_for(first: bytes) -> None:
    """It may be anything: nobody looks at it before its turn."""
    for second in (execute_request(), b"\0garbage\n"):
        reader = RequestReader()
        reader.feed(first + second)
        while reader.next() is not END:
            pass
        assert reader.unread == len(second)
        assert not reader.in_message


def test_a_head_may_be_left_alone_before_its_body() -> None:
    reader = RequestReader()
    raw, body = split_head(execute_request())
    reader.feed(raw + body[:10])
    assert reader.next().raw == raw
    assert reader.in_message
    reader.feed(body[10:])
    assert reader.next() == body
    assert reader.next() is END
    assert not reader.in_message


def test_without_bytes_there_is_no_event() -> None:
    reader = RequestReader()
    assert reader.next() is NEED_DATA
    reader.feed(b"POST")
    assert reader.next() is NEED_DATA
    assert reader.next() is NEED_DATA


def test_the_tap_is_for_one_message() -> None:
    reader, tapped = RequestReader(), bytearray()
    reader.feed(execute_request(b"one") + execute_request(b"two"))
    reader.next()
    reader.tap = tapped.extend
    while reader.next() is not END:
        pass
    assert reader.tap is None
    while reader.next() is not END:
        pass
    assert tapped == b"one"


def test_empty_lines_before_a_request_are_ignored() -> None:
    reading = request_read(ping_request() + b"\r\n" * EMPTY_LINES + ping_request())
    assert reading.ended == 2


def test_a_stream_of_empty_lines_is_not() -> None:
    reading = request_read(b"\r\n" * (EMPTY_LINES + 1) + ping_request())
    assert reading.error is not None
    assert "empty lines" in reading.error.text


@pytest.mark.parametrize("start", [b"\n", b"\r\r\n", b"\r", b"\r\n\n", b"\r\n\r"])
def test_bare_cr_or_lf_before_a_request(start: bytes) -> None:
    assert request_read(start + ping_request()).error is not None


@pytest.mark.parametrize(
    "start",
    [
        b"GET / HTTP/1.1\n",
        b"GET / HTTP/1.1\r\nHost: a\n",
        b"GET / HTTP/1.1\nHost: a\n\n",
        b"GET / HTTP/1.1\r\n\n",
    ],
)
def test_a_bare_lf_in_a_head_is_refused_at_once(start: bytes) -> None:
    """Not at the end of the head, which may never come."""
    reading = request_read(start)
    assert reading.error is not None
    assert reading.error.status == 400


def large_head(size: int) -> bytes:
    small = request((b"X-Small", b"s"), (b"Authorization", b""))
    at = small.index(b"Authorization: ") + len(b"Authorization: ")
    return small[:at] + b"T" * (size - len(small)) + small[at:]


def test_a_head_of_the_limit_passes() -> None:
    raw = large_head(4096)
    for pieces in ([raw], byte_by_byte(raw)):
        assert read_requests(pieces, RequestReader(head_limit=4096)).ended == 1


@pytest.mark.parametrize("rest", [b"", bytes(9000)])
def test_a_larger_head_is_refused_with_the_name_of_its_largest_header(rest: bytes) -> None:
    raw = large_head(4097) + rest
    for pieces in ([raw], byte_by_byte(raw), [raw[:4000], raw[4000:]]):
        error = read_requests(pieces, RequestReader(head_limit=4096)).error
        assert error is not None
        assert (error.status, error.fault) == (431, "client")
        assert "'Authorization'" in error.text
        assert "TTT" not in error.text


def test_the_default_limit_is_128_kib() -> None:
    assert read_requests([large_head(131072)]).ended == 1
    assert read_requests([large_head(131073)]).error is not None


def test_a_backends_large_head_is_a_502() -> None:
    raw = answer((b"Set-Cookie", b"c" * 5000))
    for pieces in ([raw], byte_by_byte(raw)):
        error = read_answers(pieces, reader=ResponseReader(head_limit=4096)).error
        assert error is not None
        assert (error.status, error.fault) == (502, "backend")
        assert "'Set-Cookie'" in error.text


def test_who_refused_once_refuses_for_ever() -> None:
    """What is unread after a refusal must never be given out."""
    reader = RequestReader()
    reader.feed(request((b"Transfer-Encoding", b"chunked"), body=b"5\r\nhelloX\r\n0\r\n\r\n"))
    reader.next()
    for _ in range(3):
        with pytest.raises(WireError, match="not followed by CRLF"):
            reader.next()
    reader.feed(ping_request())
    with pytest.raises(WireError):
        reader.next()
    backend = ResponseReader()
    backend.expect(b"GET")
    backend.feed(b"rubbish\r\n\r\n" + answer())
    for _ in range(2):
        with pytest.raises(WireError):
            backend.next()


def test_answers() -> None:
    for message in (execute_answer(), pending_answer()):
        raw, body = split_head(message)
        reading = answer_read(message)
        assert (reading.head.raw, reading.body, reading.ended) == (raw, body, 1)
        assert reading.payload.startswith(b"PROCESSING\r\n")
        assert reading.payload.endswith(bytes(16))


def test_each_piece_of_an_answer_is_given_out_at_once() -> None:
    """PROCESSING and PENDING are signs of life: they must not wait for what follows."""
    raw, body = split_head(pending_answer())
    reader = ResponseReader()
    reader.expect(b"POST")
    reader.feed(raw)
    assert isinstance(reader.next(), ResponseHead)
    for at in range(0, len(body), 7):
        reader.feed(body[at : at + 7])
        assert reader.next() == body[at : at + 7]
        if at + 7 < len(body):
            assert reader.next() is NEED_DATA
    assert reader.next() is END


def test_nothing_is_read_before_a_request_was_sent() -> None:
    reader = ResponseReader()
    reader.feed(answer())
    assert reader.next() is NEED_DATA
    assert reader.unread == len(answer())


def test_surplus_after_an_answer_stays_unread() -> None:
    """gromox sends bytes after the declared end of its failure answers (reference 5.2 G)."""
    reading = answer_read(execute_answer() + b"\xf7\x06")
    assert (reading.ended, reading.unread, reading.error) == (1, 2, None)


def test_interim_heads_are_events_of_their_own() -> None:
    interim = answer(status=b"100 Continue") + answer((b"Link", b"x"), status=b"103 Early Hints")
    reading = answer_read(interim + execute_answer())
    assert [head.status for head in reading.heads] == [100, 103, 200]
    assert (len(reading.bodies), reading.ended) == (1, 1)


@pytest.mark.parametrize(
    "field", [(b"Content-Length", b"5"), (b"Transfer-Encoding", b"chunked"), CHUNKED_MAYBE]
)
def test_an_interim_head_that_announces_a_body_is_refused(field: tuple[bytes, bytes]) -> None:
    """Found by the oracle: it was passed on unread."""
    reading = answer_read(answer(field, status=b"100 Continue") + execute_answer())
    assert (reading.heads, reading.error is None) == ([], False)


def test_two_answers_in_a_row() -> None:
    reading = answer_read(execute_answer(b"one") + pending_answer(b"two"), b"POST", b"POST")
    assert reading.ended == 2
    assert reading.payloads[1].endswith(b"two")


@pytest.mark.parametrize(
    ("method", "status"),
    [
        (b"HEAD", b"200 OK"),
        (b"GET", b"204 No Content"),
        (b"GET", b"304 Not Modified"),
        (b"HEAD", b"404 Not Found"),
    ],
)
@pytest.mark.parametrize(
    "field", [(b"Content-Length", b"5"), (b"Transfer-Encoding", b"chunked"), (b"X", b"y")]
)
def test_answers_without_a_body(method: bytes, status: bytes, field: tuple[bytes, bytes]) -> None:
    reading = answer_read(answer(field, status=status) + execute_answer(), method, b"POST")
    assert (reading.ended, bytes(reading.bodies[0])) == (2, b"")


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
@pytest.mark.parametrize("body", [b"", b"all of it\r\n\r\n0\r\n\r\n"])
def test_an_answer_that_ends_with_its_connection(version: bytes, body: bytes) -> None:
    message = answer((b"X", b"y"), version=version, body=body)
    reading = answer_read(message, closes=True)
    assert (reading.body, reading.payload, reading.ended) == (body, body, 1)
    assert answer_read(message).ended == 0


def test_the_end_may_be_known_before_anything_was_read() -> None:
    for body in (b"", b"all of it"):
        reader = ResponseReader()
        reader.expect(b"GET")
        reader.feed(answer(body=body))
        reader.eof()
        events = [reader.next() for _ in range(3 if body else 2)]
        assert events[1:] == ([body, END] if body else [END])


@pytest.mark.parametrize("message", [execute_answer(), pending_answer()])
def test_an_answer_that_is_cut_anywhere_is_an_error(message: bytes) -> None:
    """Never an end: a truncated answer must not look whole to the client (reference N3)."""
    for at in range(len(message)):
        for pieces in ([message[:at]], byte_by_byte(message[:at])):
            error = read_answers(pieces, closes=True).error
            assert error is not None
            assert (error.fault, error.status) == ("backend", 502)
            assert error.text.startswith("the backend closed")
    assert read_answers([message], closes=True).error is None


def test_closing_after_an_interim_head_is_an_error() -> None:
    assert answer_read(answer(status=b"100 Continue"), closes=True).error is not None


def test_closing_without_anything_due_is_none() -> None:
    reader = ResponseReader()
    reader.eof()
    assert reader.next() is NEED_DATA


@pytest.mark.parametrize("at", [b"0\r\n\r\n", b"5\r\nhello\r\n0\r\n\r\n"])
def test_bad_chunks_after_good_ones(at: bytes) -> None:
    body = chunked(b"hello")[: -len(at)] if chunked(b"hello").endswith(at) else b""
    reading = request_read(request((b"Transfer-Encoding", b"chunked"), body=body + b"zz\r\n"))
    assert reading.error is not None
    assert reading.ended == 0
