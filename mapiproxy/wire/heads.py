"""Request and response heads: parsed strictly, kept exactly as they came.

llhttp (through httptools) decides what is a valid head; this file adds what a proxy must refuse
besides (reference M21): repeats of headers that decide routing or framing, field names that a backend
may not be able to hold, and everything that lets two readers disagree. The bytes of the head are kept
and forwarded, so spelling, order and repeats survive by construction (reference M11, N7, N8).
"""

from __future__ import annotations

import re
from collections.abc import Callable

import httptools
from attrs import define, field

from mapiproxy.wire.errors import Fault, WireError, show
from mapiproxy.wire.framing import Framing, request_framing, response_framing

#: gromox copies a field name into 64 bytes (reference 1.3): refuse what would not fit.
LONGEST_NAME = 63

#: Headers that a proxy and a backend must never read differently (reference M21).
DECISIVE = frozenset(
    (b"host", b"content-length", b"transfer-encoding", b"x-requesttype", b"x-requestid")
)

#: Methods of Outlook Anywhere (MS-RPCH), unknown to llhttp; their heads are checked as a POST.
RPC_METHODS = (b"RPC_IN_DATA", b"RPC_OUT_DATA")

_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*\Z")


@define
class _Head:
    raw: bytes = field(repr=False)
    fields: list[tuple[bytes, bytes]] = field(repr=False)
    first: dict[bytes, bytes] = field(repr=False)
    version: bytes
    keep_alive: bool

    def get(self, key: bytes) -> bytes | None:
        """The first value of the header with this lower-case name."""
        return self.first.get(key)

    def all(self, key: bytes) -> list[bytes]:
        """Every value of the header with this lower-case name, in order."""
        if key not in self.first:
            return []
        return [value for name, value in self.fields if name.lower() == key]


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

    def framing_for(self, method: bytes) -> Framing:
        """The body that follows, given the method that was answered."""
        return response_framing(
            method,
            self.status,
            self.all(b"content-length"),
            self.all(b"transfer-encoding"),
            self.version,
        )


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
    method = raw[: raw.find(b" ")]
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
        raise _diagnose(raw, "client", error) from None
    if not collector.complete:
        raise _diagnose(raw, "client", None)
    version = parser.get_http_version().encode("ascii")
    if version not in (b"1.1", b"1.0"):
        raise WireError(f"HTTP version {show(version)} is not supported", status=505)
    target = collector.target
    if not raw.startswith(b"%b %b HTTP/" % (method, target)):
        raise WireError("the request line is not 'method SP target SP version'")
    fields, first = _fields(collector.fields, "client")
    lengths = [first[b"content-length"]] if b"content-length" in first else []
    codings = [first[b"transfer-encoding"]] if b"transfer-encoding" in first else []
    if version == b"1.1" and b"host" not in first:
        raise WireError("an HTTP/1.1 request must name its Host", header="Host")
    framing = request_framing(lengths, codings, version)
    return RequestHead(
        raw, fields, first, version, _keeps_alive(first, fields, version), method, target, framing
    )


def parse_response_head(raw: bytes) -> ResponseHead:
    """Parse one response head that ends with its empty line.

    :raise WireError: fault ``backend``.
    """
    collector = _Collector()
    parser = httptools.HttpResponseParser(collector)
    try:
        parser.feed_data(raw)
    except httptools.HttpParserUpgrade:
        raise WireError("the backend switched protocols unasked", fault="backend") from None
    except httptools.HttpParserError as error:
        raise _diagnose(raw, "backend", error) from None
    if not collector.complete:
        raise _diagnose(raw, "backend", None)
    version = parser.get_http_version().encode("ascii")
    status = parser.get_status_code()
    if version not in (b"1.1", b"1.0") or status < 100:
        raise WireError(f"the backend's status line is {show(raw[:20])!r}", fault="backend")
    fields, first = _fields(collector.fields, "backend")
    return ResponseHead(raw, fields, first, version, _keeps_alive(first, fields, version), status)


def _fields(
    came: list[tuple[bytes, bytes]], fault: Fault
) -> tuple[list[tuple[bytes, bytes]], dict[bytes, bytes]]:
    """Strip blanks after values, index first values, refuse repeats of decisive headers."""
    fields = []
    first: dict[bytes, bytes] = {}
    for name, value in came:
        value = value.rstrip(b" \t")
        fields.append((name, value))
        key = name.lower()
        if key in first:
            if key in DECISIVE and fault == "client":
                spelt = name.decode("latin-1")
                raise WireError(f"{spelt} is present more than once", header=spelt)
        else:
            first[key] = value
        if len(name) > LONGEST_NAME and fault == "client":
            spelt = show(name)
            raise WireError(
                f"the field name {spelt!r} has {len(name)} bytes, {LONGEST_NAME} are allowed",
                header=spelt,
            )
    return fields, first


def _keeps_alive(
    first: dict[bytes, bytes], fields: list[tuple[bytes, bytes]], version: bytes
) -> bool:
    """Whether the sender wants the connection to persist (RFC 9112 9.3)."""
    if b"connection" not in first:
        return version == b"1.1"
    options = {
        option.strip().lower()
        for name, value in fields
        if name.lower() == b"connection"
        for option in value.split(b",")
    }
    if b"close" in options:
        return False
    return version == b"1.1" or b"keep-alive" in options


def _diagnose(raw: bytes, fault: Fault, error: Exception | None) -> WireError:
    """Say which line llhttp disliked: its own message names neither header nor byte."""
    lines = raw.split(b"\r\n")
    for number, line in enumerate(lines[1:-2], start=2):
        name, colon, value = line.partition(b":")
        spelt = show(name)
        if line[:1] in (b" ", b"\t"):
            return WireError(
                f"line {number} of the head begins with a blank (folded header)", fault=fault
            )
        if b"\n" in line or b"\r" in line:
            return WireError(
                f"bare CR or LF in line {number} of the head, after {spelt!r}",
                fault=fault,
                header=spelt,
            )
        if not colon:
            return WireError(f"line {number} of the head has no colon: {spelt!r}", fault=fault)
        if not _TOKEN.match(name):
            at = next(i for i in range(len(name) + 1) if not _TOKEN.match(name[: i + 1]))
            return WireError(
                f"invalid header name {spelt!r} at byte {at}", fault=fault, header=spelt
            )
        if not _VALUE.match(value):
            at = next(i for i in range(len(value)) if not _VALUE.match(value[i : i + 1]))
            return WireError(
                f"invalid byte 0x{value[at]:02x} at position {at} of the value of {spelt}",
                fault=fault,
                header=spelt,
            )
    spellings = {name.lower(): show(name) for name in (line.partition(b":")[0] for line in lines)}
    for header in (b"content-length", b"transfer-encoding"):
        if header in spellings and error is not None:
            return WireError(str(error), fault=fault, header=spellings[header])
    first_line = b"the status line" if fault == "backend" else b"the request line"
    reason = f": {error}" if error is not None else ""
    return WireError(f"{first_line.decode()} cannot be read{reason}", fault=fault)
