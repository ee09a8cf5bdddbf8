"""Heads: kept as they came, refused when two readers could read them differently."""

from __future__ import annotations

import pytest
from support.builders import HOST, answer, execute_request, head, request

from mapiproxy.wire.errors import WireError
from mapiproxy.wire.framing import CHUNKED, NOTHING, UNTIL_CLOSE, Length
from mapiproxy.wire.heads import parse_request_head, parse_response_head


def refused(raw: bytes) -> WireError:
    with pytest.raises(WireError) as caught:
        parse_request_head(raw)
    assert caught.value.fault == "client"
    return caught.value


def refused_answer(raw: bytes) -> WireError:
    with pytest.raises(WireError) as caught:
        parse_response_head(raw)
    assert (caught.value.fault, caught.value.status) == ("backend", 502)
    return caught.value


def test_a_request_head_keeps_every_byte() -> None:
    raw = request((b"X-REQUESTtype", b"Execute"), (b"Cookie", b"a=b"), (b"cookie", b"c=d"), (b"Empty", b""))
    parsed = parse_request_head(raw)
    assert parsed.raw == raw
    assert (parsed.method, parsed.target, parsed.version) == (b"POST", b"/mapi/emsmdb/", b"1.1")
    assert parsed.fields == [
        (b"Host", HOST),
        (b"X-REQUESTtype", b"Execute"),
        (b"Cookie", b"a=b"),
        (b"cookie", b"c=d"),
        (b"Empty", b""),
    ]
    assert parsed.get(b"cookie") == b"a=b"
    assert parsed.all(b"cookie") == [b"a=b", b"c=d"]
    assert (parsed.get(b"x"), parsed.all(b"x")) == (None, [])


def test_blanks_around_values_do_not_belong_to_them() -> None:
    raw = b"GET / HTTP/1.1\r\nHost:\t a \r\nX:b\t\r\nY:  \t \r\nZ: c  d\r\n\r\n"
    fields = [(b"Host", b"a"), (b"X", b"b"), (b"Y", b""), (b"Z", b"c  d")]
    assert parse_request_head(raw).fields == fields
    assert parse_request_head(raw).raw == raw
    answered = parse_response_head(b"HTTP/1.1 200 OK" + raw[14:])
    assert answered.fields == fields


def test_bytes_beyond_ascii_in_values_pass() -> None:
    assert parse_request_head(request((b"X", b"caf\xc3\xa9 \x80\xff"))).get(b"x") == (b"caf\xc3\xa9 \x80\xff")


def test_all_token_characters_may_stand_in_names() -> None:
    name = b"!#$%&'*+-.^_`|~0aZ"
    assert parse_request_head(request((name, b"v"))).fields[1] == (name, b"v")


@pytest.mark.parametrize(
    "method",
    [b"GET", b"POST", b"HEAD", b"OPTIONS", b"PUT", b"PROPFIND", b"RPC_IN_DATA", b"RPC_OUT_DATA"],
)
def test_methods(method: bytes) -> None:
    raw = request((b"Content-Length", b"1073741824"), method=method, target=b"/rpc/x.dll?y:6001")
    parsed = parse_request_head(raw)
    assert (parsed.method, parsed.target) == (method, b"/rpc/x.dll?y:6001")
    assert parsed.framing == Length(1073741824)
    assert parsed.raw == raw


@pytest.mark.parametrize("target", [b"*", b"/", b"/a?b=c&d", b"http://mail.example.test/a", b"//x"])
def test_targets_are_left_to_admission(target: bytes) -> None:
    assert parse_request_head(request(method=b"OPTIONS", target=target)).target == target


def test_framing() -> None:
    assert parse_request_head(execute_request()).framing == Length(300)
    assert parse_request_head(request((b"Transfer-Encoding", b"Chunked"))).framing is CHUNKED
    assert parse_request_head(request()).framing is NOTHING
    assert parse_response_head(answer()).framing_for(b"GET") is UNTIL_CLOSE
    assert parse_response_head(answer()).framing_for(b"HEAD") is NOTHING


