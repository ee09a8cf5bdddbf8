"""What smuggling lists contain: bytes that some reader behind us would read differently.

Each is either refused, or its end is where every strict reader finds it. What we refuse must not
have been handed on far enough for a lax reader to see the end of a message in it.
"""

from __future__ import annotations

import pytest
from support.builders import request
from support.splits import byte_by_byte, read_requests, splits

from mapiproxy.wire.errors import WireError
from mapiproxy.wire.heads import RequestHead
from mapiproxy.wire.reader import END, NEED_DATA, RequestReader

HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: mail.example.test\r\n\r\n"
CL = (b"Content-Length", b"%d" % len(HIDDEN))
CHUNKED = (b"Transfer-Encoding", b"chunked")


def with_field(line: bytes, *fields: tuple[bytes, bytes], body: bytes = b"") -> bytes:
    """A request with one more line, taken as it is."""
    raw = request(*fields)
    return raw[:-2] + line + b"\r\n\r\n" + body


#: Transfer-Encoding that one side may overlook and the other not; all come with a Content-Length.
DISGUISES = [
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding : chunked",
    b"Transfer-Encoding\t: chunked",
    b" Transfer-Encoding: chunked",
    b"Transfer-Encoding: xchunked",
    b"Transfer-Encoding: x chunked",
    b"Transfer-Encoding: chunked, identity",
    b"Transfer-Encoding: identity, chunked",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x",
    b"Transfer-Encoding: x\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: \x0bchunked",
    b"Transfer-Encoding: \x0cchunked",
    b"Transfer-Encoding:\xa0chunked",
    b"Transfer-Encoding: \x85chunked",
    b"Transfer-Encoding: chunked\x85",
    b"Transfer-Encoding: chunked\0",
    b"Transfer-Encoding: chunked\x7f",
    b"Transfer-Encoding: chunked ",
    b"Transfer-Encoding: chunked;a=b",
    b"Transfer-Encoding: 'chunked'",
    b'Transfer-Encoding: "chunked"',
    b"Transfer-Encoding:\r\n chunked",
    b"Transfer-Encoding:\n chunked",
    b"X: y\nTransfer-Encoding: chunked",
    b"X: y\rTransfer-Encoding: chunked",
    b"X: y\0Transfer-Encoding: chunked",
    b"\nTransfer-Encoding: chunked",
    b"\rTransfer-Encoding: chunked",
    b"Transfer-Encoding",
    b"Transfer-Encoding:",
    b"Transfer_Encoding: chunked",
    b"Transfer-Encoding\0: chunked",
    b"Transfer-Encoding\xff: chunked",
    b"transfer-encoding: CHUNKED",
    b"TRANSFER-ENCODING: cHuNkEd",
    b"\xef\xbb\xbfTransfer-Encoding: chunked",
    b"[Transfer-Encoding]: chunked",
    b"Transfer-Encoding: chu\tnked",
    b"Transfer-Encoding: chunk",
    b"Transfer-Encoding: \xd1\x81hunked",
]


@pytest.mark.parametrize("line", DISGUISES)
def test_cl_te_and_te_cl_in_any_disguise(line: bytes) -> None:
    for first, second in ((CL, line), (None, line + b"\r\nContent-Length: 48")):
        message = with_field(second, *([first] if first else []), body=b"0\r\n\r\n" + HIDDEN)
        for pieces in ([message], byte_by_byte(message)):
            reading = read_requests(pieces)
            assert reading.error is not None
            assert reading.heads == []


LENGTHS = [
    b"Content-Length: 5\r\nContent-Length: 6",
    b"Content-Length: 5\r\nContent-Length: 5",
    b"Content-Length: 5\r\ncontent-length: 5",
    b"Content-Length: 5, 6",
    b"Content-Length: 5\r\n\t6",
    b"Content-Length: 5\r\n 6",
    b"Content-Length: \r\n 5",
    b"Content-Length : 5",
    b"Content-Length\x0b: 5",
    b"Content_Length: 5",
    b"CONTENT_LENGTH: 5",
    b"Content-Length: 0x5",
    b"Content-Length: 05",
    b"Content-Length: +5",
    b"Content-Length: -5",
    b"Content-Length: 5.0",
    b"Content-Length: 5e0",
    b"Content-Length: 5_0",
    b"Content-Length: 5 5",
    b"Content-Length: 5;",
    b"Content-Length: 5\x0b",
    b"Content-Length: 5\0",
    b"Content-Length: \xb2",
    b"Content-Length: 4294967301000000000",
    b"Content-Length: 18446744073709551621",
    b"Content-Length: 5\r\nX: y\nContent-Length: 0",
    b"X: y\nContent-Length: 5",
    b"X: y\rContent-Length: 5",
    b"Host: other.test",
    b"HOST: mail.example.test",
    b"hOST : other.test",
    b"X: y\r\n\r\nGET / HTTP/1.1\nHost: a\n\n",
]


