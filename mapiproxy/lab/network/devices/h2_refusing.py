"""As much HTTP/2 as it takes to refuse every request honestly (RFC 9113): bytes in, bytes out.

Settings are acknowledged, pings answered, and each HEADERS gets HTTP_1_1_REQUIRED. Header blocks are not
decoded: nothing depends on them.
"""

from __future__ import annotations

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HTTP_1_1_REQUIRED = 0xD
PROTOCOL_ERROR = 0x1
FRAME_SIZE_ERROR = 0x6
HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY = 0x1, 0x3, 0x4, 0x6, 0x7
ACK = 0x1
#: The largest frame that we have allowed, by saying nothing about it (RFC 9113 6.5.2).
LARGEST = 16384


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """One frame (RFC 9113 4.1)."""
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


class Refuser:
    """One connection.

    :param whole: refuse the connection with GOAWAY, not single streams.
    :ivar refused: requests that were refused since somebody looked.
    :ivar over: the connection is to be closed.
    """

    def __init__(self, whole: bool) -> None:
        self.refused = 0
        self.over = False
        self._whole = whole
        self._unread = b""
        self._greeted = False
        self._last = 0

    def hear(self, data: bytes) -> bytes:
        """What to answer to these bytes."""
        if self.over:
            return b""
        self._unread += data
        out = b""
        if not self._greeted:
            if len(self._unread) < len(PREFACE):
                return b"" if PREFACE.startswith(self._unread) else self._go_away(PROTOCOL_ERROR)
            if not self._unread.startswith(PREFACE):
                return self._go_away(PROTOCOL_ERROR)
            self._unread = self._unread[len(PREFACE) :]
            self._greeted = True
            out = frame(SETTINGS, 0, 0)
        while len(self._unread) >= 9 and not self.over:
            length = int.from_bytes(self._unread[:3], "big")
            if length > LARGEST:
                return out + self._go_away(FRAME_SIZE_ERROR)
            if len(self._unread) < 9 + length:
                break
            kind, flags = self._unread[3], self._unread[4]
            stream = int.from_bytes(self._unread[5:9], "big") & 0x7FFFFFFF
            payload = self._unread[9 : 9 + length]
            self._unread = self._unread[9 + length :]
            out += self._frame(kind, flags, stream, payload)
        return out

    def _frame(self, kind: int, flags: int, stream: int, payload: bytes) -> bytes:
        if kind == SETTINGS and not flags & ACK:
            return frame(SETTINGS, ACK, 0)
        if kind == PING and not flags & ACK:
            return frame(PING, ACK, 0, payload)
        if kind == GOAWAY:
            self.over = True
        if kind == HEADERS and stream > self._last:
            self._last = stream
            self.refused += 1
            if self._whole:
                return self._go_away(HTTP_1_1_REQUIRED)
            return frame(RST_STREAM, 0, stream, HTTP_1_1_REQUIRED.to_bytes(4, "big"))
        return b""

    def _go_away(self, error: int) -> bytes:
        self.over = True
        return frame(GOAWAY, 0, 0, self._last.to_bytes(4, "big") + error.to_bytes(4, "big"))
