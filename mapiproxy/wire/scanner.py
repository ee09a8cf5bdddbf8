"""Finds the end of a body in passing; the bytes themselves go on as they came.

A scanner looks at each arriving piece, says how much of it belongs to the body, and never holds or
changes anything. What it promises about chunked bodies, because a backend may be laxer than we are:

* a line that breaks the grammar is refused before the piece that completes it is handed on, and a
  bare LF is refused on sight, so no peer ever gets bytes from us that it could take for the end of
  a body which we think goes on;
* a chunk is smaller than 2 GiB, because gromox and others keep its size in an int;
* chunk extensions are let through when they obey RFC 9112 7.1.1 without blanks or quoted pairs;
* trailers are let through unless they name a header that decides framing or routing;
* no line, and no trailer section, is longer than a stated limit.

Errors name the byte and its position, never the bytes around it: if the peers disagree about where
a chunk ends, a "size line" is somebody's mail.

Rejected: staging the body in a buffer (six times slower by the reference's measurements, and it
delays PENDING), and re-chunking (MAPI servers put meaning into when they flush).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum

from mapiproxy.wire.errors import Fault, WireError, show
from mapiproxy.wire.framing import Chunked, Framing, Length, Nothing

#: Gets decoded payload, in order, in pieces of any size.
Tap = Callable[[bytes], None]

SIZE_LINE_LIMIT = 256
TRAILER_LIMIT = 8192

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_SIZE_LINE = re.compile(
    rb"0*([0-9A-Fa-f]{1,8})(?:;" + _TOKEN + rb"(?:=(?:" + _TOKEN + rb'|"[\t !#-\[\]-~]*"))?)*\r\n\Z'
)
LARGEST_CHUNK = 0x7FFFFFFF
#: Too short for a size that would be refused.
_PLAIN_SIZE = re.compile(rb"([0-9A-Fa-f]{1,7})\r\n")
_TRAILER_LINE = re.compile(rb"(" + _TOKEN + rb"):[\t\x20-\x7e\x80-\xff]*\r\n\Z")
_LONGEST_TRAILER_NAME = 63  # as in heads
_NOT_IN_TRAILERS = frozenset(
    (
        b"content-length transfer-encoding host cookie set-cookie authorization www-authenticate "
        b"proxy-authorization proxy-authenticate connection keep-alive upgrade te trailer expect "
        b"content-type content-encoding content-range x-requesttype x-requestid x-clientinfo"
    ).split()
)


class LengthScanner:
    """A body of known length, or none (``left == 0``)."""

    __slots__ = ("left",)

    def __init__(self, size: int) -> None:
        self.left = size

    @property
    def done(self) -> bool:
        return self.left == 0

    def scan(self, piece: bytes, tap: Tap | None) -> int:
        """How many bytes of *piece* belong to the body."""
        taken = min(self.left, len(piece))
        self.left -= taken
        if tap is not None and taken:
            tap(piece if taken == len(piece) else piece[:taken])
        return taken


class CloseScanner:
    """A body that ends with its connection: all bytes belong to it."""

    __slots__ = ("done",)

    def __init__(self) -> None:
        self.done = False

    def scan(self, piece: bytes, tap: Tap | None) -> int:
        if tap is not None:
            tap(piece)
        return len(piece)


class _At(Enum):
    SIZE = "chunk size"
    DATA = "chunk data"
    DATA_END = "end of chunk data"
    TRAILER = "trailer"
    DONE = "done"


class ChunkedScanner:
    """A body in the chunked coding (RFC 9112 7.1)."""

    __slots__ = ("_at", "_carry", "_fault", "_left", "_trailers")

    def __init__(self, fault: Fault) -> None:
        self._fault: Fault = fault
        self._at = _At.SIZE
        self._left = 0
        self._carry = b""
        self._trailers = 0

    @property
    def done(self) -> bool:
        return self._at is _At.DONE

    def scan(self, piece: bytes, tap: Tap | None) -> int:
        """How many bytes of *piece* belong to the body.

        :raise WireError: the chunk grammar is broken; nothing of *piece* may be handed on.
        """
        position = 0
        length = len(piece)
        if self._at is _At.SIZE and not self._carry:
            position = self._whole_chunks(piece, length, tap)
        while position < length:
            at = self._at
            if at is _At.DATA:
                taken = min(self._left, length - position)
                if tap is not None:
                    tap(piece[position : position + taken])
                position += taken
                self._left -= taken
                if not self._left:
                    self._at = _At.DATA_END
            elif at is _At.DATA_END:
                position = self._end_of_data(piece, position)
            elif at is _At.DONE:
                break
            else:
                end = piece.find(b"\n", position) + 1
                if not end:
                    self._keep_part_of_line(piece[position:])
                    return length
                line = piece[position:end]
                if self._carry:
                    line = self._carry + line
                    self._carry = b""
                position = end
                if at is _At.SIZE:
                    self._size_line(line)
                else:
                    self._trailer_line(line)
        return position

    def _whole_chunks(self, piece: bytes, length: int, tap: Tap | None) -> int:
        """Take the plain chunks that lie whole at the front of *piece*, as those of small answers do.

        Only a short cut: what it leaves, the state machine reads.
        """
        position = 0
        while (match := _PLAIN_SIZE.match(piece, position)) is not None:
            start = match.end()
            end = start + int(match[1], 16)
            if end + 2 > length or piece[end : end + 2] != b"\r\n":
                break
            position = end + 2
            if end == start:
                self._at = _At.DONE
                break
            if tap is not None:
                tap(piece[start:end])
        return position

    def _end_of_data(self, piece: bytes, position: int) -> int:
        wanted = b"\n" if self._carry else b"\r\n"
        came = piece[position : position + len(wanted)]
        if came == wanted:
            self._carry = b""
            self._at = _At.SIZE
        elif came == b"\r" and not self._carry:
            self._carry = came
        else:
            raise self._broken("chunk data is not followed by CRLF")
        return position + len(came)

    def _keep_part_of_line(self, part: bytes) -> None:
        """Remember an unfinished line: no LF is in it, and a CR only as its last byte."""
        size = self._at is _At.SIZE
        # Two more than the rest of the trailers: the empty line that ends them.
        limit = SIZE_LINE_LIMIT if size else TRAILER_LIMIT - self._trailers + 2
        if len(self._carry) + len(part) > limit:
            raise self._broken(f"a {self._at.value} line is longer than {limit} bytes")
        if b"\r" in part[:-1] or self._carry.endswith(b"\r"):
            raise self._broken(f"bare CR in a {self._at.value} line")
        self._carry += part

    def _size_line(self, line: bytes) -> None:
        match = _SIZE_LINE.match(line) if len(line) <= SIZE_LINE_LIMIT else None
        if match is None:
            raise self._broken(f"bad chunk size line of {len(line)} bytes{_oddity(line, _HEX)}")
        self._left = int(match[1], 16)
        if self._left > LARGEST_CHUNK:
            raise self._broken(f"a chunk of {self._left} bytes is larger than {LARGEST_CHUNK}")
        self._at = _At.DATA if self._left else _At.TRAILER

    def _trailer_line(self, line: bytes) -> None:
        if line == b"\r\n":
            self._at = _At.DONE
            return
        self._trailers += len(line)
        if self._trailers > TRAILER_LIMIT:
            raise self._broken(f"the trailers are longer than {TRAILER_LIMIT} bytes")
        match = _TRAILER_LINE.match(line)
        if match is None or len(match[1]) > _LONGEST_TRAILER_NAME:
            raise self._broken(f"bad trailer line of {len(line)} bytes{_oddity(line, _NAME)}")
        if match[1].lower().replace(b"_", b"-") in _NOT_IN_TRAILERS:
            raise self._broken(f"{show(match[1])} is not allowed in a trailer")

    def _broken(self, text: str) -> WireError:
        return WireError(text, fault=self._fault, header="Transfer-Encoding")


_HEX = re.compile(rb"[0-9A-Fa-f]*")
_NAME = re.compile(_TOKEN)


def _oddity(line: bytes, start: re.Pattern[bytes]) -> str:
    """Where *line* leaves what it should begin with, as a byte and a position."""
    match = start.match(line)
    at = match.end() if match else 0
    return f": byte 0x{line[at]:02x} at position {at}" if at < len(line) else ""


Scanner = LengthScanner | ChunkedScanner | CloseScanner


def scanner_for(framing: Framing, fault: Fault) -> Scanner:
    """A fresh scanner for a body of this framing."""
    if isinstance(framing, Length):
        return LengthScanner(framing.size)
    if isinstance(framing, Nothing):
        return LengthScanner(0)
    if isinstance(framing, Chunked):
        return ChunkedScanner(fault)
    return CloseScanner()
