"""Bytes in, messages out, one at a time, for either side of the proxy.

Pull, not push: ``feed`` only stores and ``next`` gives one event, so a caller may stop between a
head and its body while a backend is dialled, and a pipelined request stays unread until its turn. A
reader holds at most one head under its limit plus what a single read brought.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final, Literal

from mapiproxy.wire.errors import Fault, WireError
from mapiproxy.wire.heads import (
    RequestHead,
    ResponseHead,
    parse_request_head,
    parse_response_head,
)
from mapiproxy.wire.scanner import CloseScanner, Scanner, Tap, scanner_for

#: Kerberos tickets of people in many groups need more than the usual 16 KiB (complaint 15).
HEAD_LIMIT: Final = 128 * 1024


#: How the text of a WireError begins that tells of a lost connection rather than of bad bytes.
CLOSED: Final = "the backend closed"

#: More empty lines than this before a request line are not forgetfulness (RFC 9112 2.2).
EMPTY_LINES: Final = 4

_BARE_LF = re.compile(rb"(?<!\r)\n")
_HEADER_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,63}):")


class Signal(Enum):
    """What ``next`` says when it has neither a head nor a piece of a body."""

    NEED_DATA = "need data"
    END = "end of message"


NEED_DATA: Final = Signal.NEED_DATA
END: Final = Signal.END


class _Reader:
    """Common to both sides: find a head, then pass its body by."""

    _fault: Fault
    _too_large: int

    def __init__(self, head_limit: int = HEAD_LIMIT) -> None:
        self._head_limit = head_limit
        self._unread: bytes | bytearray = b""
        self._searched = 0
        self._scanner: Scanner | None = None
        self._error: WireError | None = None
        self.tap: Tap | None = None

    def feed(self, data: bytes) -> None:
        """Store what arrived; nothing is looked at before :meth:`next`."""
        unread = self._unread
        if not unread:
            self._unread = data
        elif isinstance(unread, bytearray):
            unread += data
        else:
            self._unread = bytearray(unread) + data

    @property
    def unread(self) -> int:
        """How many bytes wait to be read."""
        return len(self._unread)

    @property
    def in_message(self) -> bool:
        """Whether a head has been given out whose end has not."""
        return self._scanner is not None

    def _take_head(self) -> bytes | None:
        """Cut one head off the front of what is unread; ``None`` when it is not complete."""
        unread = self._unread
        end = unread.find(b"\r\n\r\n", self._searched)
        if end < 0 or end + 4 > self._head_limit:
            if len(unread) > self._head_limit:
                raise WireError(
                    f"the head is longer than {self._head_limit} bytes"
                    + self._largest_header(bytes(unread[: self._head_limit])),
                    fault=self._fault,
                    status=self._too_large,
                )
            # Only what is new is searched: a head that trickles in costs no more than its size.
            if _BARE_LF.search(unread, self._searched) is not None:
                raise WireError("the head has a bare LF as line end", fault=self._fault)
            self._searched = max(0, len(unread) - 3)
            return None
        self._searched = 0
        end += 4
        if end == len(unread):
            self._unread = b""
            return bytes(unread)
        self._unread = bytes(unread[end:])
        return bytes(unread[:end])

    def _largest_header(self, part: bytes) -> str:
        """Name the header to blame, so that nobody has to guess (complaint 15)."""
        largest = max(part.split(b"\r\n")[1:], key=len, default=b"")
        name = _HEADER_LINE.match(largest)
        if name is None:
            return ""
        return f"; its largest header is {name[1].decode('ascii')!r} with {len(largest)} bytes"

    def _take_body(self, scanner: Scanner) -> bytes | Signal:
        if scanner.done:
            self._scanner = None
            self.tap = None
            return END
        piece = self._unread
        if not piece:
            return NEED_DATA
        if isinstance(piece, bytearray):
            piece = bytes(piece)
        taken = scanner.scan(piece, self.tap)
        if taken == len(piece):
            self._unread = b""
            return piece
        self._unread = piece[taken:]
        return piece[:taken]


class RequestReader(_Reader):
    """Reads what a client sends."""

    _fault: Fault = "client"
    _too_large = 431

    def __init__(self, head_limit: int = HEAD_LIMIT) -> None:
        super().__init__(head_limit)
        self._empty_lines = 0

    def next(self) -> RequestHead | bytes | Signal:
        """The next event.

        :return: a head, a raw piece of its body, ``END`` after the body, or ``NEED_DATA``.
        :raise WireError: the input cannot be read in one way only. Asked again, the same again:
            what is unread must not be given out, for nobody knows what it is.
        """
        if self._error is not None:
            raise self._error
        try:
            if self._scanner is not None:
                return self._take_body(self._scanner)
            if self._unread and self._unread[0] in b"\r\n":
                self._skip_empty_lines()
            if not self._unread:
                return NEED_DATA
            raw = self._take_head()
            if raw is None:
                return NEED_DATA
            head = parse_request_head(raw)
        except WireError as error:
            self._error = error
            raise
        self._empty_lines = 0
        self._scanner = scanner_for(head.framing, "client")
        return head

    def _skip_empty_lines(self) -> None:
        """RFC 9112 2.2: an empty line before a request line is ignored; a stream of them is not."""
        unread = self._unread
        start = 0
        while unread.startswith(b"\r\n", start):
            start += 2
            self._empty_lines += 1
            if self._empty_lines > EMPTY_LINES:
                raise WireError(f"more than {EMPTY_LINES} empty lines before a request line")
        if start:
            self._unread = unread = bytes(unread[start:])
        if unread.startswith(b"\n") or (unread.startswith(b"\r") and len(unread) > 1):
            raise WireError("a request line must not begin with a bare CR or LF")


class ResponseReader(_Reader):
    """Reads what a backend sends, once it has been told which request is being answered."""

    _fault: Fault = "backend"
    _too_large = 502

    def __init__(self, head_limit: int = HEAD_LIMIT) -> None:
        super().__init__(head_limit)
        self._method: bytes | None = None
        self._closed = False

    def expect(self, method: bytes) -> None:
        """One more answer is due, to a request of *method*."""
        self._method = method

    def eof(self) -> None:
        """The backend has closed: an answer that is delimited by that has ended."""
        self._closed = True

    def next(self) -> ResponseHead | bytes | Literal[Signal.NEED_DATA, Signal.END]:
        """The next event; interim (1xx) heads are events of their own and have no ``END``.

        Bytes that nobody asked for are left unread (see :attr:`unread`): they are for the caller to
        treat as the death of the connection (reference M15).

        :raise WireError: fault ``backend``; also when the connection closed in mid-answer.
        """
        if self._error is not None:
            raise self._error
        try:
            scanner = self._scanner
            if scanner is not None:
                if self._closed and not self._unread and isinstance(scanner, CloseScanner):
                    scanner.done = True
                event = self._take_body(scanner)
                if event is NEED_DATA and self._closed:
                    raise WireError(f"{CLOSED} in the middle of its answer", fault="backend")
                return event
            if self._method is None:
                return NEED_DATA
            raw = self._take_head() if self._unread else None
            if raw is None:
                if self._closed:
                    raise WireError(f"{CLOSED} before its answer", fault="backend")
                return NEED_DATA
            head = parse_response_head(raw)
            framing = head.framing_for(self._method)
            if head.status >= 200:
                self._scanner = scanner_for(framing, "backend")
                self._method = None
        except WireError as error:
            self._error = error
            raise
        return head