@pytest.mark.parametrize(
    ("version", "connection", "keeps"),
    [
        (b"1.1", [], True),
        (b"1.0", [], False),
        (b"1.1", [b"close"], False),
        (b"1.1", [b"Keep-Alive, CLOSE"], False),
        (b"1.1", [b"x", b"close"], False),
        (b"1.0", [b"keep-alive"], True),
        (b"1.0", [b"x,\tKeep-Alive"], True),
        (b"1.1", [b""], True),
        (b"1.1", [b"upgrade"], True),
    ],
)
def test_keep_alive(version: bytes, connection: list[bytes], keeps: bool) -> None:
    fields = [(b"Connection", value) for value in connection]
    assert parse_request_head(request(*fields, version=version)).keep_alive is keeps
    assert parse_response_head(answer(*fields, version=version)).keep_alive is keeps


def test_expectations() -> None:
    expect = (b"Expect", b"100-Continue")
    assert parse_request_head(request(expect)).expects_continue
    assert not parse_request_head(request(expect, version=b"1.0")).expects_continue
    assert not parse_request_head(request()).expects_continue
    assert not parse_request_head(request((b"Expect", b"x"))).expects_continue


def test_an_upgrade_is_read_as_if_it_were_not_asked_for() -> None:
    fields = (b"Upgrade", b"h2c"), (b"Connection", b"Upgrade"), (b"Content-Length", b"5")
    assert parse_request_head(request(*fields)).framing == Length(5)
    assert parse_response_head(answer(*fields)).framing_for(b"GET") == Length(5)


DECISIVE = [b"Host", b"Content-Length", b"Transfer-Encoding", b"X-RequestType", b"X-RequestId"]


@pytest.mark.parametrize("name", DECISIVE)
@pytest.mark.parametrize("same", [True, False])
def test_repeats_of_decisive_headers_are_refused_by_name(name: bytes, same: bool) -> None:
    values = {b"Content-Length": b"5", b"Transfer-Encoding": b"chunked"}
    value = values.get(name, b"v")
    again = name.swapcase()
    fields = [(name, value), (b"X-Between", b"1"), (again, value if same else value + b"1")]
    error = refused(request(*fields, host=None if name == b"Host" else HOST))
    assert error.header in (name.decode(), again.decode())
    assert error.header in error.text
    assert error.status == 400


@pytest.mark.parametrize("name", DECISIVE)
def test_headers_that_a_cgi_would_take_for_decisive_ones_are_refused(name: bytes) -> None:
    spelt = name.replace(b"-", b"_") if b"-" in name else name + b"_"
    if b"-" not in name:
        assert parse_request_head(request((spelt, b"v"))).get(b"host_") == b"v"
        return
    assert refused(request((spelt, b"5"))).header == spelt.decode()


def test_other_underscores_pass() -> None:
    assert parse_request_head(request((b"X_Custom", b"a_b"))).get(b"x_custom") == b"a_b"


@pytest.mark.parametrize("name", DECISIVE)
def test_connection_may_not_list_what_decides_the_message(name: bytes) -> None:
    """A lax proxy behind us would drop it, and read another message than we did."""
    field = (b"Connection", b"keep-alive, " + name.upper())
    error = refused(request(field))
    assert error.header == "Connection"
    assert name.decode().lower() in error.text
    assert refused_answer(answer(field)).header == "Connection"


def test_names_of_63_bytes_pass_and_of_64_do_not() -> None:
    """gromox copies them into 64 bytes."""
    assert parse_request_head(request((b"x" * 63, b"v"))).fields[1][0] == b"x" * 63
    error = refused(request((b"x" * 64, b"v")))
    assert "has 64 bytes, 63 are allowed" in error.text
    assert parse_response_head(answer((b"x" * 64, b"v"))).fields[0][0] == b"x" * 64


def test_http_1_1_needs_a_host_and_1_0_does_not() -> None:
    assert refused(request(host=None)).header == "Host"
    assert parse_request_head(request(host=None, version=b"1.0")).version == b"1.0"


GOOD = b"POST / HTTP/1.1\r\nHost: a\r\n"

