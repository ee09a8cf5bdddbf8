"""Who listens where in the virtual network, and how a connection comes about, or does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import (
    CannotListenError,
    ConnectionRefusedError,
    DNSLookupError,
    TimeoutError,
    UserError,
)
from twisted.internet.interfaces import IConnector, IListeningPort
from twisted.python.failure import Failure
from zope.interface import implementer

from mapiproxy.lab.virtual.transport import VirtualTransport

if TYPE_CHECKING:
    from mapiproxy.lab.virtual.reactor import VirtualReactor

ANYWHERE = ("", "0.0.0.0")


@implementer(IListeningPort)
class VirtualPort:
    """A port that is listened on."""

    def __init__(self, reactor: VirtualReactor, interface: str, port: int, factory: Any) -> None:
        self.factory = factory
        self._reactor = reactor
        self._key = interface, port

    def startListening(self) -> None:
        interface, port = self._key
        taken = [key for key in self._reactor.ports if key[1] == port]
        if any(key[0] == interface or key[0] in ANYWHERE or interface in ANYWHERE for key in taken):
            raise CannotListenError(interface, port, "address already in use")
        self.factory.doStart()
        self._reactor.ports[self._key] = self

    def stopListening(self) -> Deferred[None]:
        if self._reactor.ports.get(self._key) is self:
            del self._reactor.ports[self._key]
            self.factory.doStop()
        return succeed(None)

    def loseConnection(self, connDone: Any = None) -> Deferred[None]:
        return self.stopListening()

    def getHost(self) -> IPv4Address:
        return IPv4Address("TCP", self._key[0] or "0.0.0.0", self._key[1])


@implementer(IConnector)
class VirtualConnector:
    """One attempt to connect, and the connection that comes of it."""

    def __init__(
        self,
        reactor: VirtualReactor,
        host: str,
        port: int,
        factory: Any,
        timeout: float,
        bind: tuple[str, int] | None,
    ) -> None:
        self.state = "disconnected"
        self.factory = factory
        self._reactor = reactor
        self._timeout = timeout
        self._to = host, port
        self._from = bind or ("127.0.0.1", 0)
        self._factory_started = False
        self._call: Any = None
        self._transport: VirtualTransport | None = None

    def connect(self) -> None:
        assert self.state == "disconnected", "already connecting"
        reactor, (name, port) = self._reactor, self._to
        self.state = "connecting"
        if not self._factory_started:
            self._factory_started = True
            self.factory.doStart()
        self.factory.startedConnecting(self)
        host = reactor.names.get(name, name)
        if host in reactor.unreachable:
            self._call = reactor.callLater(self._timeout, self._failed, TimeoutError())
        elif not host.replace(".", "").isdigit():
            self._call = reactor.callLater(0, self._failed, DNSLookupError(f"no address for {name}"))
        else:
            self._call = reactor.callLater(reactor.latency, self._arrive, host, port)

    def _arrive(self, host: str, port: int) -> None:
        """The first packet is there."""
        reactor = self._reactor
        listening = reactor.find_port(host, port)
        latency = reactor.latency
        if listening is None:
            self._call = reactor.callLater(latency, self._failed, ConnectionRefusedError())
            return
        here = IPv4Address("TCP", self._from[0] or "127.0.0.1", self._from[1] or reactor.free_port())
        there = IPv4Address("TCP", host, port)
        client = VirtualTransport(reactor, here, there, latency)
        server = VirtualTransport(reactor, there, here, latency)
        client.peer, server.peer = server, client
        client.when_lost = self._lost
        self._transport = client
        self._call = reactor.callLater(latency, self._connected, client)
        protocol = listening.factory.buildProtocol(here)
        if protocol is None:
            server.abortConnection()
        else:
            server.begin(protocol)

    def _connected(self, transport: VirtualTransport) -> None:
        if not transport.connected:  # a reset came with the answer
            self._failed(ConnectionRefusedError())
            return
        self.state = "connected"
        protocol = self.factory.buildProtocol(transport.getPeer())
        if protocol is None:
            transport.abortConnection()
            self.state = "disconnected"
        else:
            transport.begin(protocol)

    def _lost(self, reason: Failure) -> None:
        if self.state == "connected":
            self.state = "disconnected"
            self._transport = None
            self.factory.clientConnectionLost(self, reason)
            self._stop_factory()

    def _failed(self, why: Exception) -> None:
        self.state = "disconnected"
        self.factory.clientConnectionFailed(self, Failure(why))
        self._stop_factory()

    def _stop_factory(self) -> None:
        if self.state == "disconnected" and self._factory_started:  # connect() has not been called again
            self._factory_started = False
            self.factory.doStop()

    def disconnect(self) -> None:
        if self.state == "connecting":
            self.stopConnecting()
        elif self._transport is not None:
            self._transport.loseConnection()

    def stopConnecting(self) -> None:
        if self.state == "connecting" and self._call.active():
            self._call.cancel()
            if self._transport is not None:
                self._transport.abortConnection()
            self._failed(UserError())

    def getDestination(self) -> IPv4Address:
        return IPv4Address("TCP", *self._to)
