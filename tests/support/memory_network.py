"""A reactor in memory with virtual time: what the devices of the lab's network ask of one, with TCP's manners.

FIN, half-close, RST, back-pressure and source addresses; bytes arrive when the clock is advanced, by 0 too.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost, ConnectionRefusedError
from twisted.internet.interfaces import IHalfCloseableProtocol, ITransport
from twisted.internet.protocol import ClientFactory, Protocol
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface import implementer

#: Bytes in flight that make a writer wait.
WINDOW = 64 * 1024
FIN, RST = object(), object()


@implementer(ITransport)
class End:
    """A transport."""

    def __init__(self, reactor: MemoryReactor, host: IPv4Address, peer: IPv4Address) -> None:
        self.reactor = reactor
        self.addresses = (host, peer)
        self.protocol: Protocol | None = None
        self.other: End
        self.inbox: deque[Any] = deque()
        self.paused = self.gone = self.finished = False
        self.producer: Any = None
        self.pressed = False

    def getHost(self) -> IPv4Address:
        return self.addresses[0]

    def getPeer(self) -> IPv4Address:
        return self.addresses[1]

    def write(self, data: bytes) -> None:
        if data and not self.gone and not self.finished:
            self._send(bytes(data))
            if self.flying > WINDOW and self.producer is not None and not self.pressed:
                self.pressed = True
                self.producer.pauseProducing()

    def writeSequence(self, parts: list[bytes]) -> None:
        self.write(b"".join(parts))

    @property
    def flying(self) -> int:
        return sum(len(item) for item in self.other.inbox if isinstance(item, bytes))

    def _send(self, item: object) -> None:
        self.other.inbox.append(item)
        self.reactor.callLater(0, self.other.deliver)

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        assert self.producer is None, "a producer is registered already"
        self.producer = producer

    def unregisterProducer(self) -> None:
        self.producer = None

    def loseWriteConnection(self) -> None:
        if not self.finished and not self.gone:
            self.finished = True
            self._send(FIN)

    def loseConnection(self) -> None:
        if not self.gone:
            if not self.finished:
                self.finished = True
                self._send(FIN)
            self._lost(ConnectionDone())

    def abortConnection(self) -> None:
        if not self.gone:
            self._send(RST)
            self._lost(ConnectionAborted())

    def pauseProducing(self) -> None:
        self.paused = True

    def resumeProducing(self) -> None:
        self.paused = False
        self.reactor.callLater(0, self.deliver)

    def stopProducing(self) -> None:
        self.loseConnection()

    def _lost(self, error: Exception) -> None:
        self.gone = True
        self.reactor.callLater(0, self.protocol.connectionLost, Failure(error))

    def deliver(self) -> None:
        while self.inbox and (not self.paused or self.inbox[0] is RST):
            item = self.inbox.popleft()
            if self.gone:
                # Nobody is there: TCP answers data with a reset.
                if isinstance(item, bytes) and not self.other.gone:
                    self._send(RST)
            elif item is RST:
                self.inbox.clear()
                self._lost(ConnectionLost())
            elif item is FIN:
                # As in Twisted, both halves may be closed and the connection is not over.
                if IHalfCloseableProtocol.providedBy(self.protocol):
                    self.protocol.readConnectionLost()
                else:
                    self.loseConnection()
            else:
                self.protocol.dataReceived(item)
                other = self.other
                if other.pressed and other.flying <= WINDOW // 2 and other.producer is not None:
                    other.pressed = False
                    other.producer.resumeProducing()


class Listening:
    def __init__(self, reactor: MemoryReactor, port: int, factory: Any) -> None:
        self.reactor, self.port, self.factory = reactor, port, factory

    def getHost(self) -> IPv4Address:
        return IPv4Address("TCP", "127.0.0.1", self.port)

    def stopListening(self) -> Deferred[None]:
        del self.reactor.listening[self.port]
        return succeed(None)


class Connector:
    def __init__(self, factory: Any) -> None:
        self.factory, self.stopped = factory, False

    def disconnect(self) -> None:
        self.stopped = True


class MemoryReactor(Clock):
    """``listenTCP``, ``connectTCP``, ``callLater``, ``seconds``."""

    def __init__(self) -> None:
        super().__init__()
        self.listening: dict[int, Listening] = {}
        self.ends: list[End] = []
        self._port = 10000

    def listenTCP(self, port: int, factory: Any, backlog: int = 50, interface: str = "") -> Listening:
        self._port += 1
        there = Listening(self, port or self._port, factory)
        self.listening[there.port] = there
        return there

    def connectTCP(
        self, host: str, port: int, factory: ClientFactory, timeout: float = 30, bindAddress: Any = None
    ) -> Connector:
        connector = Connector(factory)
        self._port += 1
        source = IPv4Address("TCP", bindAddress[0] if bindAddress else "127.0.0.1", self._port)
        self.callLater(0, self._connect, IPv4Address("TCP", host, port), source, factory, connector)
        return connector

    def _connect(self, target: IPv4Address, source: IPv4Address, factory: Any, connector: Connector) -> None:
        there = self.listening.get(target.port)
        if there is None or connector.stopped:
            factory.clientConnectionFailed(connector, Failure(ConnectionRefusedError()))
            return
        here, away = End(self, source, target), End(self, target, source)
        here.other, away.other = away, here
        self.ends += [here, away]
        away.protocol = there.factory.buildProtocol(source)
        here.protocol = factory.buildProtocol(target)
        away.protocol.makeConnection(away)
        here.protocol.makeConnection(here)

    def settle(self, steps: int = 60) -> None:
        """Let everything happen that needs no time."""
        for _ in range(steps):
            self.advance(0)

    def wait(self, seconds: float, step: float = 0.05) -> None:
        """Let time pass."""
        end = self.seconds() + seconds
        while self.seconds() < end - 1e-9:
            self.advance(min(step, end - self.seconds()))
            self.settle(12)
