"""Which bytes of a body are payload and which are framing? Apart from ``wire``, which the lab judges.

Nothing is kept: every byte that comes in goes out at once, and the answer does not depend on how the stream
was cut.
"""

from __future__ import annotations

from mapiproxy.wire.framing import Chunked, Framing, Length, UntilClose

#: A chunk's size with its extensions is shorter than this.
_LONGEST_LINE = 4096


class BodyBroken(Exception):
    """Chunks that nobody can read."""


class BodyWalker:
    """Walks along one body.

    :ivar done: the body has ended.
    :ivar boundary: the last step ended a chunk, or there are no chunks at all.
    """

    def __init__(self, framing: Framing) -> None:
        self.chunked = isinstance(framing, Chunked)
        self.until_close = isinstance(framing, UntilClose)
        self.boundary = not self.chunked
        self._state = "size" if self.chunked else "payload"
        self._line = b""
        self._left = framing.size if isinstance(framing, Length) else 0
        self.done = not (self.chunked or self.until_close or self._left)

    def step(self, data: bytes, start: int) -> tuple[int, bool]:
        """Where the run of bytes that begins at *start* ends, and whether it is payload.

        :raise BodyBroken: a chunk's size is not one.
        """
        if self.until_close:
            return len(data), True
        if self._state == "payload":
            end = min(len(data), start + self._left)
            self._left -= end - start
            if not self._left:
                self.done = not self.chunked
                self._state, self._line = "end of chunk", b""
            return end, True
        newline = data.find(b"\n", start)
        end = newline + 1 or len(data)
        self._line += data[start:end]
        if len(self._line) > _LONGEST_LINE:
            raise BodyBroken("a line of chunk framing is too long")
        self.boundary = False
        if newline >= 0:
            self._end_line(self._line.strip())
            self._line = b""
        return end, False

    def _end_line(self, line: bytes) -> None:
        if self._state == "size":
            digits = line.partition(b";")[0].strip()
            try:
                self._left = int(digits, 16)
            except ValueError:
                raise BodyBroken("a chunk's size is not a number") from None
            self._state = "payload" if self._left else "trailer"
        elif self._state == "end of chunk":
            if line:
                raise BodyBroken("a chunk is longer than its size")
            self._state = "size"
            self.boundary = True
        else:
            self.done = not line
