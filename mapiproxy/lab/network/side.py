"""One end of a connection of a device: bytes in, bytes out, held back, ended once.

Knows the manners of transports (see the opening of ``net/line.py``, learnt there): let go before closing,
unregister before closing, end once only, never hold a TLS transport before its first bytes; and close a
connection whose halves have both been closed, for Twisted does not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from typing import Protocol as Shape

from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IHalfCloseableProtocol, IPushProducer
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure
from zope.interface import implementer


class Hears(Shape):
    """Who is told of what happens at a side."""

    def side_opened(self, side: Side) -> None: ...
    def side_said(self, side: Side, data: bytes) -> None: ...
    def side_finished(self, side: Side) -> None: ...
    def side_lost(self, side: Side, clean: bool) -> None: ...
    def side_pressed(self, side: Side) -> None: ...


@implementer(IHalfCloseableProtocol, IPushProducer)
class Side(Protocol):
    """Twisted protocol.

    :param tls: its transport is a TLS one, which knows no half-close.
    :ivar full: the peer reads too slowly for what was written.
    :ivar gone: the connection is over.
    :ivar spoke: something has been heard; over TLS, so the handshake is over.
    """

    def __init__(self, heard: Hears, tls: bool) -> None:
        self.full = False
        self.gone = False
        self.tls = tls
        self._heard = heard
        self._held = False
        self._paused = False
        self._ended = False
        self.spoke = False
        self._heard_fin = False
        self._finished = False

    def connectionMade(self) -> None:
        transport: Any = self.transport
        if hasattr(transport, "setTcpNoDelay"):
            transport.setTcpNoDelay(True)
        transport.registerProducer(self, True)
        self._heard.side_opened(self)

    def dataReceived(self, data: bytes) -> None:
        self.spoke = True
        self._heard.side_said(self, data)
        self._settle()

    def readConnectionLost(self) -> None:
        self._heard_fin = True
        self._heard.side_finished(self)
        if self._finished:
            # Twisted leaves a connection open whose halves are both closed.
            self.close()

    def writeConnectionLost(self) -> None:
        """We have finished; nothing follows from it."""

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.gone = self._ended = True
        self._heard.side_lost(self, reason.check(ConnectionDone) is not None)

    # Back-pressure.

    def hold(self, held: bool) -> None:
        """Read no more, or again."""
        self._held = held
        self._settle()

    def _settle(self) -> None:
        wanted = self._held and (self.spoke or not self.tls)
        if wanted == self._paused or self._ended or self._heard_fin or self.transport is None:
            return
        self._paused = wanted
        transport: Any = self.transport
        if wanted:
            transport.pauseProducing()
        else:
            transport.resumeProducing()

    def pauseProducing(self) -> None:
        self.full = True
        self._heard.side_pressed(self)

    def resumeProducing(self) -> None:
        self.full = False
        self._heard.side_pressed(self)

    def stopProducing(self) -> None:
        """The transport says that it will close; it says more when it has."""

    # Speaking.

    def write(self, data: bytes) -> None:
        """Say something, unless it is too late."""
        if not self._ended and self.transport is not None:
            self.transport.write(data)

    def finish(self) -> None:
        """Say no more, but listen; over TLS that is the end."""
        transport: Any = self.transport
        if self._ended or transport is None:
            return
        if self.tls or self._heard_fin:
            self.close()
        elif not self._finished:
            self._finished = True
            self.full = False
            transport.unregisterProducer()
            transport.loseWriteConnection()

    def close(self) -> None:
        """End in order, after what was written."""
        transport: Any = self.transport
        if self._ended or transport is None:
            return
        self._held = self.full = False
        self._settle()
        self._ended = True
        transport.unregisterProducer()
        transport.loseConnection()

    def reset(self) -> None:
        """End now, with RST."""
        transport: Any = self.transport
        if self.gone or transport is None:
            return
        self._ended = True
        transport.abortConnection()


class Gate(Protocol):
    """In front of a side that will speak TLS: keeps the first bytes until the handshake may begin."""

    def __init__(self, side: Side, reactor: Any, opened: Callable[[Gate], None]) -> None:
        self.side = side
        self._reactor = reactor
        self._opened = opened
        self._kept = b""
        self._tls: Any = None

    def connectionMade(self) -> None:
        self._opened(self)

    def dataReceived(self, data: bytes) -> None:
        if self._tls is None:
            self._kept += data
        else:
            self._tls.dataReceived(data)

    def begin(self, context: Any) -> None:
        """Let the handshake begin, with this server context."""
        factory = TLSMemoryBIOFactory(context, False, _Once(self.side), clock=self._reactor)
        transport: Any = self.transport
        self._tls = factory.buildProtocol(transport.getPeer())
        self._tls.makeConnection(transport)
        kept, self._kept = self._kept, b""
        if kept:
            self._tls.dataReceived(kept)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        (self.side if self._tls is None else self._tls).connectionLost(reason)

    def reset(self) -> None:
        """End now, whether the handshake has begun or not."""
        transport: Any = self.transport
        if self._tls is None and transport is not None:
            transport.abortConnection()
        else:
            self.side.reset()


class _Once(Factory):
    """Gives out the one protocol that there is."""

    noisy = False

    def __init__(self, protocol: Protocol) -> None:
        self._protocol = protocol

    def buildProtocol(self, addr: object) -> Protocol:
        return self._protocol
