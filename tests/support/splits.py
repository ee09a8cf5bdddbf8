"""Every way to cut an input in which a reader must not take an interest, and what it reads then.

A parser is not tested until it has been fed whole, byte by byte and cut at each place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from attrs import define, field

from mapiproxy.wire.errors import WireError
from mapiproxy.wire.heads import RequestHead, ResponseHead
from mapiproxy.wire.reader import END, NEED_DATA, RequestReader, ResponseReader

Pieces = list[bytes]


def byte_by_byte(data: bytes) -> Pieces:
    return [data[at : at + 1] for at in range(len(data))]


def cut_at(data: bytes, places: Iterable[int]) -> Pieces:
    """*data* cut at each of *places*, without empty pieces."""
    ends = [0, *sorted({place for place in places if 0 < place < len(data)}), len(data)]
    return [data[a:b] for a, b in pairwise(ends) if a < b]


def splits(data: bytes) -> Iterator[Pieces]:
    """Whole, byte by byte, each single cut."""
    yield [data]
    yield byte_by_byte(data)
    for at in range(1, len(data)):
        yield [data[:at], data[at:]]


@define
class Reading:
    """What a reader made of its input, with adjacent pieces of a body joined.

    :ivar heads: every head, interim ones too.
    :ivar bodies: raw bytes of each body, *payloads* what the tap got of it.
    :ivar ended: how many messages are complete.
    """

    heads: list[RequestHead | ResponseHead] = field(factory=list)
    bodies: list[bytearray] = field(factory=list)
    payloads: list[bytearray] = field(factory=list)
    ended: int = 0
    error: WireError | None = None
    unread: int = 0

    @property
    def verdict(self) -> tuple[object, ...]:
        """What may not depend on cuts. Of a message that was refused, how much of it had been given
        out before does depend on them."""
        kept = self.ended if self.error is not None else len(self.bodies)
        return (
            [head.raw for head in self.heads],
            self.bodies[:kept],
            self.payloads[:kept],
            self.ended,
            self.error and self.error.fault,
            self.unread if self.error is None else None,
        )

    @property
    def head(self) -> RequestHead | ResponseHead:
        return self.heads[0]

    @property
    def body(self) -> bytes:
        return bytes(self.bodies[0])

    @property
    def payload(self) -> bytes:
        return bytes(self.payloads[0])


def read_requests(pieces: Iterable[bytes], reader: RequestReader | None = None) -> Reading:
    """All requests in *pieces*, until the end or the first error."""
    reader = RequestReader() if reader is None else reader
    seen = Reading()
    try:
        for piece in pieces:
            reader.feed(piece)
            _drain(reader, seen)
    except WireError as error:
        seen.error = error
    seen.unread = reader.unread
    return seen


def read_answers(
    pieces: Iterable[bytes],
    methods: Sequence[bytes] = (b"POST",),
    *,
    closes: bool = False,
    reader: ResponseReader | None = None,
) -> Reading:
    """The answers to requests of *methods*; *closes* when the backend closes after them."""
    reader = ResponseReader() if reader is None else reader
    seen = Reading()
    due = list(methods)
    reader.expect(due.pop(0))
    try:
        for piece in pieces:
            reader.feed(piece)
            _drain(reader, seen, due)
        if closes:
            reader.eof()
            _drain(reader, seen, due)
    except WireError as error:
        seen.error = error
    seen.unread = reader.unread
    return seen


def _drain(
    reader: RequestReader | ResponseReader, seen: Reading, due: list[bytes] | None = None
) -> None:
    while True:
        event = reader.next()
        if event is NEED_DATA:
            return
        if event is END:
            seen.ended += 1
            if due is not None:
                if not due:
                    return
                reader.expect(due.pop(0))
        elif isinstance(event, bytes):
            assert event, "a reader gave out an empty piece"
            seen.bodies[-1] += event
        else:
            seen.heads.append(event)
            if reader.in_message:
                seen.bodies.append(bytearray())
                seen.payloads.append(bytearray())
                payload = seen.payloads[-1]
                reader.tap = payload.extend
