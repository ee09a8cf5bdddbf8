"""A lab server on a loopback port: listens, counts connections, stops cleanly.

``python -m mapiproxy.lab.server --help`` runs one as a process of its own (see serve.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred, DeferredList, maybeDeferred
from twisted.internet.interfaces import IAddress, IListeningPort
from twisted.internet.protocol import Factory

from mapiproxy.lab.backend import LabBackend
from mapiproxy.lab.connection import LabConnection
from mapiproxy.lab.delivery import Delivery
from mapiproxy.lab.dialect import LabOptions
from mapiproxy.lab.faults import Fault
from mapiproxy.lab.inorder import InOrder
from mapiproxy.lab.postman import Postman
from mapiproxy.lab.requests import LabRequest
from mapiproxy.lab.rpcproxy import RpcProxy
from mapiproxy.lab.users import Authenticator, Users

if TYPE_CHECKING:
    from twisted.internet.interfaces import IOpenSSLContextFactory

LOOPBACK = "127.0.0.1"


class LabServer:
    """One server of a kind, with its own sessions.

    :param tls: a context factory (see :func:`mapiproxy.lab.tls.server_context`); ``None`` for
        plain.
    :param authenticator: who may log on, and how; ``None``: with Basic.
    :ivar on_request: asked once for each request, when its head is there; may return a fault.
    :ivar rpc: the channels of Outlook Anywhere.
    :ivar postman: brings mail to the mailboxes, at given times.
    :ivar made: how many connections have been accepted so far.
    """

    def __init__(
        self,
        kind: str,
        name: str,
        users: Users,
        options: LabOptions | None,
        reactor: Any,
        *,
        tls: IOpenSSLContextFactory | None = None,
        on_request: Callable[[LabRequest], Fault | None] | None = None,
        authenticator: Authenticator | None = None,
    ) -> None:
        self.backend = LabBackend(kind, name, users, options, authenticator=authenticator)
        self.clock = reactor
        self.rpc = RpcProxy(self.backend, reactor)
        self.postman = Postman(self)
        self.on_request = on_request
        self.made = 0
        self.connections: InOrder[LabConnection] = InOrder()
        self.deliveries: InOrder[Delivery] = InOrder()
        self._tls = tls
        self._listening: IListeningPort | None = None
        self._port = 0
        self._farewells: list[Deferred[None]] = []

    @property
    def name(self) -> str:
        return self.backend.name

    @property
    def options(self) -> LabOptions:
        return self.backend.options

    @property
    def port(self) -> int:
        """The port it listens on."""
        assert self._port, "start() comes first"
        return self._port

    @property
    def url(self) -> str:
        return f"{'http' if self._tls is None else 'https'}://{LOOPBACK}:{self.port}"

    def start(self, port: int = 0) -> int:
        """Listen on loopback; returns the port."""
        factory = _Factory(self)
        if self._tls is None:
            self._listening = self.clock.listenTCP(port, factory, interface=LOOPBACK)
        else:
            self._listening = self.clock.listenSSL(port, factory, self._tls, interface=LOOPBACK)
        self._port = int(self._listening.getHost().port)  # type: ignore[union-attr]
        return self._port

    def stop(self) -> Deferred[None]:
        """Stop listening and drop every connection; fires when all of them are gone."""
        waiting: list[Deferred[Any]] = []
        self.postman.stop()
        if self._listening is not None:
            waiting.append(maybeDeferred(self._listening.stopListening))
        for delivery in list(self.deliveries):
            delivery.cancel()
        for connection in list(self.connections):
            farewell: Deferred[None] = Deferred()
            self._farewells.append(farewell)
            waiting.append(farewell)
            connection.drop()
        return DeferredList(waiting, consumeErrors=True).addCallback(lambda _: None)

    def opened(self, connection: LabConnection) -> None:
        """Called by each connection when it begins."""
        self.connections.add(connection)

    def closed(self, connection: LabConnection) -> None:
        """Called by each connection when it has ended."""
        self.connections.discard(connection)
        if self._farewells:
            self._farewells.pop().callback(None)


class _Factory(Factory):
    noisy = False

    def __init__(self, server: LabServer) -> None:
        self._server = server

    def buildProtocol(self, addr: IAddress | None) -> LabConnection:
        self._server.made += 1
        return LabConnection(self._server, self._server.made)


if __name__ == "__main__":
    from mapiproxy.lab.serve import main

    main()
