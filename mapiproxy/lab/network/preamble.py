"""Which phase is each byte of a MAPI answer's body in? PROCESSING, PENDING..., DONE, headers, binary.

Reads as leniently as MS-OXCMAPIHTTP 2.2.2.2 and grommunio ask for (reference 5.1 and 5.2 E): words in any
case, with or without a line end. At most a part of one word is held back until it is known which word it is.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

_WORDS = (b"PROCESSING", b"PENDING", b"DONE")


@frozen
class Mark:
    """Bytes of one phase (none: the moment at which the phase begins).

    :ivar whole: the bytes are payload alone, without framing between.
    """

    phase: str
    number: int
    offset: int
    data: bytes
    payload: bytes


class Preamble:
    """Labels one answer's body; *mapi* is false for an answer of another type."""

    def __init__(self, mapi: bool) -> None:
        self._mode = "words" if mapi else "plain"
        self._phase = "before_answer" if mapi else ""
        self._number = 0
        self._offset = 0
        self._held = b""
        self._word = b""
        self._line = 0
        self._announce = False

    def framing(self, data: bytes, boundary: bool) -> Iterator[Mark]:
        """Bytes between the payload; *boundary*: they end a chunk."""
        if self._word:
            self._held += data
            return
        yield self._mark(data, b"")
        if boundary:
            yield from self._announced()

    def payload(self, data: bytes, chunked: bool) -> Iterator[Mark]:
        """Bytes of the payload."""
        at = 0
        while at < len(data):
            if self._mode == "words":
                yield from self._letter(data[at : at + 1])
                at += 1
            elif self._mode == "headers":
                end = self._headers(data, at)
                yield self._mark(data[at:end], data[at:end])
                at = end
                if self._mode == "binary":
                    self._phase = "in_binary"
                    yield self._mark(b"", b"")
            else:
                yield self._mark(data[at:], data[at:])
                self._offset += len(data) - at
                return
        if not chunked:
            yield from self._announced()

    def end(self) -> Iterator[Mark]:
        """The body is over, or will never be: what was held is given out."""
        if self._held:
            yield self._mark(self._held, self._word)
        self._held = self._word = b""
        yield from self._announced()

    def _mark(self, data: bytes, payload: bytes) -> Mark:
        return Mark(self._phase, self._number, self._offset, data, payload)

    def _announced(self) -> Iterator[Mark]:
        if self._announce and self._line == 0:
            self._announce = False
            self._phase = "after_processing"
            yield self._mark(b"", b"")

    def _letter(self, byte: bytes) -> Iterator[Mark]:
        if not self._word and byte in b"\r\n":
            yield self._mark(byte, byte)
            if byte == b"\n":
                self._line = 0
            return
        if self._announce:
            self._line = 0
            yield from self._announced()
        self._held += byte
        self._word += byte
        word = self._word.upper()
        if word in _WORDS:
            self._known(word)
            yield self._mark(self._held, self._word)
            self._held = self._word = b""
        elif not any(each.startswith(word) for each in _WORDS):
            self._mode, self._phase = "plain", ""
            yield self._mark(self._held, self._word)
            self._held = self._word = b""

    def _known(self, word: bytes) -> None:
        self._line = 1
        if word == b"PENDING":
            self._phase = "pending"
            self._number += 1
        elif word == b"DONE":
            self._phase = "before_done"
            self._mode = "headers"
        elif self._phase == "before_answer":
            self._announce = True
        else:
            # grommunio says it again before DONE.
            self._phase = "after_processing"

    def _headers(self, data: bytes, at: int) -> int:
        """Where the lines after DONE stop, or the data."""
        while at < len(data):
            byte = data[at]
            at += 1
            if byte == 10:
                if not self._line:
                    self._mode = "binary"
                    return at
                self._line = 0
            elif byte != 13:
                self._line += 1
        return at
