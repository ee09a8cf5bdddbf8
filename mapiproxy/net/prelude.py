"""Reads and writes the PROXY header that stands before everything else on a connection, TLS included.

Inbound it is read by a protocol of its own, which then puts the real one in its place: nothing stays in
the way of the data, as a wrapper (Twisted's among them) would, and a peer has only so long to say it.
Only trusted peers may speak to such a listener at all, for anybody could name any address.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IProtocolFactory, IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from mapiproxy.policy.firewall import Network
from mapiproxy.policy.origin import is_trusted
from mapiproxy.wire.errors import WireError
from mapiproxy.wire.prelude import HeaderReader, encode_v1, encode_v2

#: Seconds in which a header has to come.
PATIENCE = 10.0


class _Prelude(Protocol):
    """The first bytes of a connection."""

    def __init__(self, factory: Preludes) -> None:
        self.factory: Preludes = factory
        self._reader = HeaderReader()
        self._timer: IDelayedCall | None = None

    def connectionMade(self) -> None:
        assert self.transport is not None
        peer = self.transport.getPeer()
        if not is_trusted(getattr(peer, "host", ""), self.factory.trusted()):
            self._refuse("is not a trusted peer, and this listener takes PROXY headers")
            return
        self._timer = self.factory.reactor.callLater(PATIENCE, self._refuse, "sent no PROXY header in time")

    def dataReceived(self, data: bytes) -> None:
        try:
            source = self._reader.feed(data)
        except WireError as error:
            self._refuse(error.text)
            return
        if source is None:
            return
        self._rest()
        transport: Any = self.transport
        if source.ip is not None:
            kind = IPv6Address if ":" in source.ip else IPv4Address
            address = kind("TCP", source.ip, source.port)
            transport.getPeer = lambda: address
        following = self.factory.wrapped.buildProtocol(transport.getPeer())
        if following is None:
            transport.abortConnection()
            return
        transport.protocol = following
        following.makeConnection(transport)
        if self._reader.rest:
            following.dataReceived(self._reader.rest)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._rest()

    def _refuse(self, why: str) -> None:
        self._rest()
        transport: Any = self.transport
        self.factory.log.warn("client {ip}: {why}", ip=getattr(transport.getPeer(), "host", "?"), why=why)
        transport.abortConnection()

    def _rest(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None


class Preludes(Factory):
    """Stands before a listener's factory.

    :param trusted: gives the networks that peers may be in; asked anew for each connection.
    """

    noisy = False

    def __init__(
        self, wrapped: Any, trusted: Callable[[], Sequence[Network]], reactor: Any, log: Logger
    ) -> None:
        self.wrapped = wrapped
        self.trusted = trusted
        self.reactor = reactor
        self.log = log

    def doStart(self) -> None:
        self.wrapped.doStart()

    def doStop(self) -> None:
        self.wrapped.doStop()

    def buildProtocol(self, addr: Any) -> Protocol:
        return _Prelude(self)


@implementer(IStreamClientEndpoint)
class _Announcing:
    """An endpoint whose connections begin with *header*."""

    def __init__(self, endpoint: IStreamClientEndpoint, header: Callable[[Any], bytes]) -> None:
        self._endpoint = endpoint
        self._header = header

    def connect(self, factory: IProtocolFactory) -> Deferred[Any]:
        return self._endpoint.connect(_Opening(factory, self._header))


class _Opening(Factory):
    """Writes the header before the protocol, TLS's too, knows of the connection."""

    noisy = False

    def __init__(self, wrapped: IProtocolFactory, header: Callable[[Any], bytes]) -> None:
        self._wrapped = wrapped
        self._header = header

    def buildProtocol(self, addr: Any) -> Any:
        protocol: Any = self._wrapped.buildProtocol(addr)
        if protocol is None:
            return None
        made, header = protocol.makeConnection, self._header

        def make(transport: Any) -> None:
            transport.write(header(transport))
            made(transport)

        protocol.makeConnection = make
        return protocol


@implementer(IStreamClientEndpoint)
class AnnouncedEndpoint:
    """A backend that wants to be told, by a PROXY header, where each connection comes from.

    :param version: ``v1`` or ``v2``.
    :param secure: puts TLS behind the header; ``None``: there is none.
    """

    def __init__(
        self,
        endpoint: IStreamClientEndpoint,
        version: str,
        secure: Callable[[IStreamClientEndpoint], IStreamClientEndpoint] | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._encode = encode_v1 if version == "v1" else encode_v2
        self._secure = secure

    def connect(self, factory: IProtocolFactory) -> Deferred[Any]:
        """A connection of our own, as probes make: it comes from here."""

        def header(transport: Any) -> bytes:
            here, there = transport.getHost(), transport.getPeer()
            return self._encode(here.host, here.port, there.host, there.port)

        return self._made(header).connect(factory)

    def announce(self, ip: str, port: int, to_ip: str, to_port: int) -> IStreamClientEndpoint:
        """The endpoint for one client's connection."""
        line = self._encode(ip, port, to_ip, to_port)
        return self._made(lambda _: line)

    def _made(self, header: Callable[[Any], bytes]) -> IStreamClientEndpoint:
        endpoint: IStreamClientEndpoint = _Announcing(self._endpoint, header)
        return endpoint if self._secure is None else self._secure(endpoint)
