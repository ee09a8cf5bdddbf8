"""A connection to a server: dialled, fed from its first moment, ended once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from typing import Protocol as Shape

from twisted.internet.protocol import ClientFactory, Protocol
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure

from mapiproxy.lab.network.addresses import Address
from mapiproxy.lab.network.lane import MOST_WAITING
from mapiproxy.lab.network.pieces import Exchange, Piece
from mapiproxy.lab.network.side import Side

if TYPE_CHECKING:
    from mapiproxy.lab.network.device import Device


class Upstream(Shape):
    """The servers' side of a flow, whatever connections it has."""

    @property
    def full(self) -> bool: ...

    def dial(self) -> None: ...
    def write(self, piece: Piece) -> None: ...
    def answered(self, exchange: Exchange) -> None: ...
    def finish(self) -> None: ...
    def close(self) -> None: ...
    def reset(self) -> None: ...
    def abandon(self) -> None: ...
    def hold(self, held: bool) -> None: ...


class HearsServer(Shape):
    """Who is told of what a server does."""

    def server_said(self, leg: Leg, data: bytes) -> None: ...
    def server_finished(self, leg: Leg) -> None: ...
    def server_lost(self, leg: Leg | None, clean: bool) -> None: ...
    def server_refused(self, leg: Leg, why: str) -> None: ...
    def server_pressed(self, leg: Leg) -> None: ...


class Leg:
    """One connection.

    :ivar owner: who is told; ``None``: nobody, and what comes is thrown away.
    :ivar over: it has ended, or could not be made.
    """

    def __init__(self, device: Device, address: Address, owner: HearsServer | None) -> None:
        self.address = address
        self.owner = owner
        self.over = False
        self._device = device
        self._side: Side | None = None
        self._waiting: list[bytes] = []
        self._waits = 0
        self._ending = ""
        self._connector: Any = None
        self._held = False

    def dial(self, source: str | None = None) -> None:
        """Begin to connect, from the address *source* if it is given."""
        device = self._device
        host, port = self.address
        client = device.termination.client() if device.termination is not None else None
        factory: Any = _LegFactory(self, tls=client is not None)
        if client is not None:
            factory = TLSMemoryBIOFactory(client, True, factory, clock=device.reactor)
        device.legs.add(self)
        bind = None if source is None else (source, 0)
        self._connector = device.reactor.connectTCP(
            host, port, factory, timeout=device.patience, bindAddress=bind
        )

    @property
    def full(self) -> bool:
        """Whether whoever writes should wait."""
        return self._waits >= MOST_WAITING or (self._side is not None and self._side.full)

    def write(self, piece: Piece) -> None:
        """Send, or keep until there is a connection."""
        if not piece.data or self.over or self._ending:
            return
        self._device.counters.to_server += len(piece.data)
        if self._side is not None:
            self._side.write(piece.data)
        else:
            self._waiting.append(piece.data)
            self._waits += len(piece.data)

    def answered(self, exchange: Exchange) -> None:
        """A connection of its own stays."""

    def finish(self) -> None:
        """FIN, after all that was written."""
        self._end("finish")

    def close(self) -> None:
        """Close in order."""
        self._end("close")

    def reset(self) -> None:
        """RST; what waits is not sent."""
        self._end("reset")

    def abandon(self) -> None:
        """Reset, and hear no more of it."""
        self.owner = None
        self.reset()

    def hold(self, held: bool) -> None:
        """Read no more, or again."""
        self._held = held
        if self._side is not None:
            self._side.hold(held)

    def _end(self, how: str) -> None:
        if self.over:
            return
        if self._side is not None:
            getattr(self._side, how)()
        elif self._connector is None:
            # It was not dialled and will not be.
            self.over = True
            if self.owner is not None:
                self.owner.server_lost(self, clean=True)
        elif not self.over:
            self._ending = how
            if how == "reset":
                self._connector.disconnect()

    # What the side tells.

    def side_opened(self, side: Side) -> None:
        self._side = side
        for data in self._waiting:
            side.write(data)
        self._waiting, self._waits = [], 0
        side.hold(self._held)
        if self._ending:
            self._end(self._ending)
        if self.owner is not None:
            self.owner.server_pressed(self)

    def side_said(self, side: Side, data: bytes) -> None:
        if self.owner is not None:
            self.owner.server_said(self, data)
        else:
            # Unasked: nobody may use this connection any more (reference M15).
            self.over = True
            side.close()

    def side_finished(self, side: Side) -> None:
        if self.owner is not None:
            self.owner.server_finished(self)
        else:
            self.over = True
            side.close()

    def side_lost(self, side: Side, clean: bool) -> None:
        self._gone()
        if self.owner is not None:
            self.owner.server_lost(self, clean)

    def side_pressed(self, side: Side) -> None:
        if self.owner is not None:
            self.owner.server_pressed(self)

    def failed(self, why: str) -> None:
        """There is no connection."""
        self._gone()
        if self.owner is None:
            return
        if self._ending == "reset":
            self.owner.server_lost(self, clean=False)
        else:
            self.owner.server_refused(self, why)

    def _gone(self) -> None:
        self.over = True
        self._device.leg_over(self)


class _LegFactory(ClientFactory):
    noisy = False

    def __init__(self, leg: Leg, tls: bool) -> None:
        self._leg = leg
        self._tls = tls

    def buildProtocol(self, addr: object) -> Protocol:
        return Side(self._leg, self._tls)

    def clientConnectionFailed(self, connector: object, reason: Failure) -> None:
        self._leg.failed(reason.getErrorMessage())
