"""Requests as a lab server reads them: lenient where the real servers are.

Deliberately not mapiproxy.wire: a backend that reads with the proxy's own reader would forgive the
proxy's own mistakes, and the real servers accept heads that the proxy refuses (grommunio: no Host,
a repeated header of which the last counts). Sans-io: bytes in, events out; the body is kept whole,
up to a limit.
"""

from __future__ import annotations

from enum import Enum

from attrs import define, field


class BadRequest(Exception):
    """Bytes that no server would take for a request; *status* is the answer that fits."""

    def __init__(self, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.status = status


class Wanting(Enum):
    """What :meth:`RequestStream.next` says when it has no request to give."""

    DATA = "data"
    BODY_END = "body end"


NEED_DATA = Wanting.DATA
BODY_END = Wanting.BODY_END


@define
class LabRequest:
    """One request. Header names are lower-case; of a repeated one the last value counts.

    :ivar body: whole once BODY_END was given, empty before.
    :ivar length: the declared length; -1 for a chunked body.
    """

    method: bytes
    target: bytes
    version: bytes
    headers: dict[bytes, bytes] = field(repr=False)
    length: int = 0
    body: bytes = field(default=b"", repr=False)

    @property
    def chunked(self) -> bool:
        return self.length < 0

    @property
    def keep_alive(self) -> bool:
        """HTTP/1.1 unless ``close``, HTTP/1.0 only with ``keep-alive``."""
        option = self.headers.get(b"connection", b"").lower()
        return option != b"close" if self.version == b"HTTP/1.1" else option == b"keep-alive"

    def text(self, name: bytes) -> str | None:
        """A header's value as text."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")

    @property
    def path(self) -> bytes:
        return self.target.partition(b"?")[0]


class RequestStream:
    """Reads requests off one connection; pull interface.

    :meth:`next` gives a :class:`LabRequest` when its head is complete, then BODY_END when its body
        is, NEED_DATA in between.
    """

    def __init__(self, *, head_limit: int = 131072, body_limit: int = 50_000_000) -> None:
        self._buffer = bytearray()
        self._head_limit = head_limit
        self._body_limit = body_limit
        self._current: LabRequest | None = None
        self._decoder: _Chunks | None = None
        self._left = 0

    @property
    def buffered(self) -> int:
        """Bytes that were fed and not yet given out."""
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        self._buffer += data

    def next(self) -> LabRequest | Wanting:
        """The next event. :raise BadRequest: the connection cannot go on."""
        if self._current is not None:
            return self._body(self._current)
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > self._head_limit:
                raise BadRequest("the head is too large", 431)
            return NEED_DATA
        request = _parse(bytes(self._buffer[:end]))
        del self._buffer[: end + 4]
        if request.length > self._body_limit and request.method != b"RPC_IN_DATA":
            raise BadRequest("the body is too large", 413)
        self._decoder = _Chunks(self._body_limit) if request.chunked else None
        self._current = request
        self._left = request.length
        return request

    def piece(self) -> bytes:
        """What has come of the body of RPC_IN_DATA: it has no limit and is read as it comes."""
        taken = bytes(self._buffer[: self._left])
        del self._buffer[: len(taken)]
        self._left -= len(taken)
        return taken

    def _body(self, request: LabRequest) -> Wanting:
        if self._decoder is not None:
            if not self._decoder.take(self._buffer):
                return NEED_DATA
            request.body = bytes(self._decoder.body)
        elif len(self._buffer) < request.length:
            return NEED_DATA
        else:
            request.body = bytes(self._buffer[: request.length])
            del self._buffer[: request.length]
        self._current = None
        return BODY_END


def _parse(head: bytes) -> LabRequest:
    lines = head.split(b"\r\n")
    words = lines[0].split(b" ")
    if len(words) != 3 or not words[2].startswith(b"HTTP/1."):
        raise BadRequest("not a request line")
    headers: dict[bytes, bytes] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(b":")
        if not colon:
            raise BadRequest("a line without a colon")
        key = name.lower()
        value = value.strip()
        if key == b"cookie" and key in headers:
            # gromox joins repeated Cookie lines (reference 12.1).
            value = headers[key] + b"; " + value
        headers[key] = value
    length = 0
    if b"transfer-encoding" in headers:
        length = -1
    elif b"content-length" in headers:
        if not headers[b"content-length"].isdigit():
            raise BadRequest("Content-Length is not a number")
        length = int(headers[b"content-length"])
    return LabRequest(words[0], words[1], words[2], headers, length)


class _Chunks:
    """Collects a chunked body."""

    def __init__(self, limit: int) -> None:
        self.body = bytearray()
        self._limit = limit
        self._trailers = False

    def take(self, buffer: bytearray) -> bool:
        """Eat what is complete; ``True`` when the last chunk and the trailers are through."""
        while True:
            end = buffer.find(b"\r\n")
            if end < 0:
                return False
            if self._trailers:
                del buffer[: end + 2]
                if end == 0:
                    return True
                continue
            try:
                size = int(buffer[:end].partition(b";")[0], 16)
            except ValueError:
                raise BadRequest("bad chunk size") from None
            if len(self.body) + size > self._limit:
                raise BadRequest("the body is too large", 413)
            if size == 0:
                del buffer[: end + 2]
                self._trailers = True
                continue
            if len(buffer) < end + 2 + size + 2:
                return False
            self.body += buffer[end + 2 : end + 2 + size]
            if buffer[end + 2 + size : end + 4 + size] != b"\r\n":
                raise BadRequest("a chunk does not end where it should")
            del buffer[: end + 4 + size]
