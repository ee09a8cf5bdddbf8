"""Probes over real sockets: what passes, what fails, in which phase, and whose fault it may be."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from support.lab import USERS
from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.endpoints import TCP4ClientEndpoint, wrapClientTLS
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from mapiproxy.backends.health import Probed
from mapiproxy.backends.kind import Kind
from mapiproxy.backends.vdir import SHAPES
from mapiproxy.lab.authority import Authority
from mapiproxy.lab.server import LabServer
from mapiproxy.lab.tls import server_context
from mapiproxy.net.lag import Lag
from mapiproxy.net.probe import Probing, wanted_of
from mapiproxy.net.trust import BackendCreator, Trust

HERE = "127.0.0.1"


class _Says(Protocol):
    def connectionMade(self) -> None:
        self.factory.open.append(self)

    def dataReceived(self, data: bytes) -> None:
        if self.factory.answer:
            self.transport.write(self.factory.answer)
        if self.factory.closes:
            self.transport.loseConnection()


class _Silent:
    """An endpoint whose connection is never made."""

    def connect(self, factory: Any) -> Deferred:
        return Deferred()


class ProbeCase(TestCase):
    timeout = 20

    def server(self, kind: str, tls: Any = None) -> LabServer:
        server = LabServer(kind, "LAB", USERS, None, reactor, tls=tls)
        server.start()
        self.addCleanup(server.stop)
        return server

    def saying(self, answer: bytes, closes: bool = False) -> int:
        factory = Factory.forProtocol(_Says)
        factory.answer, factory.closes, factory.open = answer, closes, []
        port = reactor.listenTCP(0, factory, interface=HERE)
        self.addCleanup(port.stopListening)
        self.addCleanup(lambda: [each.transport.abortConnection() for each in factory.open])
        return port.getHost().port

    def probe(self, port: int, kind: Kind = Kind.EXCHANGE, trust: Trust | None = None, **given: Any) -> Deferred:
        endpoint: Any = TCP4ClientEndpoint(reactor, HERE, port)
        if trust is not None:
            endpoint = wrapClientTLS(BackendCreator("localhost", trust), endpoint)
        result: Deferred[Probed] = Deferred()
        given = {"timeout": 5.0, "lag": Lag(time.monotonic), **given}
        Probing(
            endpoint, tls=trust is not None, host="h", wanted=wanted_of(kind, SHAPES["mapi"]), reactor=reactor, done=result.callback, **given
        )
        return result

    @inlineCallbacks
    def test_a_lab_server_of_either_kind_is_well(self) -> Any:
        for kind in Kind:
            result = yield self.probe(self.server(kind).port, kind)
            self.assertTrue(result.ok, result)
            self.assertIsNone(result.tls)
            for seconds in (result.connect, result.http, result.body):
                self.assertGreaterEqual(seconds, 0.0)

    @inlineCallbacks
    def test_tls_is_timed_apart_and_its_certificate_verified(self) -> Any:
        folder = Path(self.mktemp())
        folder.mkdir(parents=True)
        authority = Authority(folder)
        issued = authority.issue("localhost")
        server = self.server("exchange", server_context(issued.certificate, issued.key))

        good = yield self.probe(server.port, trust=Trust(authority.ca_file, (), False))
        bad = yield self.probe(server.port, trust=Trust(None, (), False))

        self.assertTrue(good.ok, good)
        self.assertGreater(good.tls, 0.0)
        self.assertEqual((bad.ok, bad.stage, bad.http), (False, "tls", None))
        self.assertIsNotNone(bad.connect)

    @inlineCallbacks
    def test_where_nobody_listens_it_fails_at_once(self) -> Any:
        port = reactor.listenTCP(0, Factory(), interface=HERE)
        number = port.getHost().port
        yield port.stopListening()
        result = yield self.probe(number)

        self.assertEqual((result.ok, result.stage, result.text), (False, "connect", "connection refused"))

    @inlineCallbacks
    def test_another_status_another_body_and_no_answer_are_failures(self) -> Any:
        for answer, closes, stage, text in (
            (b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", False, "http", "status 503, not 200"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnope", False, "body", "does not begin with '200 OK'"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n200 OK", True, "body", "closed"),
            (b"", True, "http", "closed"),
            (b"SMTP, sorry\r\n\r\n", False, "http", ""),
        ):
            result = yield self.probe(self.saying(answer, closes))
            self.assertEqual((result.ok, result.stage), (False, stage), result)
            self.assertIn(text, result.text)

    @inlineCallbacks
    def test_a_chunked_body_is_read_as_what_it_says(self) -> Any:
        answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n200\r\n8\r\n OK<br/>\r\n0\r\n\r\n"
        result = yield self.probe(self.saying(answer))

        self.assertTrue(result.ok, result)

    def test_a_probe_that_takes_too_long_names_its_phase(self) -> None:
        clock = Clock()
        results: list[Probed] = []
        Probing(_Silent(), tls=False, host="h", wanted=wanted_of(Kind.EXCHANGE, SHAPES["mapi"]), timeout=5.0, reactor=clock,
                lag=Lag(clock.seconds, 100.0), done=results.append)  # type: ignore[arg-type]  # fmt: skip
        clock.advance(5.0)

        self.assertEqual((results[0].stage, results[0].text), ("connect", "took longer than 5 s"))
        self.assertFalse(results[0].suspect_us)

    def test_a_timeout_in_our_own_stall_is_held_against_us(self) -> None:
        clock = Clock()
        lag = Lag(clock.seconds)
        results: list[Probed] = []
        Probing(_Silent(), tls=False, host="h", wanted=wanted_of(Kind.EXCHANGE, SHAPES["mapi"]), timeout=5.0, reactor=clock,
                lag=lag, done=results.append)  # type: ignore[arg-type]  # fmt: skip
        clock.advance(3.0)
        lag.beat()
        clock.advance(2.0)

        self.assertTrue(results[0].suspect_us)
        self.assertIn("our own reactor was 2.0 s late: suspect us", results[0].text)

    @inlineCallbacks
    def test_a_real_timeout_under_a_real_reactor_is_the_backends_own(self) -> Any:
        """A reactor's clock is not the clock that lag is measured with."""
        result = yield self.probe(self.saying(b""), timeout=0.9)

        self.assertEqual((result.stage, result.text), ("http", "took longer than 0.9 s"))
        self.assertFalse(result.suspect_us)

    def test_a_cancelled_probe_tells_nothing(self) -> None:
        clock = Clock()
        results: list[Probed] = []
        probing = Probing(_Silent(), tls=False, host="h", wanted=wanted_of(Kind.EXCHANGE, SHAPES["mapi"]), timeout=5.0, reactor=clock,
                          lag=Lag(clock.seconds), done=results.append)  # type: ignore[arg-type]  # fmt: skip
        probing.cancel()
        clock.advance(9.0)

        self.assertEqual(results, [])
        self.assertEqual(clock.getDelayedCalls(), [])
