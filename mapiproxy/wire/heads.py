"""Request and response heads: parsed strictly, kept exactly as they came.

llhttp (through httptools) decides what is a valid head; this file adds what a proxy must refuse
besides (reference M21): repeats of headers that decide routing or framing, field names that a
backend may not be able to hold, and all that lets two readers disagree. The bytes of the head
are kept and forwarded, so spelling, order and repeats survive (reference M11, N7, N8).
"""

from __future__ import annotations

import re
from collections.abc import Callable

import httptools
from attrs import define, field

from mapiproxy.wire.diagnosis import diagnose
from mapiproxy.wire.errors import Fault, WireError, show
from mapiproxy.wire.framing import Framing, request_framing, response_framing

#: gromox copies a field name into 64 bytes (reference 1.3): refuse what would not fit.
LONGEST_NAME = 63

#: Headers that a proxy and a backend must never read differently (reference M21).
DECISIVE = frozenset(
    (b"host", b"content-length", b"transfer-encoding", b"x-requesttype", b"x-requestid")
)

#: Of those, the two that say where the message ends.
_LENGTHS = frozenset((b"content-length", b"transfer-encoding"))

#: Methods of Outlook Anywhere (MS-RPCH), unknown to llhttp; their heads are checked as a POST.
RPC_METHODS = (b"RPC_IN_DATA", b"RPC_OUT_DATA")

_STATUS_LINE = re.compile(rb"HTTP/1\.[01] [1-9][0-9]{2}(?: [\t\x20-\x7e\x80-\xff]*)?\r\n")


@define
class _Head:
    raw: bytes = field(repr=False)
    fields: list[tuple[bytes, bytes]] = field(repr=False)
    keys: list[bytes] = field(repr=False)
    first: dict[bytes, bytes] = field(repr=False)
    version: bytes
    keep_alive: bool

    def get(self, key: bytes) -> bytes | None:
        """The first value of the header with this lower-case name."""
        return self.first.get(key)

    def all(self, key: bytes) -> list[bytes]:
        """Every value of the header with this lower-case name, in order."""
        times = self.keys.count(key)
        if times == 0:
            return []
        if times == 1:
            return [self.first[key]]
        return [value for at, (_, value) in zip(self.keys, self.fields, strict=True) if at == key]


@define
class RequestHead(_Head):
    """A request line and its fields, with *raw* exactly as received."""

    method: bytes
    target: bytes = field(repr=False)
    framing: Framing

    @property
    def expects_continue(self) -> bool:
        """Whether the client waits for ``100 Continue`` (RFC 9110 10.1.1; never in HTTP/1.0)."""
        expect = self.first.get(b"expect")
        return expect is not None and self.version != b"1.0" and expect.lower() == b"100-continue"


@define
class ResponseHead(_Head):
    """A status line and its fields. Framing needs the request's method: ask :meth:`framing_for`."""

    status: int
    _framed: tuple[bytes, Framing] | None = field(default=None, repr=False, eq=False)

    def framing_for(self, method: bytes) -> Framing:
        """The body that follows, given the method that was answered; worked out once."""
        framed = self._framed
        if framed is None or framed[0] != method:
            lengths, codings = self.all(b"content-length"), self.all(b"transfer-encoding")
            framing = response_framing(method, self.status, lengths, codings, self.version)
            self._framed = framed = (method, framing)
        return framed[1]


class _Collector:
    """What llhttp calls while it parses one head."""

    __slots__ = ("add", "complete", "fields", "status", "target")

    def __init__(self) -> None:
        self.fields: list[tuple[bytes, bytes]] = []
        self.add: Callable[[tuple[bytes, bytes]], None] = self.fields.append
        self.target = b""
        self.complete = False

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.add((name, value))

    def on_headers_complete(self) -> None:
        self.complete = True


def parse_request_head(raw: bytes) -> RequestHead:
    """Parse one request head that ends with its empty line.

    :raise WireError: fault ``client``; the text names the header or the byte.
    """
    collector = _Collector()
    parser = httptools.HttpRequestParser(collector)
    words = raw[: raw.find(b"\r\n")].split(b" ")
    method = words[0]
    text = raw
    if method in RPC_METHODS:
        text = b"POST" + raw[len(method) :]
    try:
        parser.feed_data(text)
    except httptools.HttpParserUpgrade:
        if method == b"CONNECT":
            raise WireError("CONNECT is not offered here", status=405) from None
        # An Upgrade is never taken up; the header rules drop it and the request goes on without.
    except httptools.HttpParserError as error:
        raise diagnose(raw, "client", error) from None
    if not collector.complete:
        raise diagnose(raw, "client", None)
    target = collector.target
    if len(words) != 3 or words[1] != target or not words[2].startswith(b"HTTP/"):
        raise WireError("the request line is not 'method SP target SP version'")
    version = words[2][5:]
    if version not in (b"1.1", b"1.0"):
        raise WireError(f"HTTP version {show(version)} is not supported", status=505)
    fields, keys, first = _fields(raw, collector.fields, "client")
    lengths = [first[b"content-length"]] if b"content-length" in first else []
    codings = [first[b"transfer-encoding"]] if b"transfer-encoding" in first else []
    if version == b"1.1" and b"host" not in first:
        raise WireError("an HTTP/1.1 request must name its Host", header="Host")
    framing = request_framing(lengths, codings, version)
    return RequestHead(
        raw,
        fields,
        keys,
        first,
        version,
        _keeps_alive(keys, first, fields, version, "client"),
        method,
        target,
        framing,
    )


