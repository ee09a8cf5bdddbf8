"""A network in memory with a clock of its own: lab servers listen in it, Outlooks connect, nothing is real.

Time goes from one timer to the next. A connection can be made to swallow everything (a firewall that has
forgotten it), addresses can refuse, and what passes is in order and whole.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone, ConnectionLost, ConnectionRefusedError, UserError
from twisted.internet.interfaces import IReactorTCP, ITransport
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface import implementer

#: One way, in seconds.
LATENCY = 0.001
#: For each piece of what is sent piece by piece.
SLOWLY = 0.05


@implementer(ITransport)
class Pipe:
    """One end of a connection."""

    def __init__(self, net: MemoryNet, here: IPv4Address, there: IPv4Address) -> None:
        self.net, self.here, self.there = net, here, there
        self.other: Pipe
        self.protocol: Any = None
        self.producer: Any = None
        self.lost: Callable[[Failure], None] | None = None
        self.swallows = False
        self.closed = False
        self._paused = False
        self._inbox: list[bytes | Failure] = []
        self._pending = 0

    # What protocols call.

    def write(self, data: bytes) -> None:
        if not self.closed:
            self._send(bytes(data))
            if self.producer is not None:
                # A network that takes one piece at a time.
                self.producer.pauseProducing()
                self.net.callLater(SLOWLY, self._more)

    def _more(self) -> None:
        if self.producer is not None and not self.closed:
            self.producer.resumeProducing()

    def writeSequence(self, pieces: list[bytes]) -> None:
        self.write(b"".join(pieces))

    def loseConnection(self) -> None:
        self._close(ConnectionDone(), ConnectionDone())

    def abortConnection(self) -> None:
        self._close(ConnectionLost(), ConnectionLost())

    def pauseProducing(self) -> None:
        self._paused = True

    def resumeProducing(self) -> None:
        self._paused = False
        self.net.callLater(0, self._read)

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        self.producer = producer

    def unregisterProducer(self) -> None:
        self.producer = None

    def setTcpNoDelay(self, on: bool) -> None: ...

    def getPeer(self) -> IPv4Address:
        return self.there

    def getHost(self) -> IPv4Address:
        return self.here

    # Inside.

    def _close(self, mine: Exception, theirs: Exception) -> None:
        if self.closed:
            return
        self._send(Failure(theirs))
        self.closed = True
        self.net.callLater(0, self._end, Failure(mine))

    def _send(self, what: bytes | Failure) -> None:
        if not self.swallows:
            self.net.callLater(LATENCY, self.other.arrive, what)

    def arrive(self, what: bytes | Failure) -> None:
        if not (self.closed or self.swallows):
            self._inbox.append(what)
            self._read()

    def _read(self) -> None:
        while self._inbox and not self._paused and not self.closed:
            what = self._inbox.pop(0)
            if isinstance(what, bytes):
                self.protocol.dataReceived(what)
            else:
                self.closed = True
                self._end(what)

    def _end(self, reason: Failure) -> None:
        protocol, self.protocol = self.protocol, None
        self.net.pipes.discard(self)
        if protocol is not None:
            protocol.connectionLost(reason)
            if self.lost is not None:
                self.lost(reason)


class _Listening:
    def __init__(self, net: MemoryNet, port: int) -> None:
        self._net, self._port = net, port

    def getHost(self) -> IPv4Address:
        return IPv4Address("TCP", "127.0.0.1", self._port)

    def stopListening(self) -> None:
        self._net.factories.pop(self._port, None)


class _Connector:
    def __init__(self) -> None:
        self.stopped = False
        self.give_up: Callable[[], None] = lambda: None

    def stopConnecting(self) -> None:
        if not self.stopped:
            self.stopped = True
            self.give_up()

    disconnect = stopConnecting


@implementer(IReactorTCP)
class MemoryNet(Clock):
    """Clock and network.

    :ivar factories: listeners by port; a port that is not here refuses.
    :ivar dials: (source address, port) of each attempt to connect.
    :ivar deaf: attempts to connect are neither answered nor refused.
    """

    def __init__(self, began: float = 1_000_000.0) -> None:
        super().__init__()
        self.rightNow = began
        self.factories: dict[int, Any] = {}
        self.pipes: set[Pipe] = set()
        self.dials: list[tuple[str, int]] = []
        self.deaf = False
        self._next_port = 50000

    def run(self, seconds: float) -> None:
        """Let so much time pass, timer by timer."""
        until = self.rightNow + seconds
        while self.calls and self.calls[0].getTime() <= until:
            self.advance(max(self.calls[0].getTime() - self.rightNow, 0.0))
        self.rightNow = until

    def run_until(self, done: Callable[[], Any], most: float = 60.0) -> float:
        """Let time pass until that is so; returns how much has."""
        began = self.rightNow
        while not done():
            assert self.calls, "nothing is going to happen any more"
            assert self.calls[0].getTime() - began <= most, f"it was not so within {most:g} s"
            self.advance(max(self.calls[0].getTime() - self.rightNow, 0.0))
        return self.rightNow - began

    def swallow(self) -> None:
        """Every connection there is: nothing passes any more, nobody is told."""
        for pipe in self.pipes:
            pipe.swallows = True

    def listenTCP(self, port: int, factory: Any, backlog: int = 50, interface: str = "") -> _Listening:
        self._next_port += 1
        port = port or self._next_port
        self.factories[port] = factory
        return _Listening(self, port)

    def connectTCP(
        self, host: str, port: int, factory: Any, timeout: float = 30, bindAddress: Any = None
    ) -> _Connector:
        source = bindAddress[0] if bindAddress else "127.0.0.1"
        self.dials.append((source, port))
        connector = _Connector()
        factory.doStart()
        call = self.callLater(timeout if self.deaf else LATENCY, self._connect, source, host, port, factory, connector)

        def give_up() -> None:
            if call.active():
                call.cancel()
                factory.clientConnectionFailed(connector, Failure(UserError()))

        connector.give_up = give_up
        return connector

    def _connect(self, source: str, host: str, port: int, factory: Any, connector: _Connector) -> None:
        listening = self.factories.get(port)
        if listening is None or self.deaf:
            factory.clientConnectionFailed(connector, Failure(ConnectionRefusedError()))
            return
        self._next_port += 1
        here = IPv4Address("TCP", source, self._next_port)
        there = IPv4Address("TCP", host, port)
        near, far = Pipe(self, here, there), Pipe(self, there, here)
        near.other, far.other = far, near
        near.lost = lambda reason: factory.clientConnectionLost(connector, reason)
        self.pipes |= {near, far}
        far.protocol = listening.buildProtocol(here)
        near.protocol = factory.buildProtocol(there)
        far.protocol.makeConnection(far)
        near.protocol.makeConnection(near)