#: name: (head, status, header named, words in the text)
REFUSALS: dict[str, tuple[bytes, int, str | None, str]] = {
    "both lengths": (
        GOOD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
        "Content-Length", "Transfer-Encoding",
    ),
    "both lengths, the other way round": (
        GOOD + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 400,
        "Content-Length", "Transfer-Encoding",
    ),
    "+5": (GOOD + b"Content-Length: +5\r\n\r\n", 400, "Content-Length", "Content-Length"),
    "5,5": (GOOD + b"Content-Length: 5,5\r\n\r\n", 400, "Content-Length", ""),
    "no digits": (GOOD + b"Content-Length: \r\n\r\n", 400, "Content-Length", ""),
    "2**64 + 5": (GOOD + b"Content-Length: 18446744073709551621\r\n\r\n", 400,
                  "Content-Length", "Content-Length"),
    "2**63": (GOOD + b"Content-Length: 9223372036854775808\r\n\r\n", 400, "Content-Length", ""),
    "octal?": (GOOD + b"Content-Length: 010\r\n\r\n", 400, "Content-Length", "leading zeros"),
    "blank after a length": (GOOD + b"Content-Length: 5 \r\n\r\n", 400, "Content-Length", "blank"),
    "blank after a coding": (GOOD + b"Transfer-Encoding: chunked \r\n\r\n", 400,
                             "Transfer-Encoding", "blank"),
    "tab after a coding": (GOOD + b"Transfer-Encoding: chunked\t\r\n\r\n", 400,
                           "Transfer-Encoding", ""),
    "lower-case method with a length": (b"post / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n",
                                        400, None, "method"),
    "gzip": (GOOD + b"Transfer-Encoding: gzip, chunked\r\n\r\n", 501, "Transfer-Encoding", ""),
    "chunked twice": (GOOD + b"Transfer-Encoding: chunked, chunked\r\n\r\n", 400,
                      "Transfer-Encoding", ""),
    "chunked not last": (GOOD + b"Transfer-Encoding: chunked, gzip\r\n\r\n", 400,
                         "Transfer-Encoding", ""),
    "xchunked": (GOOD + b"Transfer-Encoding: xchunked\r\n\r\n", 400, "Transfer-Encoding", ""),
    "quoted": (GOOD + b'Transfer-Encoding: "chunked"\r\n\r\n', 400, "Transfer-Encoding", ""),
    "parameter": (GOOD + b"Transfer-Encoding: chunked;q=1\r\n\r\n", 400, "Transfer-Encoding", ""),
    "empty coding": (GOOD + b"Transfer-Encoding:\r\n\r\n", 400, "Transfer-Encoding", ""),
    "chunked in 1.0": (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
                       "Transfer-Encoding", "1.0"),
    "vertical tab": (GOOD + b"Transfer-Encoding: \x0bchunked\r\n\r\n", 400, "Transfer-Encoding",
                     "byte 0x0b at position 1 "),
    "NUL": (GOOD + b"X: a\0b\r\n\r\n", 400, "X", "byte 0x00 at position 2 of the value of X"),
    "DEL": (GOOD + b"X: a\x7f\r\n\r\n", 400, "X", "byte 0x7f at position 2"),
    "escape": (GOOD + b"X: \x1b[2J\r\n\r\n", 400, "X", "byte 0x1b at position 1"),
    "bare CR": (GOOD + b"X: a\rY: b\r\n\r\n", 400, "X", "bare CR or LF at position 2"),
    "bare LF": (GOOD + b"X: a\nY: b\r\n\r\n", 400, "X", "bare CR or LF at position 2"),
    "two CRs": (GOOD + b"X: a\r\r\n\r\n", 400, "X", "bare CR"),
    "CR as empty line": (GOOD + b"X: a\r\n\rY: b\r\n\r\n", 400, "X", "byte 0x0d at position 0"),
    "LF as empty line": (GOOD + b"X: a\r\n\nY: b\r\n\r\n", 400, "X", "byte 0x0a at position 0"),
    "bare LF after the request line": (b"POST / HTTP/1.1\nHost: a\r\n\r\n", 400, None,
                                       "request line"),
    "bare CR after the request line": (b"POST / HTTP/1.1\rHost: a\r\n\r\n", 400, None,
                                       "request line"),
    "folding": (GOOD + b"X: a\r\n b\r\n\r\n", 400, "X", "line 4 of the head, after 'X', begins"),
    "folding of the first": (b"POST / HTTP/1.1\r\n Host: a\r\n\r\n", 400, None, "line 2"),
    "folding of a length": (GOOD + b"Content-Length:\r\n 5\r\n\r\n", 400, "Content-Length",
                            "folded"),
    "folding after a length": (GOOD + b"Content-Length: 5\r\n\t6\r\n\r\n", 400, "Content-Length",
                               "folded"),
    "blank before the colon": (GOOD + b"Content-Length : 5\r\n\r\n", 400, "Content-Length",
                               "byte 0x20 at position 14 after 'Content-Length'"),
    "tab before the colon": (GOOD + b"X\t: 5\r\n\r\n", 400, "X", "byte 0x09"),
    "vertical tab before the colon": (GOOD + b"Content-Length\x0b: 5\r\n\r\n", 400,
                                      "Content-Length", "byte 0x0b"),
    "0x85 before the colon": (GOOD + b"Content-Length\x85: 5\r\n\r\n", 400, "Content-Length",
                              "byte 0x85"),
    "NUL in a name": (GOOD + b"Content-Length\0: 5\r\n\r\n", 400, "Content-Length", "byte 0x00"),
    "quoted name": (GOOD + b'"Content-Length": 5\r\n\r\n', 400, "Host", "byte 0x22 at position 0"),
    "no name": (GOOD + b": v\r\n\r\n", 400, "Host", "at position 0"),
    "no colon": (GOOD + b"Content-Length 5\r\n\r\n", 400, "Host", "line 3"),
    "two blanks": (b"POST  / HTTP/1.1\r\nHost: a\r\n\r\n", 400, None, "request line"),
    "two blanks before the version": (b"POST /  HTTP/1.1\r\nHost: a\r\n\r\n", 400, None, ""),
    "blank after the version": (b"POST / HTTP/1.1 \r\nHost: a\r\n\r\n", 400, None, ""),
    "tab in the request line": (b"POST\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, None, ""),
    "blank in the target": (b"POST /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400, None, ""),
    "target beyond ASCII": (b"POST /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", 400, None, ""),
    "NUL in the target": (b"POST /\0 HTTP/1.1\r\nHost: a\r\n\r\n", 400, None, ""),
    "no target": (b"POST HTTP/1.1\r\nHost: a\r\n\r\n", 400, None, ""),
    "authority as target": (b"GET a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n", 400, None, ""),
    "lower-case method": (b"post / HTTP/1.1\r\nHost: a\r\n\r\n", 400, None, "method"),
    "unknown method": (b"POSTS / HTTP/1.1\r\nHost: a\r\n\r\n", 400, None, "request line"),
    "almost an RPC method": (b"RPC_IN_DATAX / HTTP/1.1\r\nHost: a\r\n\r\n", 400, None, ""),
    "CONNECT": (b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 405, None, "CONNECT"),
    "HTTP/0.9": (b"GET /\r\nHost: a\r\n\r\n", 400, None, "request line"),
    "HTTP/2.0": (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, None, "2.0"),
    "HTTP/1.2": (b"GET / HTTP/1.2\r\nHost: a\r\n\r\n", 400, None, ""),
    "HTTP/1.10": (b"GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400, None, ""),
    "HTTP/01.1": (b"GET / HTTP/01.1\r\nHost: a\r\n\r\n", 400, None, ""),
    "http/1.1": (b"GET / http/1.1\r\nHost: a\r\n\r\n", 400, None, ""),
    "RTSP": (b"DESCRIBE / RTSP/1.0\r\nHost: a\r\n\r\n", 400, None, "request line"),
    "ICE": (b"SOURCE / ICE/1.0\r\nHost: a\r\n\r\n", 400, None, "request line"),
    "HTTP/2's preface": (b"PRI * HTTP/2.0\r\n\r\n", 400, None, ""),
    "an answer": (b"HTTP/1.1 200 OK\r\nHost: a\r\n\r\n", 400, None, ""),
    "a TLS hello": (b"\x16\x03\x01\x02\0\x01\0\r\n\r\n", 400, None, ""),
    "nothing": (b"\r\n\r\n", 400, None, ""),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals(name: str) -> None:
    raw, status, header, words = REFUSALS[name]
    error = refused(raw)
    assert (error.status, error.header) == (status, header), error.text
    assert words in error.text
    assert error.text.isascii()
    assert error.text.isprintable()


ANSWERS_REFUSED: dict[str, bytes] = {
    "an empty line before it": b"\r\nHTTP/1.1 200 OK\r\nX: y\r\n\r\n",
    "a bare LF before it": b"\nHTTP/1.1 200 OK\r\nX: y\r\n\r\n",
    "RTSP": b"RTSP/1.0 200 OK\r\n\r\n",
    "ICE": b"ICE/1.0 200 OK\r\n\r\n",
    "HTTP/2.0": b"HTTP/2.0 200 OK\r\n\r\n",
    "HTTP/0.9": b"HTTP/0.9 200 OK\r\n\r\n",
    "two digits": b"HTTP/1.1 20 OK\r\n\r\n",
    "four digits": b"HTTP/1.1 2000 OK\r\n\r\n",
    "below 100": b"HTTP/1.1 099 OK\r\n\r\n",
    "two blanks": b"HTTP/1.1  200 OK\r\n\r\n",
    "no blank": b"HTTP/1.1 200OK\r\n\r\n",
    "NUL in the reason": b"HTTP/1.1 200 O\0K\r\n\r\n",
    "escape in the reason": b"HTTP/1.1 200 \x1b[2J\r\n\r\n",
    "bare CR in the reason": b"HTTP/1.1 200 OK\rX: y\r\n\r\n",
    "bare LF": b"HTTP/1.1 200 OK\nX: y\r\n\r\n",
    "folding": b"HTTP/1.1 200 OK\r\nX: y\r\n z\r\n\r\n",
    "blank before the colon": b"HTTP/1.1 200 OK\r\nX : y\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
    "101": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "101 without Upgrade": b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    "a request": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "surplus of the answer before": b"\xf7\x06HTTP/1.1 200 OK\r\n\r\n",
}


@pytest.mark.parametrize("name", ANSWERS_REFUSED)
def test_refused_answers(name: str) -> None:
    error = refused_answer(ANSWERS_REFUSED[name])
    assert error.text.isascii()
    assert error.text.isprintable()


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"HTTP/1.1 200 OK", 200),
        (b"HTTP/1.0 200 OK", 200),
        (b"HTTP/1.1 404 Nicht gefunden: \xe9", 404),
        (b"HTTP/1.1 500 ", 500),
        (b"HTTP/1.1 500", 500),
        (b"HTTP/1.1 999 x\ty", 999),
    ],
)
def test_status_lines(line: bytes, status: int) -> None:
    raw = head(line, [(b"X", b"y"), (b"Set-Cookie", b"a=b"), (b"set-cookie", b"c=d")])
    parsed = parse_response_head(raw)
    assert (parsed.status, parsed.raw, parsed.version) == (status, raw, line[5:8])
    assert parsed.all(b"set-cookie") == [b"a=b", b"c=d"]


def test_each_field_is_one_line_of_the_head() -> None:
    """The header rules drop lines by counting fields."""
    raw = execute_request(more=[(b"Empty", b""), (b"Blank", b"  "), (b"X", b"a:b")])
    raw = raw[: raw.index(b"\r\n\r\n") + 4]
    lines = raw[:-4].split(b"\r\n")[1:]
    parsed = parse_request_head(raw)
    assert [line.partition(b":")[0] for line in lines] == [name for name, _ in parsed.fields]
    assert [line.partition(b":")[2].strip(b" \t") for line in lines] == [value for _, value in parsed.fields]
