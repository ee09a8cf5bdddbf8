"""hypothesis strategies for HTTP/1.1 messages: valid ones, and ones that something happened to."""

from __future__ import annotations

import string

from attrs import frozen
from hypothesis import strategies as st
from support.builders import Field, answer, request

_TOKEN = "!#$%&'*+-.^_`|~" + string.digits + string.ascii_letters
#: Of these a generated header has none, lest two of them decide.
_TAKEN = {b"host", b"content-length", b"transfer-encoding", b"connection", b"upgrade", b"expect"}
_TAKEN |= {b"x-requesttype", b"x-requestid", b"trailer", b"te"}

METHODS = [b"POST", b"GET", b"HEAD", b"OPTIONS", b"PUT", b"RPC_IN_DATA"]
VALUE_BYTES = bytes([9, *range(0x20, 0x7F), *range(0x80, 0x100)])

tokens = st.text(_TOKEN, min_size=1, max_size=12).map(str.encode)
values = (
    st.lists(st.sampled_from(VALUE_BYTES), max_size=12).map(bytes).map(lambda v: v.strip(b" \t"))
)


def _is_free(name: bytes) -> bool:
    return name.lower().replace(b"_", b"-") not in _TAKEN


names = tokens.filter(_is_free)
fields = st.lists(st.tuples(names, values), max_size=5)
targets = st.one_of(
    st.sampled_from([b"/", b"/mapi/emsmdb/?MailboxId=a@b.test", b"http://mail.example.test/x"]),
    st.text(string.ascii_letters + string.digits + '/?&=%.-_~:@#[]|^`{}"<>\\', max_size=20).map(
        lambda rest: b"/" + rest.encode()
    ),
)
versions = st.sampled_from([b"1.1", b"1.1", b"1.1", b"1.0"])
payloads = st.one_of(
    st.binary(max_size=40),
    st.sampled_from([b"0\r\n\r\n", b"\r\n", b"GET / HTTP/1.1\r\n\r\n", b"PROCESSING\r\n"]),
)
_quoted = st.text("\t !#$%&'()*+,-./09:;<=>?@AZ[]^_`az{|}~", max_size=6).map(
    lambda text: b'"' + text.encode() + b'"'
)
_extension = st.one_of(
    tokens.map(lambda name: b";" + name),
    st.tuples(tokens, st.one_of(tokens, _quoted)).map(lambda pair: b";" + pair[0] + b"=" + pair[1]),
)
extensions = st.one_of(st.just(b""), st.lists(_extension, max_size=2).map(b"".join))
trailers = st.lists(
    st.tuples(names, values).filter(
        lambda line: (
            line[0].lower().partition(b"-")[0].partition(b"_")[0]
            not in (
                b"cookie",
                b"set",
                b"authorization",
                b"www",
                b"proxy",
                b"content",
                b"keep",
                b"x",
            )
        )
    ),
    max_size=2,
)


@st.composite
def chunked_bodies(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A body in the chunked coding and its payload."""
    body, payload = b"", b""
    for piece in draw(st.lists(payloads.filter(bool), max_size=4)):
        size = draw(st.sampled_from([b"%x", b"%X", b"%04x"])) % len(piece)
        body += size + draw(extensions) + b"\r\n" + piece + b"\r\n"
        payload += piece
    body += draw(st.sampled_from([b"0", b"00", b"000000"])) + draw(extensions) + b"\r\n"
    for name, value in draw(trailers):
        body += name + b":" + value + b"\r\n"
    return body + b"\r\n", payload


@frozen
class Message:
    """A generated message and what a reader should say of it."""

    raw: bytes
    body: bytes
    payload: bytes
    method: bytes


@st.composite
def _framed(draw: st.DrawFn, version: bytes) -> tuple[list[Field], bytes, bytes]:
    lines = list(draw(fields))
    kind = draw(st.sampled_from(["none", "length", "chunked"]))
    if kind == "chunked" and version == b"1.1":
        body, payload = draw(chunked_bodies())
        field = (b"Transfer-Encoding", draw(st.sampled_from([b"chunked", b"Chunked"])))
    elif kind == "length":
        body = payload = draw(payloads)
        field = (b"Content-Length", b"%d" % len(body))
    else:
        return lines, b"", b""
    lines.insert(draw(st.integers(0, len(lines))), field)
    return lines, body, payload


@st.composite
def requests(draw: st.DrawFn) -> Message:
    version, method = draw(versions), draw(st.sampled_from(METHODS))
    lines, body, payload = draw(_framed(version))
    raw = request(*lines, method=method, target=draw(targets), version=version, body=body)
    return Message(raw, body, payload, method)


@st.composite
def answers(draw: st.DrawFn) -> Message:
    """An answer whose end can be seen; without a length only where there is no body."""
    version, method = draw(versions), draw(st.sampled_from(METHODS))
    status = draw(st.sampled_from([b"200 OK", b"401 ", b"204 No Content", b"304 X", b"500"]))
    lines, body, payload = draw(_framed(version))
    if method == b"HEAD" or status[:3] in (b"204", b"304"):
        body = payload = b""
    elif not {name.lower() for name, _ in lines} & {b"content-length", b"transfer-encoding"}:
        lines.append((b"Content-Length", b"0"))
    return Message(answer(*lines, status=status, version=version, body=body), body, payload, method)


#: What mutations put in: bytes and words that readers disagree about.
ODD = [
    *(bytes([byte]) for byte in b"\0\t\n\x0b\r\x1b !\"#+,-05:;=@_\\afgxX\x7f\x80\x85\xa0\xff"),
    b"\r\n", b"\r\n\r\n", b"\n\n", b"\r\n ", b"\r\n\t", b"0\r\n\r\n", b"\n\r\n", b"  ", b"0x",
    b"\r\nContent-Length: 5", b"\r\nTransfer-Encoding: chunked", b"\r\nHost: b", b"\r\nX: y",
    b"\r\nConnection: close", b"\r\nUpgrade: h2c\r\nConnection: upgrade", b"HTTP/1.1", b"HTTP/1.0",
    b"chunked", b"gzip, ", b"100 Continue\r\n\r\nHTTP/1.1 ", b"Content-Length",
    b"\r\nX-RequestId: a", b"00", b"\r\r", b"\r\r\n",
]  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn, messages: st.SearchStrategy[Message]) -> Message:
    """One or two messages to which one to three things happened."""
    first = draw(messages)
    raw = first.raw + (draw(messages).raw if draw(st.booleans()) else b"")
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(raw)))
        deed = draw(st.sampled_from(["insert", "replace", "delete", "repeat", "swap case", "cut"]))
        to = min(len(raw), at + draw(st.integers(1, 8)))
        if deed == "insert":
            raw = raw[:at] + draw(st.sampled_from(ODD)) + raw[at:]
        elif deed == "replace":
            raw = raw[:at] + draw(st.sampled_from(ODD)) + raw[at + 1 :]
        elif deed == "delete":
            raw = raw[:at] + raw[to:]
        elif deed == "repeat":
            raw = raw[:to] + raw[at:]
        elif deed == "swap case":
            raw = raw[:at] + raw[at:to].swapcase() + raw[to:]
        elif draw(st.booleans()):
            raw = raw[:at]
    return Message(raw, b"", b"", first.method)
