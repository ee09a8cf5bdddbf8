"""TLS of the lab's own ends: ALPN on a real handshake, and a CA file that is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from OpenSSL import SSL
from support.lab import USERS
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol, wrapClientTLS
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase
from zope.interface import implementer

from mapiproxy.lab.authority import Authority
from mapiproxy.lab.server import LabServer
from mapiproxy.lab.tls import client_options, server_context


@implementer(IOpenSSLClientConnectionCreator)
class Offering:
    """A client that offers these protocols and believes anybody."""

    def __init__(self, protocols: list[bytes]) -> None:
        self._context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        if protocols:
            self._context.set_alpn_protos(protocols)

    def clientConnectionForTLS(self, tlsProtocol: object) -> SSL.Connection:
        return SSL.Connection(self._context, None)


class Probe(Protocol):
    """Asks for something small, so that the handshake is over when the answer comes."""

    def __init__(self) -> None:
        self.negotiated: Deferred[bytes | None] = Deferred()
        self.gone: Deferred[None] = Deferred()

    def connectionMade(self) -> None:
        self.transport.write(b"GET /mapi/healthcheck.htm HTTP/1.1\r\nHost: x\r\n\r\n")

    def dataReceived(self, data: bytes) -> None:
        self.negotiated.callback(self.transport.negotiatedProtocol)
        self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if not self.negotiated.called:
            self.negotiated.errback(reason)
        self.gone.callback(None)


class AlpnTests(TestCase):
    timeout = 10

    async def test_whoever_offers_http_1_1_gets_it_and_whoever_offers_nothing_too(self) -> None:
        issued = Authority(Path(self.mktemp())).issue("mail.lab.test")
        tls = server_context(issued.certificate, issued.key)
        server = LabServer("exchange", "LAB1", USERS, None, reactor, tls=tls)
        server.start()
        self.addCleanup(server.stop)
        cases: list[tuple[list[bytes], Any]] = [
            ([b"http/1.1"], b"http/1.1"),
            ([b"h2", b"http/1.1"], b"http/1.1"),
            ([], None),
        ]
        for offered, expected in cases:
            endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", server.port)
            probe = await connectProtocol(wrapClientTLS(Offering(offered), endpoint), Probe())
            self.assertEqual(await probe.negotiated, expected)
            await probe.gone


def test_a_ca_file_that_is_none_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("nothing")
    with pytest.raises(ValueError, match="PEM"):
        client_options("mail.lab.test", file)
