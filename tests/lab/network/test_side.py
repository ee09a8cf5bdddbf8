"""A device on real sockets: big answers through TLS, back-pressure, half-close, and a whole Outlook session."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

from support.lab import ALICE, USERS
from support.lab_sockets import Wire
from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol, wrapClientTLS
from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase
from zope.interface import implementer

from mapiproxy.lab.authority import Authority
from mapiproxy.lab.client import OutlookClient
from mapiproxy.lab.conversation import Conversation
from mapiproxy.lab.dialing import Address
from mapiproxy.lab.happening import Happening
from mapiproxy.lab.network.device import Device
from mapiproxy.lab.network.tls import Termination
from mapiproxy.lab.server import LabServer
from mapiproxy.lab.tls import client_options, server_context

BLOCK = bytes(range(256)) * 1024


class Talker(Protocol):
    """Says a lot when it is asked, and closes."""

    times = 16

    def dataReceived(self, data: bytes) -> None:
        for _ in range(self.times):
            self.transport.write(BLOCK)
        self.transport.loseConnection()


@implementer(IHalfCloseableProtocol)
class HalfWire(Wire):
    """Answers only when the client has finished."""

    def readConnectionLost(self) -> None:
        self.transport.write(b"answer to " + self.data)
        self.transport.loseConnection()

    def writeConnectionLost(self) -> None:
        pass


class RealCase(TestCase):
    timeout = 30

    def setUp(self) -> None:
        self.told: list[Happening] = []
        self.folder = Path(self.mktemp())

    def device(self, port: int, **more: Any) -> int:
        device = Device("box", reactor, Random(1), self.told.append, to=[("127.0.0.1", port)], **more)
        self.addCleanup(device.stop)
        self.box = device
        return device.start()

    def listen(self, factory: Factory, context: Any = None) -> int:
        if context is None:
            there = reactor.listenTCP(0, factory, interface="127.0.0.1")
        else:
            there = reactor.listenSSL(0, factory, context, interface="127.0.0.1")
        self.addCleanup(there.stopListening)
        return there.getHost().port


class BigAnswers(RealCase):
    @inlineCallbacks
    def test_megabytes_through_tls_on_both_sides_to_a_reader_that_pauses(self) -> Any:
        authority = Authority(self.folder / "ca")
        issued = authority.issue(stem="server")
        context = server_context(issued.certificate, issued.key)
        port = self.device(
            self.listen(Factory.forProtocol(Talker), context), tls=Termination.by(authority),
            rules=[{"fault": "slicer", "average": 30000, "variation": 20000}],
        )  # fmt: skip
        endpoint = wrapClientTLS(
            client_options("localhost", authority.ca_file), TCP4ClientEndpoint(reactor, "127.0.0.1", port)
        )
        wire = yield connectProtocol(endpoint, Wire())
        wire.transport.write(b"go\n")
        for size in range(1, Talker.times, 5):
            yield wire.until(lambda data, size=size: len(data) >= size * len(BLOCK))
            wire.transport.pauseProducing()
            reactor.callLater(0, wire.transport.resumeProducing)
        yield wire.closed
        self.assertEqual(wire.data, BLOCK * Talker.times)

    @inlineCallbacks
    def test_a_client_that_has_finished_is_still_answered(self) -> Any:
        made: list[Wire] = []

        class Patient(Factory):
            noisy = False

            def buildProtocol(self, addr: object) -> Wire:
                made.append(HalfWire())
                return made[-1]

        port = self.device(self.listen(Patient()))
        wire = yield connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", port), Wire())
        wire.transport.write(b"question")
        wire.transport.loseWriteConnection()
        yield wire.closed
        self.assertEqual(wire.data, b"answer to question")
        for _ in range(1000):
            # The client hears of the end before the device does: a few turns of the reactor.
            yield deferLater(reactor, 0, lambda: None)
        self.assertEqual(self.box.counters.open, 0)



class OutlookSession(RealCase):
    @inlineCallbacks
    def test_a_session_lives_through_a_network_that_does_it_little_harm(self) -> Any:
        server = LabServer("exchange", "LAB1", USERS, None, reactor)
        server.start()
        self.addCleanup(server.stop)
        rules = [
            {"fault": "slicer", "average": 40, "variation": 39, "direction": "both"},
            {"fault": "latency", "delay": "5ms", "jitter": "4ms", "request_type": "Execute", "probability": 0.5},
        ]
        port = self.device(server.port, rules=rules)
        client = OutlookClient(reactor, Address("127.0.0.1", port, tls=False), ALICE)
        verdict = yield Deferred.fromCoroutine(Conversation(client, reactor).play())
        self.assertEqual(verdict.surprises, [])
        self.assertIn("slicer", self.box.counters.injected)
