"""The way to a server, and each place where it can end."""

from __future__ import annotations

import socket
from datetime import datetime, timedelta
from typing import Any

from OpenSSL import SSL
from support.selftesting import HERE, NAME, ProbeCase
from twisted.internet import reactor
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.internet.protocol import Factory, Protocol
from zope.interface import implementer

from mapiproxy.lab.dialing import Address
from mapiproxy.lab.errors import DialFailed
from mapiproxy.lab.line import ClientLine
from mapiproxy.net.tls import NoCommonProtocol
from mapiproxy.net.trust import Trust
from mapiproxy.selftest.probe import run
from mapiproxy.selftest.reaching import Route, resolve
from mapiproxy.selftest.target import Probe, Target
from mapiproxy.selftest.trail import Grade


@implementer(IOpenSSLServerConnectionCreator)
class _Http2Only:
    """A TLS server that insists on h2."""

    def __init__(self, certificate: Any) -> None:
        self._certificate = certificate

    def serverConnectionForTLS(self, protocol: Any) -> SSL.Connection:
        def choose(connection: SSL.Connection, offered: list[bytes]) -> bytes:
            raise NoCommonProtocol(f"offered {offered}, wanted h2")

        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.use_certificate_chain_file(str(self._certificate.certificate))
        context.use_privatekey_file(str(self._certificate.key))
        context.set_alpn_select_callback(choose)
        return SSL.Connection(context, None)


class _Plain(Protocol):
    """Answers a TLS greeting as HTTP servers do."""

    def dataReceived(self, data: bytes) -> None:
        self.transport.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


