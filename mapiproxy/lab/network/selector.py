"""Where does a rule strike? Request type, mailbox, n-th of a session, phase, client, backend, chance.

Two questions, kept apart: does a piece fit (asked for every piece, the same answer each time), and is this
request or connection to be struck (asked once for each, and counted).
"""

from __future__ import annotations

import ipaddress
from random import Random

from attrs import define, field, frozen

from mapiproxy.lab.network.pieces import PHASES, Connection, Direction, Exchange, Piece, Place
from mapiproxy.lab.network.reading import choice, line, network, share, whole
from mapiproxy.settings.units import BadValue

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_OF_REQUESTS = ("request_head", "request_body")
_OF_ANSWERS = ("before_answer", "after_processing", "pending", "before_done", "in_binary", "idle")


@frozen
class Selector:
    """Each field narrows; none given strikes everything.

    :ivar nth: the n-th fitting request of a session only; *every*: each that *every* divides.
    :ivar at: with request_body and in_binary, the byte at which the phase begins.
    :ivar pending: which PENDING; without it each of them.
    :ivar limit: how many times at most, all together.
    """

    request_type: str | None = line(None)
    mailbox: str | None = line(None)
    nth: int | None = whole(1, None)
    every: int | None = whole(1, None)
    phase: str | None = choice(PHASES, None)
    at: int = whole(0, 0)
    pending: int | None = whole(1, None)
    client: Network | None = network(None)  # noqa: RUF009
    backend: str | None = line(None)
    probability: float = share(1.0)
    limit: int | None = whole(1, None)

    def __attrs_post_init__(self) -> None:
        if self.pending is not None and self.phase != "pending":
            raise BadValue('pending is of phase = "pending"')
        if self.at and self.phase not in ("request_body", "in_binary"):
            raise BadValue("at is of the phases request_body and in_binary")
        if self.phase in ("connect", "tls") and self.of_requests:
            raise BadValue(f"in phase {self.phase} there is no request to select by")

    @property
    def of_requests(self) -> bool:
        """Whether single requests are selected, not whole connections."""
        own = (self.request_type, self.mailbox, self.nth, self.every)
        return any(each is not None for each in own)

    @property
    def looks_inside(self) -> bool:
        """Whether the plaintext has to be seen."""
        return self.of_requests or self.phase not in (None, "connect", "tls")

    @property
    def direction(self) -> Direction:
        """The only direction in which the phase can come."""
        if self.phase in ("connect", "tls", *_OF_REQUESTS):
            return Direction.TO_SERVER
        return Direction.TO_CLIENT if self.phase in _OF_ANSWERS else Direction.BOTH

    def begins_within(self, piece: Piece) -> int:
        """How many bytes of *piece* are before the byte that is meant; 0: it is not within."""
        size = self.at - piece.place.offset
        return size if piece.place.phase == self.phase and 0 < size < len(piece.payload) else 0

    def fits(self, place: Place) -> bool:
        """Whether what is at *place* is meant, chance and counts aside."""
        if self.phase is not None:
            if place.phase != self.phase or (self.pending or place.number) != place.number:
                return False
            if place.offset < self.at:
                return False
        elif place.phase in ("connect", "tls"):
            # Before there is a stream; whoever means that moment names it.
            return False
        exchange = place.exchange
        if self.of_requests:
            if exchange is None:
                return False
            if self.request_type and exchange.request_type.lower() != self.request_type.lower():
                return False
            if self.mailbox and exchange.mailbox.lower() != self.mailbox.lower():
                return False
        if self.client is not None and not _within(place.connection.client, self.client):
            return False
        if self.backend is not None:
            backend = exchange.backend if exchange is not None else place.connection.backend
            return backend.lower() == self.backend.lower()
        return True


def _within(address: str, net: Network) -> bool:
    try:
        return ipaddress.ip_address(address) in net
    except ValueError:
        return False


@define(eq=False)
class Aim:
    """A selector in use: counts, and decides once for each unit.

    :ivar per_request: the unit is a request; else it is a connection.
    :ivar struck: how many have been struck.
    """

    selector: Selector
    chance: Random
    per_request: bool
    struck: int = 0
    _seen: dict[object, int] = field(factory=dict, repr=False)

    def strikes(self, place: Place) -> bool:
        """Whether what is at *place* is struck."""
        unit = self._unit(place)
        if unit is None or not self.selector.fits(place):
            return False
        decided = unit.decisions.get(self)
        if decided is None:
            decided = unit.decisions[self] = self._decide(place)
        return decided

    def struck_now(self, place: Place) -> bool:
        """The rule has done something there: count it, once for each unit; whether it is the first time."""
        unit = self._unit(place)
        if unit is None or self in unit.struck:
            return False
        unit.struck.add(self)
        self.struck += 1
        return True

    def _unit(self, place: Place) -> Exchange | Connection | None:
        return place.exchange if self.per_request else place.connection

    def _decide(self, place: Place) -> bool:
        selector = self.selector
        if selector.nth is not None or selector.every is not None:
            assert place.exchange is not None, "such a selector fits requests only"
            session = place.exchange.session
            count = self._seen[session] = self._seen.get(session, 0) + 1
            if selector.nth is not None and count != selector.nth:
                return False
            if selector.every is not None and count % selector.every:
                return False
        if selector.limit is not None and self.struck >= selector.limit:
            return False
        # Chance is asked whatever the probability is, so that changing one rule's does not move the others'.
        return self.chance.random() < selector.probability
