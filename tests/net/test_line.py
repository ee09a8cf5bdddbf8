"""A transport's manners: reasons to hold, one end, and what Twisted's transports really do."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
from support.lines import MemoryTransport
from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint, wrapClientTLS
from twisted.internet.protocol import Factory, Protocol
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.trial.unittest import TestCase

from mapiproxy.lab.authority import Authority
from mapiproxy.net.certificates import CertificateSource, load_certificate
from mapiproxy.net.line import Line
from mapiproxy.net.tls import ListenerCreator
from mapiproxy.net.trust import BackendCreator, Trust


@pytest.fixture
def transport() -> MemoryTransport:
    return MemoryTransport()


def test_a_line_is_held_until_the_last_reason_is_gone(transport):
    line = Line(transport, lambda full: None)
    line.hold("pressure")
    line.hold("turn")
    line.release("pressure")
    assert transport.held
    line.release("turn")
    line.release("turn")

    assert not transport.held


def test_a_held_line_is_let_go_before_it_closes(transport):
    """Fact 2: TLS never finishes closing while it is paused. The transport in memory asserts it."""
    line = Line(transport, lambda full: None)
    line.hold("pressure")
    line.finish()

    assert transport.ended == "finished"


def test_an_end_is_asked_for_once_and_nothing_is_written_after_it(transport):
    line = Line(transport, lambda full: None)
    line.finish()
    line.finish()
    line.write(b"x")
    line.write_pieces([b"x"])
    line.hold("turn")

    assert line.ended
    assert transport.writes == []
    assert not transport.held


def test_an_abort_may_follow_an_end_in_peace_but_not_the_loss(transport):
    """Fact 5: abortConnection after connectionLost raises on TLS."""
    line = Line(transport, lambda full: None)
    line.finish()
    line.abort()
    assert transport.ended == "aborted"

    gone = MemoryTransport()
    line = Line(gone, lambda full: None)
    line.lost()
    line.abort()
    line.finish()
    assert gone.ended is None


def test_pressure_is_told_once_each_way(transport):
    told: list[bool] = []
    line = Line(transport, told.append)
    line.pauseProducing()
    line.pauseProducing()
    line.resumeProducing()
    line.resumeProducing()
    line.stopProducing()

    assert told == [True, False]


def test_pieces_leave_as_one_write(transport):
    line = Line(transport, lambda full: None)
    line.write_pieces([b"a", b"b", b"c"])
    line.write_pieces([b"d"])

    assert transport.writes == [b"abc", b"d"]


class Door(Protocol):
    """A protocol with a line, that remembers what happened to it."""

    def __init__(self) -> None:
        self.came = b""
        self.full: list[bool] = []
        self.up: Deferred[Any] = Deferred()
        self.down: Deferred[Any] = Deferred()

    def connectionMade(self) -> None:
        self.line = Line(self.transport, self.full.append)
        self.up.callback(self)

    def dataReceived(self, data: bytes) -> None:
        self.came += data

    def connectionLost(self, reason: Any = None) -> None:
        self.line.lost()
        self.down.callback(self)


class OverTcp(TestCase):
    """The promises of a line over a real TCP connection."""

    timeout = 15
    secure = False

    @inlineCallbacks
    def pair(self) -> Any:
        """Both ends of one connection, each with a line."""
        here, there = Door(), Door()
        factory: Any = Factory.forProtocol(lambda: here)
        port = yield TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(self.serving(factory))
        self.addCleanup(port.stopListening)
        client = self.calling(TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port))
        yield client.connect(Factory.forProtocol(lambda: there))
        yield here.up
        yield there.up
        there.line.write(b"hello")
        while here.came != b"hello":
            yield turn()
        return here, there

    def serving(self, factory: Any) -> Any:
        return factory

    def calling(self, endpoint: Any) -> Any:
        return endpoint

    @inlineCallbacks
    def test_both_switches_are_on(self) -> Any:
        here, there = yield self.pair()
        self.assertTrue(here.transport.getTcpNoDelay() and here.transport.getTcpKeepAlive())
        yield self.end(here, there)

    @inlineCallbacks
    def test_what_was_written_arrives_before_the_end(self) -> Any:
        here, there = yield self.pair()
        here.line.write(b"x" * 3_000_000)
        here.line.finish()
        yield there.down
        yield here.down
        self.assertEqual(len(there.came), 3_000_000)

    @inlineCallbacks
    def test_a_held_line_closes_all_the_same(self) -> Any:
        here, there = yield self.pair()
        here.line.hold("pressure")
        here.line.finish()
        yield there.down
        yield here.down

    @inlineCallbacks
    def test_a_part_waits_for_nobody(self) -> Any:
        """The peer is held, so it could not answer a goodbye."""
        here, there = yield self.pair()
        there.line.hold("pressure")
        here.line.part(self.secure)
        yield here.down
        there.line.abort()
        yield there.down

    @inlineCallbacks
    def test_an_abort_tells_both_ends_once(self) -> Any:
        here, there = yield self.pair()
        here.line.abort()
        here.line.abort()
        yield here.down
        yield there.down
        there.line.abort()

    @inlineCallbacks
    def test_a_slow_reader_is_felt_and_its_relief_too(self) -> Any:
        here, there = yield self.pair()
        there.line.hold("test")
        size = 0
        while not here.full:
            here.line.write(b"x" * 65536)
            size += 65536
            yield turn()
            self.assertLess(size, 64 * 1024 * 1024)
        there.line.release("test")
        while here.full != [True, False]:
            yield turn()
        yield self.end(here, there)

    @inlineCallbacks
    def end(self, here: Door, there: Door) -> Any:
        here.line.abort()
        yield here.down
        yield there.down


class OverTls(OverTcp):
    """The same promises over TLS."""

    secure = True

    def setUp(self) -> None:
        self.authority = Authority(Path(self.mktemp()))
        issued = self.authority.issue("localhost")
        self.certificate = load_certificate(CertificateSource(issued.certificate, issued.key))

    def serving(self, factory: Any) -> Any:
        return TLSMemoryBIOFactory(ListenerCreator([self.certificate]), False, factory)

    def calling(self, endpoint: Any) -> Any:
        return wrapClientTLS(BackendCreator("localhost", Trust(self.authority.ca_file)), endpoint)


def turn() -> Deferred[None]:
    waited: Deferred[None] = Deferred()
    reactor.callLater(0.001, waited.callback, None)
    return waited


def test_a_peer_that_has_closed_or_spoken_unasked_is_seen_before_the_reactor_tells():
    """Reference 6.3: look before a connection is used again."""
    for word, dead in ((b"", False), (b"HTTP/1.1 408 Request Timeout\r\n", True), (None, True)):
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        transport = MemoryTransport()
        transport.socket = ours
        transport.transport = None
        line = Line(transport, lambda full: None)
        with ours, theirs:
            if word is None:
                theirs.close()
            elif word:
                theirs.sendall(word)
            assert line.is_dead() is dead
            line.lost()
            assert line.is_dead()


def test_of_tls_only_an_alert_is_the_end():
    for record, dead in (
        (b"\x15\x03\x03\x00\x02\x01\x00", True),  # TLS 1.2
        (b"\x17\x03\x03\x00\x13" + bytes(19), True),  # TLS 1.3 hides the type
        (b"\x17\x03\x03\x00\xfa" + bytes(250), False),  # a session ticket
    ):
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        inner, transport = MemoryTransport(), MemoryTransport()
        inner.socket, transport.transport = ours, inner
        with ours, theirs:
            theirs.sendall(record)
            assert Line(transport, lambda full: None).is_dead() is dead