class ReachingTest(ProbeCase):
    async def ends(self, port: int, stage: str, text: str, grade: Grade = Grade.CRITICAL, **more: Any) -> None:
        outcome = await self.probe(port, Probe.SELF_TEST, **more)
        self.assertEqual(self.names(outcome)[-1], stage, outcome.error)
        self.assertIn(f"{stage}: {text}", outcome.error)
        self.assertEqual(outcome.grade, grade)

    def closed_port(self) -> int:
        with socket.socket() as probe:
            probe.bind((HERE, 0))
            return int(probe.getsockname()[1])

    async def test_a_closed_port(self) -> None:
        port = self.closed_port()
        await self.ends(port, "TCP", f"{HERE}:{port} refuses connections: nothing listens there")

    async def test_a_black_hole(self) -> None:
        """A queue of connections that is full: the kernel drops what comes, as a firewall does."""
        full = socket.socket()
        full.bind((HERE, 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(full.getsockname())
        self.addCleanup(lambda: [each.close() for each in (full, *waiting)])
        port = full.getsockname()[1]
        await self.ends(port, "TCP", f"{HERE}:{port} does not answer within 0.3 s: a firewall", timeout=0.3)

    async def test_a_port_without_tls_that_waits_for_more(self) -> None:
        text = "did not come within 0.3 s: what listens there does not speak TLS, or something"
        await self.ends(self.lab(tls=False).port, "TLS", f"the server's part of the TLS handshake {text}", timeout=0.3)

    async def test_somebody_who_accepts_and_never_speaks(self) -> None:
        listening = reactor.listenTCP(0, Factory.forProtocol(Protocol), interface=HERE)
        self.addCleanup(listening.stopListening)
        text = "the server's part of the TLS handshake did not come within 0.3 s"
        await self.ends(listening.getHost().port, "TLS", text, timeout=0.3)

    async def test_a_certificate_for_another_name(self) -> None:
        lab = self.lab(issued=self.authority.issue_wrong_name())
        await self.ends(lab.port, "TLS", f"the certificate is for somebody-else.lab.test, not {NAME}")

    async def test_an_expired_certificate(self) -> None:
        lab = self.lab(issued=self.authority.issue_expired(NAME))
        await self.ends(lab.port, "TLS", f"the certificate of {NAME}: {NAME} expired 2020-01-01")

    async def test_an_authority_that_nobody_knows(self) -> None:
        lab = self.lab(issued=self.authority.stranger().issue(NAME))
        await self.ends(lab.port, "TLS", f"the certificate of {NAME}: unknown CA")
        outcome = await self.probe(lab.port, Probe.SELF_TEST)
        self.assertIn("--ca-file names another CA to trust", outcome.error)

    async def test_a_port_without_tls(self) -> None:
        listening = reactor.listenTCP(0, Factory.forProtocol(_Plain), interface=HERE)
        self.addCleanup(listening.stopListening)
        await self.ends(listening.getHost().port, "TLS", "what listens there does not speak TLS (")

    async def test_a_server_of_http_2_only(self) -> None:
        listening = reactor.listenSSL(0, Factory.forProtocol(Protocol), _Http2Only(self.issued), interface=HERE)
        self.addCleanup(listening.stopListening)
        await self.ends(listening.getHost().port, "TLS", "the server wants HTTP/2 only")

    async def test_a_certificate_that_ends_soon_is_a_warning(self) -> None:
        issued = self.authority.issue(NAME, stem="soon", not_after=datetime.now() + timedelta(days=10, hours=1))
        outcome = await self.probe(self.lab(issued=issued).port, Probe.SELF_TEST)
        self.assertEqual((outcome.grade, outcome.result), (Grade.WARNING, "Succeeded"))
        self.assertRegex(outcome.error, r"TLS: the certificate expires in (9|10) days, on ")

    async def test_insecure_goes_on_and_says_what_is_wrong(self) -> None:
        wrong = self.authority.stranger().issue("somebody-else.lab.test", stem="w")
        outcome = await self.probe(self.lab(issued=wrong).port, Probe.SELF_TEST, insecure=True)
        self.assertEqual(outcome.grade, Grade.WARNING)
        self.assertIn(f"the certificate is for somebody-else.lab.test, not for {NAME}", outcome.error)
        self.assertIn("NOT VERIFIED (--insecure)", outcome.stages[2].text)
        outcome = await self.probe(
            self.lab(issued=self.authority.issue_expired(NAME)).port, Probe.SELF_TEST, insecure=True
        )
        self.assertIn("the certificate expired on 2020-01-01", outcome.error)

    async def test_a_ca_file_that_is_none_cannot_be_tried(self) -> None:
        bad = self.folder / "bad.pem"
        bad.write_text("nothing")
        await self.ends(self.lab().port, "TCP", f"{bad}", Grade.UNKNOWN, ca_file=bad)

    async def test_the_second_address_is_used_when_the_first_refuses_and_that_is_said(self) -> None:
        async def two(host: str, port: int) -> list[str]:
            return ["127.0.0.2", HERE]

        lab = self.lab()
        plan = self.plan(lab.port, Probe.DEEP_TEST, target=Target(NAME, lab.port, True))
        outcome = await run(plan, reactor, resolve=two)
        self.assertEqual(outcome.grade, Grade.WARNING)
        self.assertIn(f"TCP: 127.0.0.2:{lab.port} refuses connections", outcome.error)
        self.assertIn("clients that try it first are slow", outcome.error)

    async def test_a_name_without_an_address_cannot_be_tried(self) -> None:
        async def none(host: str, port: int) -> list[str]:
            return []

        outcome = await run(self.plan(1, Probe.SELF_TEST, target=Target(NAME, 1, True)), reactor, resolve=none)
        self.assertEqual((outcome.grade, outcome.error), (Grade.UNKNOWN, f"DNS: {NAME} has no address"))

    async def test_this_machine_knows_itself(self) -> None:
        self.assertIn(HERE, await resolve("localhost", 443))

    async def test_later_connections_go_the_same_way_and_fail_in_the_same_words(self) -> None:
        lab = self.lab()
        route = Route(reactor, Target(NAME, lab.port, True, (HERE, lab.port)), Trust(self.ca), 5.0)
        route.address = HERE
        line = await route.open()
        self.assertIsNotNone(line.certificate)
        await line.close()

        untrusting = Route(reactor, Target("other.test", lab.port, True, (HERE, lab.port)), Trust(self.ca), 5.0)
        untrusting.address = HERE
        with self.assertRaisesRegex(DialFailed, "TLS: the certificate is for .*, not other.test"):
            await untrusting.open()
        gone = Route(reactor, Target(NAME, 1, False, (HERE, 1)), Trust(self.ca), 5.0)
        gone.address = HERE
        with self.assertRaisesRegex(DialFailed, "refuses connections"):
            await gone.dial(reactor, Address(HERE, 1), ClientLine(1, reactor, 5.0))