def parse_response_head(raw: bytes) -> ResponseHead:
    """Parse one response head that ends with its empty line.

    :raise WireError: fault ``backend``.
    """
    collector = _Collector()
    parser = httptools.HttpResponseParser(collector)
    try:
        parser.feed_data(raw)
    except (httptools.HttpParserUpgrade, httptools.HttpParserError) as error:
        if raw.startswith(b" 101 ", 8):
            raise WireError("the backend switched protocols unasked", fault="backend") from None
        raise diagnose(raw, "backend", error) from None
    if not collector.complete:
        raise diagnose(raw, "backend", None)
    if not _STATUS_LINE.match(raw):
        # llhttp skips empty lines before it, reads RTSP, and lets control bytes into the reason.
        raise WireError(f"the backend's status line is {show(raw[:20])!r}", fault="backend")
    version = raw[5:8]
    status = parser.get_status_code()
    fields, keys, first = _fields(raw, collector.fields, "backend")
    keep_alive = _keeps_alive(keys, first, fields, version, "backend")
    return ResponseHead(raw, fields, keys, first, version, keep_alive, status)


def _fields(
    raw: bytes, came: list[tuple[bytes, bytes]], fault: Fault
) -> tuple[list[tuple[bytes, bytes]], list[bytes], dict[bytes, bytes]]:
    """Strip blanks after values, index first values, refuse what has two readings.

    Two questions to the whole head spare the usual one a look at each field.
    """
    fields = came
    if b" \r\n" in raw or (b"\t" in raw and b"\t\r\n" in raw):
        fields = [_strip(name, value, fault) for name, value in came]
    keys = [name.lower() for name, _ in fields]
    first: dict[bytes, bytes] = {}
    for key, (_, value) in zip(keys, fields, strict=True):
        first.setdefault(key, value)
    if len(first) != len(fields) and fault == "client":
        _refuse_repeats(fields)
    if fault == "client":
        if b"_" in raw:
            _refuse_lookalikes(fields)
        longest = max(first, key=len, default=b"")  # found in C, unlike a loop over names
        if len(longest) > LONGEST_NAME:
            spelt = show(longest)
            raise WireError(
                f"the field name {spelt!r} has {len(longest)} bytes, {LONGEST_NAME} are allowed",
                header=spelt,
            )
    return fields, keys, first


def _strip(name: bytes, value: bytes, fault: Fault) -> tuple[bytes, bytes]:
    stripped = value.rstrip(b" \t")
    if len(stripped) != len(value) and fault == "client" and name.lower() in _LENGTHS:
        # gromox compares the value with its blanks: to it, "chunked " is not chunked.
        spelt = name.decode("latin-1")
        raise WireError(f"a blank follows the value of {spelt}", header=spelt)
    return name, stripped


def _refuse_repeats(fields: list[tuple[bytes, bytes]]) -> None:
    seen = set()
    for name, _ in fields:
        key = name.lower()
        if key in seen and key in DECISIVE:
            spelt = name.decode("latin-1")
            raise WireError(f"{spelt} is present more than once", header=spelt)
        seen.add(key)


def _refuse_lookalikes(fields: list[tuple[bytes, bytes]]) -> None:
    """CGI-like readers hold '_' and '-' to be the same."""
    for name, _ in fields:
        if b"_" in name and name.lower().replace(b"_", b"-") in DECISIVE:
            spelt = name.decode("latin-1")
            raise WireError(f"{spelt} could be taken for another header", header=spelt)


def _keeps_alive(
    keys: list[bytes],
    first: dict[bytes, bytes],
    fields: list[tuple[bytes, bytes]],
    version: bytes,
    fault: Fault,
) -> bool:
    """Whether the sender wants the connection to persist (RFC 9112 9.3)."""
    if b"connection" not in first:
        return version == b"1.1"
    if first[b"connection"].lower() == b"keep-alive" and keys.count(b"connection") == 1:
        return True
    options = {
        option.strip().lower()
        for name, value in fields
        if name.lower() == b"connection"
        for option in value.split(b",")
    }
    nominated = options & DECISIVE
    if nominated:
        # A reader behind us that honours Connection would drop what decides the message.
        name = min(nominated).decode("ascii")
        raise WireError(
            f"Connection lists {name}, which is not hop-by-hop", fault=fault, header="Connection"
        )
    if b"close" in options:
        return False
    return version == b"1.1" or b"keep-alive" in options
