"""Our end of a client's connection: a protocol that feeds a relay, and the factory that makes them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from twisted.internet.interfaces import IHandshakeListener
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from mapiproxy.net.house import House
from mapiproxy.net.line import Line
from mapiproxy.net.relay import Relay
from mapiproxy.net.tls import failure_kind
from mapiproxy.policy.firewall import Network, plain_address
from mapiproxy.policy.headers import Hop
from mapiproxy.policy.origin import is_trusted


@implementer(IHandshakeListener)
class FrontDoor(Protocol):
    """One client's connection."""

    relay: Relay

    def __init__(self, factory: FrontDoors) -> None:
        self.factory: FrontDoors = factory
        self._shaken = not factory.secure

    def connectionMade(self) -> None:
        factory = self.factory
        assert self.transport is not None
        peer = self.transport.getPeer()
        ip = plain_address(getattr(peer, "host", "") or "")
        line = Line(self.transport, self._pressure)
        hop = Hop(ip, factory.secure, factory.forwarded)
        port = getattr(peer, "port", 0)
        self.relay = Relay(factory.house, line, hop, port, factory.head_limit)
        if factory.trusted and is_trusted(ip, factory.trusted):
            self.relay.trusted = factory.trusted
        factory.opened(self)

    def handshakeCompleted(self) -> None:
        """TLS is up."""
        self._shaken = True
        self.factory.handshakes += 1

    def _pressure(self, full: bool) -> None:
        self.relay.front_pressure(full)

    def dataReceived(self, data: bytes) -> None:
        try:
            self.relay.client_data(data)
        except Exception:
            # Always our own bug: one connection pays for it, the others go on.
            self.factory.house.log.failure("bug while serving {relay!r}", relay=self.relay)
            self.relay.front.abort()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if not self._shaken:
            self.factory.failed_handshakes[failure_kind(reason.value)] += 1
        self.factory.closed(self)
        self.relay.client_gone()


class FrontDoors(Factory):
    """Makes front doors, knows those that are open, and looks at their deadlines.

    :param secure: whether TLS stands before us.
    :ivar trusted: networks of proxies before us, whose X-Forwarded-For is believed.
    :param limit: connections open at the same time; beyond it new ones are turned away.
    :ivar accepted: connections since the beginning; ``handshakes``: that of TLS was completed.
    :ivar failed_handshakes: those that were not, by ``net/tls.py: FAILURE_KINDS``.
    """

    noisy = False

    def __init__(
        self, house: House, *, secure: bool, forwarded: bool, head_limit: int, limit: int
    ) -> None:
        self.house = house
        self.secure = secure
        self.forwarded = forwarded
        self.head_limit = head_limit
        self.turned_away = 0
        self.accepted = 0
        self.handshakes = 0
        self.failed_handshakes: Counter[str] = Counter()
        self.trusted: Sequence[Network] = ()
        self._limit = limit
        # In the order in which they came, so that a laboratory can repeat itself.
        self._open: dict[FrontDoor, None] = {}
        self._unheard: dict[Relay, None] = {}

    def __len__(self) -> int:
        return len(self._open)

    def buildProtocol(self, addr: Any) -> FrontDoor | None:  # type: ignore[override]
        if len(self._open) >= self._limit:
            self.turned_away += 1
            self.house.log.warn(
                "client {ip} turned away: {limit} connections are open",
                ip=getattr(addr, "host", "?"),
                limit=self._limit,
            )
            return None
        return FrontDoor(self)

    def opened(self, door: FrontDoor) -> None:
        """A client has connected."""
        self.accepted += 1
        self._open[door] = None
        rules, ip = self.house.rules, door.relay.hop.client_ip
        if not rules.usage.connect(ip, rules.quotas) and not door.relay.trusted:
            self.turned_away += 1
            self.house.log.warn(
                "client {ip} turned away: {limit} connections of this address are open",
                ip=ip,
                limit=rules.quotas.address_connections,
            )
            door.relay.front.abort()

    def closed(self, door: FrontDoor) -> None:
        """A client's connection is lost; a backend may still work for it."""
        if door in self._open:
            self.house.rules.usage.disconnect(door.relay.hop.client_ip)
        self._open.pop(door, None)
        if door.relay.exchange is not None:
            self._unheard[door.relay] = None

    def tick(self) -> None:
        """Called about once a second by the service."""
        now = self.house.clock()
        for door in [*self._open]:
            door.relay.tick(now)
        for relay in [*self._unheard]:
            relay.tick(now)
            if relay.exchange is None:
                self._unheard.pop(relay, None)

    @property
    def relays(self) -> list[Relay]:
        """Of all connections, and of those that are gone while a backend still works for them."""
        return [*(door.relay for door in self._open), *self._unheard]

    @property
    def limit(self) -> int:
        """How many connections may be open."""
        return self._limit

    def change(self, *, head_limit: int, limit: int) -> None:
        """Other limits, for connections that are yet to come."""
        self.head_limit, self._limit = head_limit, limit

    @property
    def calls(self) -> int:
        """Exchanges in progress that are worth waiting for: all but waits and channels."""
        return sum(
            (exchange := relay.exchange) is not None
            and not exchange.is_wait
            and not exchange.is_channel
            for relay in self.relays
        )

    def stop(self) -> None:
        """Close what is idle; the rest closes when its exchange is over."""
        for door in [*self._open]:
            door.relay.stop()

    def abort(self) -> None:
        """Close everything now."""
        for relay in self.relays:
            relay.abort()
