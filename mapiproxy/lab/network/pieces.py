"""What travels through the network of the lab: pieces of a stream, each with its place in the conversation.

Plain values, made by the observer (observer.py) and read by selectors and faults. The bytes of all pieces of
a direction, put together, are what came in.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from attrs import define, evolve, field, frozen

from mapiproxy.wire.heads import RequestHead, ResponseHead

#: Where a fault may strike, in the order of a request's life (peers reference C.2).
PHASES = (
    "connect", "tls", "request_head", "request_body", "before_answer", "after_processing", "pending",
    "before_done", "in_binary", "idle",
)  # fmt: skip


class Direction(StrEnum):
    """Which way bytes go."""

    TO_SERVER = "to_server"
    TO_CLIENT = "to_client"
    BOTH = "both"


@define(eq=False)
class Connection:
    """What selectors know of one client's connection.

    :ivar number: counts from 1 on each device; for people.
    :ivar decisions: which rules strike here, each decided once.
    :ivar struck: of those, the ones that have done something.
    """

    number: int
    client: str = ""
    backend: str = ""
    decisions: dict[Any, bool] = field(factory=dict, repr=False)
    struck: set[Any] = field(factory=set, repr=False)


@define(eq=False)
class Exchange:
    """One request and its answer.

    :ivar session: equal for requests of one session; holds no cookie.
    :ivar reply: what is answered in place of the server, once that has been decided.
    """

    connection: Connection
    number: int
    head: RequestHead
    request_type: str = ""
    mailbox: str = ""
    session: object = None
    backend: str = ""
    answer: ResponseHead | None = None
    chunked: bool = False
    reply: Reply | None = None
    decisions: dict[Any, bool] = field(factory=dict, repr=False)
    struck: set[Any] = field(factory=set, repr=False)


@frozen
class Place:
    """Where in the conversation a piece is.

    :ivar phase: one of :data:`PHASES`, ``request_end``, or empty for bytes that are of no phase.
    :ivar number: which PENDING, from 1.
    :ivar offset: of the first payload byte within the request's body or the answer's binary.
    :ivar head: the piece is a whole head.
    :ivar last: nothing of this message comes after this (empty) piece.
    """

    connection: Connection
    phase: str = ""
    exchange: Exchange | None = None
    number: int = 0
    offset: int = 0
    head: bool = False
    last: bool = False


@frozen
class Piece:
    """Bytes with their place; perhaps none, to mark a moment.

    :ivar payload: what the bytes are without the framing of chunks.
    """

    data: bytes
    place: Place
    payload: bytes = b""

    def split(self, size: int) -> tuple[Piece, Piece]:
        """The first *size* bytes and the rest."""
        first, rest = self.data[:size], self.data[size:]
        if self.payload != self.data:
            # Framing, or a word with framing in the middle of it: the payload is not to be torn.
            torn = evolve(self.place, head=False)
            return Piece(first, torn, self.payload), Piece(rest, torn)
        place = evolve(self.place, offset=self.place.offset + len(first))
        return Piece(first, self.place, first), Piece(rest, place, rest)


@frozen
class Fin:
    """The sender has nothing more to say."""

    place: Place


@frozen
class Rst:
    """The sender's side has been reset."""

    place: Place


@frozen
class Cut:
    """An order of a fault: end the connection now.

    :ivar how: ``reset`` or ``close`` (in order, after what was sent before).
    :ivar side: ``client``, ``server`` or ``both``.
    """

    how: str = "reset"
    side: str = "both"


@frozen
class Reply:
    """An order of a fault: answer *exchange* here; the server hears no more of it.

    :ivar close: close the client's connection behind the answer.
    :ivar begun: the server has heard a part of the request.
    """

    exchange: Exchange
    raw: bytes = field(repr=False)
    close: bool = False
    begun: bool = False


@frozen
class Present:
    """An order of a fault: which certificate the client shall see, by its name in tls.py."""

    certificate: str


@frozen
class DialMore:
    """An order of a fault: open *times* more connections to the server, which nobody uses."""

    times: int
    keep: bool


#: What comes in and what faults are given.
Arrival = Piece | Fin | Rst
Item = Arrival | Cut | Reply | Present | DialMore


def rechunked(piece: Piece) -> Piece:
    """This piece of a chunked answer, its payload as a chunk of its own; boundaries have no meaning in HTTP.

    Has to be done to a whole answer, from its head to its last piece.
    """
    exchange = piece.place.exchange
    if exchange is None or not exchange.chunked or piece.place.head:
        return piece
    data = b"%x\r\n%b\r\n" % (len(piece.payload), piece.payload) if piece.payload else b""
    if piece.place.last:
        data += b"0\r\n\r\n"
    return evolve(piece, data=data)