@pytest.mark.parametrize("line", LENGTHS)
def test_lengths_and_hosts_with_two_readings(line: bytes) -> None:
    message = with_field(line, body=b"hello")
    for pieces in splits(message):
        assert read_requests(pieces).error is not None


CHUNKS = [
    b"0\n\n",
    b"0\n\r\n",
    b"0\r\n\n",
    b"0\r\r\n\r\n",
    b"0\r\n\r",
    b"00000000000000000\n\r\n",
    b"5;\nxxx\r\n0\r\n\r\n",
    b"5;a\nb\r\n0\r\n\r\n",
    b"2;\r\nab\r\n0\r\n\r\n",
    b"2\rXX\r\nab\r\n0\r\n\r\n",
    b"2;\rab\r\n0\r\n\r\n",
    b"2\r\nabXX0\r\n\r\n",
    b"2\r\nab\r\r\n0\r\n\r\n",
    b"0\r\n\r\r\n",
    b"2\r\nab0\r\n\r\n",
    b"2\r\nab\r\n\r\n0\r\n\r\n",
    b"0x2\r\nab\r\n0\r\n\r\n",
    b"+2\r\nab\r\n0\r\n\r\n",
    b"-0\r\n\r\n",
    b"2 \r\nab\r\n0\r\n\r\n",
    b"2\t;a\r\nab\r\n0\r\n\r\n",
    b"2_\r\nab\r\n0\r\n\r\n",
    b"2\x0b\r\nab\r\n0\r\n\r\n",
    b"2,2\r\nab\r\n0\r\n\r\n",
    b"100000002\r\nab\r\n0\r\n\r\n",
    b"fffffffffffffffe\r\nab\r\n0\r\n\r\n",
    b"10000000000000002\r\nab\r\n0\r\n\r\n",
    b'2;a="\r\nab\r\n0\r\n\r\n"\r\n',
    b'2;a="\\"\r\nab\r\n0\r\n\r\n',
    b"0;a=\x00\r\n\r\n",
    b"0\r\nContent-Length: 5\r\n\r\n",
    b"0\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"0\r\nHost: other.test\r\n\r\n",
    b"0\r\nX : y\r\n\r\n",
    b"0\r\nX: y\n\r\n",
    b"0\r\n GET / HTTP/1.1\r\n\r\n",
    b"0\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
]


@pytest.mark.parametrize("body", CHUNKS)
def test_chunk_tricks(body: bytes) -> None:
    message = request(CHUNKED, body=body)
    for pieces in splits(message + HIDDEN):
        reading = read_requests(pieces)
        assert reading.error is not None
        assert reading.ended == 0


@pytest.mark.parametrize("body", CHUNKS)
def test_a_lax_reader_gets_no_end_from_what_we_refuse(body: bytes) -> None:
    """Byte by byte, what goes on to the backend before the refusal holds no end of a body even for
    a reader that takes a lone LF for a line end and forgives blanks, quotes and overflow."""
    head = request(CHUNKED)
    reader, handed_on = RequestReader(), bytearray()
    try:
        for piece in byte_by_byte(head + body + HIDDEN):
            reader.feed(piece)
            while (event := reader.next()) is not NEED_DATA:
                assert event is not END
                if isinstance(event, bytes):
                    handed_on += event
                else:
                    assert isinstance(event, RequestHead)
    except WireError:
        pass
    else:
        raise AssertionError("nothing was refused")
    forgiving = bytes(handed_on).replace(b"\r\n", b"\n")
    ends = [line.rstrip(b"\r \t").rstrip(b"0;") == b"" for line in forgiving.split(b"\n")[:-1]]
    # An empty line right after a line of zeros would be an end.
    assert not any(ends[at] and ends[at + 1] for at in range(len(ends) - 1))


def test_a_last_size_line_with_bare_lf_split_across_pieces() -> None:
    head = request(CHUNKED)
    for pieces in ([b"0", b"\n"], [b"0", b"\n\r\n"], [b"5\r\nhello\r\n0", b"\n", b"\r\n"]):
        reading = read_requests([head, *pieces])
        assert reading.error is not None
        assert not reading.body.endswith(b"\n")


def test_a_body_that_looks_like_a_request_is_a_body() -> None:
    for message in (
        request(CL, body=HIDDEN),
        request(CHUNKED, body=b"%x\r\n%b\r\n0\r\n\r\n" % (len(HIDDEN), HIDDEN)),
    ):
        reading = read_requests([message])
        assert (len(reading.heads), reading.payload, reading.ended) == (1, HIDDEN, 1)


def test_a_body_of_get_is_a_body() -> None:
    raw = request(CL, method=b"GET", body=HIDDEN)
    assert len(read_requests([raw]).heads) == 1


@pytest.mark.parametrize(
    "target",
    [b"mail.example.test:443", b"mail.example.test", b"?x", b"#x", b"\\x", b"/a\tb", b"/\x80", b""],
)
def test_targets_that_are_neither_paths_nor_urls(target: bytes) -> None:
    assert read_requests([request(target=target)]).error is not None
