"""One contract for TCP transports, kept by Twisted's own and by the eager ones alike.

The reactor is real, the sockets are loopback. A test that only eager transports can pass says so.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.certs import loaded, make_authority
from twisted.internet import defer, reactor
from twisted.internet.endpoints import (
    HostnameEndpoint,
    TCP4ClientEndpoint,
    TCP4ServerEndpoint,
    wrapClientTLS,
)
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IReactorTCP, IReactorTime
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock, deferLater
from twisted.internet.testing import MemoryReactor
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from twisted.trial import unittest

from mapiproxy.net import eager
from mapiproxy.net.eager import EagerClient, EagerServer, listen_eagerly, make_eager
from mapiproxy.net.tls import ListenerCreator
from mapiproxy.net.trust import BackendCreator, Trust

MEGABYTES = b"0123456789abcdef" * (16 * 65536)  # 16 MiB: more than the kernel takes at once


class End(Protocol):
    """One end of a connection that keeps what happens to it."""

    def __init__(self) -> None:
        self.received: list[bytes] = []
        self.reasons: list[Any] = []
        self.lost: defer.Deferred[None] = defer.Deferred()
        self._wanted: list[tuple[int, defer.Deferred[None]]] = []

    def connectionMade(self) -> None:
        if self.factory.made is not None:
            self.factory.made.callback(self)

    def dataReceived(self, data: bytes) -> None:
        self.received.append(data)
        size = sum(map(len, self.received))
        for wanted, waiting in list(self._wanted):
            if size >= wanted:
                self._wanted.remove((wanted, waiting))
                waiting.callback(None)

    def connectionLost(self, reason: Any) -> None:
        self.reasons.append(reason.value)
        self.lost.callback(None)

    def got(self, size: int) -> defer.Deferred[None]:
        waiting: defer.Deferred[None] = defer.Deferred()
        self._wanted.append((size, waiting))
        self.dataReceived(b"")
        return waiting

    @property
    def bytes(self) -> bytes:
        return b"".join(self.received)


class Producer:
    """Writes pieces while it may, as a relay does; counts what it is told."""

    def __init__(self, consumer: Any, pieces: int, piece: bytes) -> None:
        self.consumer, self.left, self.piece = consumer, pieces, piece
        self.pauses = self.resumes = self.stops = 0
        self.paused = False

    def run(self) -> None:
        while self.left and not self.paused:
            self.left -= 1
            self.consumer.write(self.piece)
        if not self.left:
            self.consumer.unregisterProducer()

    def pauseProducing(self) -> None:
        self.pauses += 1
        self.paused = True

    def resumeProducing(self) -> None:
        self.resumes += 1
        self.paused = False
        self.run()

    def stopProducing(self) -> None:
        self.stops += 1
        self.left = 0


class PullProducer(Producer):
    def resumeProducing(self) -> None:
        self.resumes += 1
        self.left -= 1
        self.consumer.write(self.piece)
        if not self.left:
            self.consumer.unregisterProducer()


class Contract:
    """What every transport keeps. ``self.writer`` writes, ``self.reader`` reads."""

    tls = False
    layer = TLSMemoryBIOFactory.protocol
    timeout = 20

    def given_reactor(self) -> Any:
        raise NotImplementedError

    @defer.inlineCallbacks
    def setUp(self):
        given = self.given_reactor()
        self.accepting = Factory.forProtocol(End)
        self.accepting.made = defer.Deferred()
        calling = Factory.forProtocol(End)
        calling.made = None
        serving: Any = self.accepting
        if self.tls:
            authority = make_authority(Path(self.mktemp()).absolute())
            creator = ListenerCreator([loaded(authority.issue())])
            serving = TLSMemoryBIOFactory(creator, False, serving)
            serving.protocol = self.layer
        server = TCP4ServerEndpoint(given, 0, interface="127.0.0.1")
        self.port = yield server.listen(serving)
        self.addCleanup(self.port.stopListening)
        endpoint: Any = TCP4ClientEndpoint(given, "127.0.0.1", self.port.getHost().port)
        if self.tls:
            trust = Trust(ca_file=authority.ca_file)
            endpoint = wrapClientTLS(BackendCreator("localhost", trust), endpoint)
        self.reader = yield endpoint.connect(calling)
        self.writer = yield self.accepting.made
        self.addCleanup(self.end)

    @defer.inlineCallbacks
    def end(self):
        for one in (self.reader, self.writer):
            if not one.reasons:
                one.transport.resumeProducing()
                one.transport.loseConnection()
        for one in (self.reader, self.writer):
            if not one.reasons:
                yield one.lost

    @defer.inlineCallbacks
    def test_bytes_arrive_in_order_whatever_their_sizes(self):
        pieces = [b"%d," % n * (1 + n % 7) for n in range(500)]
        for number, piece in enumerate(pieces):
            if number % 3:
                self.writer.transport.write(piece)
            else:
                self.writer.transport.writeSequence([piece[:2], b"", piece[2:]])
        wanted = b"".join(pieces)
        yield self.reader.got(len(wanted))
        self.assertEqual(self.reader.bytes, wanted)

    @defer.inlineCallbacks
    def test_both_directions_work(self):
        self.reader.transport.write(b"request")
        yield self.writer.got(7)
        self.writer.transport.write(b"answer")
        yield self.reader.got(6)
        self.assertEqual((self.writer.bytes, self.reader.bytes), (b"request", b"answer"))

    @defer.inlineCallbacks
    def test_a_big_write_is_finished_by_the_poller_and_later_ones_stay_behind_it(self):
        self.writer.transport.write(MEGABYTES)
        self.writer.transport.write(b"behind")
        yield self.reader.got(len(MEGABYTES) + 6)
        self.assertTrue(self.reader.bytes == MEGABYTES + b"behind")

    @defer.inlineCallbacks
    def test_closing_flushes_what_is_waiting(self):
        self.writer.transport.write(MEGABYTES)
        self.writer.transport.loseConnection()
        self.writer.transport.loseConnection()
        yield self.reader.lost
        self.assertEqual(len(self.reader.bytes), len(MEGABYTES))
        self.assertIsInstance(self.reader.reasons[0], ConnectionDone)
        yield self.writer.lost
        self.assertEqual(len(self.writer.reasons), 1)

    @defer.inlineCallbacks
    def test_closing_after_a_small_write_delivers_it(self):
        self.writer.transport.write(b"goodbye")
        self.writer.transport.loseConnection()
        yield self.reader.lost
        self.assertEqual(self.reader.bytes, b"goodbye")

    @defer.inlineCallbacks
    def test_a_push_producer_is_paused_while_the_reader_does_not_read(self):
        self.reader.transport.pauseProducing()
        producer = Producer(self.writer.transport, 2000, b"p" * 65536)
        self.writer.transport.registerProducer(producer, True)
        producer.run()
        while not producer.paused:
            yield deferLater(reactor, 0)
        # Kernel buffers and one of ours, not the 125 MiB that it has to give.
        self.assertGreater(producer.left, 1500)
        written = 2000 - producer.left
        producer.left = 100
        self.reader.transport.resumeProducing()
        wanted = (written + 100) * 65536
        yield self.reader.got(wanted)
        self.assertEqual(len(self.reader.bytes), wanted)
        self.assertGreater(producer.resumes, 0)
        self.assertEqual((producer.left, producer.stops), (0, 0))

    @defer.inlineCallbacks
    def test_a_pull_producer_is_asked_again_each_time(self):
        producer = PullProducer(self.writer.transport, 20, b"pull")
        self.writer.transport.registerProducer(producer, False)
        yield self.reader.got(80)
        self.assertEqual((producer.resumes, producer.left), (20, 0))

    @defer.inlineCallbacks
    def test_a_reset_during_writes_is_told_once_and_never_raised(self):
        """Each write after the reset goes to a dead socket; only connectionLost may say so."""
        yield self._reset_by_peer()
        for _ in range(50):
            self.writer.transport.write(b"w" * 1000)
            self.assertEqual(self.writer.reasons, [])
        yield self.writer.lost
        self.writer.transport.write(b"late")
        self.assertEqual(len(self.writer.reasons), 1)

    def _reset_by_peer(self) -> defer.Deferred[None]:
        """Fires when the reset is in our socket and the poller has not been asked yet."""
        plain = self.reader.transport
        while not hasattr(plain, "socket"):
            plain = plain.transport
        plain.abortConnection()
        return self.reader.lost

    @defer.inlineCallbacks
    def test_a_producer_is_stopped_when_the_peer_resets(self):
        producer = Producer(self.writer.transport, 10**9, b"p" * 65536)
        self.writer.transport.registerProducer(producer, True)
        self.reader.transport.pauseProducing()
        producer.run()
        yield self._reset_by_peer()
        yield self.writer.lost
        self.assertEqual((producer.stops, len(self.writer.reasons)), (1, 1))

    @defer.inlineCallbacks
    def test_aborting_drops_what_is_waiting(self):
        self.reader.transport.pauseProducing()
        self.writer.transport.write(MEGABYTES)
        self.writer.transport.abortConnection()
        self.writer.transport.write(b"late")
        self.assertEqual(self.writer.reasons, [])  # not from inside the call
        yield self.writer.lost
        self.reader.transport.resumeProducing()
        yield self.reader.lost
        self.assertLess(len(self.reader.bytes), len(MEGABYTES))
        self.assertNotIn(b"late", self.reader.bytes[-4:])

    @defer.inlineCallbacks
    def test_nothing_follows_an_abort(self):
        self.writer.transport.write(b"before")
        yield self.reader.got(6)
        self.writer.transport.abortConnection()
        self.writer.transport.write(b"after")
        yield self.reader.lost
        self.assertEqual(self.reader.bytes, b"before")

    @defer.inlineCallbacks
    def test_writing_after_the_end_is_ignored(self):
        self.reader.transport.loseConnection()
        yield self.writer.lost
        self.writer.transport.write(b"late")
        self.writer.transport.writeSequence([b"la", b"te"])
        yield self.reader.lost
        self.assertEqual(self.reader.bytes, b"")


class TcpContract(Contract):
    """What can only be said of TCP itself."""

    @defer.inlineCallbacks
    def test_writes_after_a_close_belong_to_it_while_it_waits(self):
        """Twisted takes them as long as it is connected; so they keep their place in the line."""
        self.writer.transport.write(MEGABYTES)
        self.writer.transport.loseConnection()
        self.writer.transport.write(b"behind")
        yield self.reader.lost
        self.assertEqual(self.reader.bytes[-6:], b"behind")
        self.assertEqual(len(self.reader.bytes), len(MEGABYTES) + 6)

    @defer.inlineCallbacks
    def test_a_half_close_waits_for_what_was_written(self):
        self.writer.transport.write(MEGABYTES)
        self.writer.transport.loseWriteConnection()
        yield self.reader.lost
        self.assertEqual(len(self.reader.bytes), len(MEGABYTES))

    def test_text_is_refused(self):
        self.assertRaises(TypeError, self.writer.transport.write, "text")
        self.assertRaises(TypeError, self.writer.transport.writeSequence, ["text"])


class TlsContract(Contract):
    tls = True


class StockTcp(TcpContract, unittest.TestCase):
    def given_reactor(self) -> Any:
        return reactor


class EagerTcp(TcpContract, unittest.TestCase):
    def given_reactor(self) -> Any:
        return make_eager(reactor)

    def test_both_ends_are_eager(self):
        self.assertIsInstance(self.writer.transport, EagerServer)
        self.assertIsInstance(self.reader.transport, EagerClient)

    def test_a_small_write_leaves_within_the_call(self):
        """The peer's socket has it before the loop turns: that is what all this is for."""
        self.writer.transport.write(b"now")
        peer = self.reader.transport.socket
        peer.setblocking(True)
        peer.settimeout(30)
        self.assertEqual(peer.recv(10), b"now")
        peer.setblocking(False)

    @defer.inlineCallbacks
    def test_start_tls_on_an_eager_connection_works(self):
        authority = make_authority(Path(self.mktemp()).absolute())
        creator = ListenerCreator([loaded(authority.issue())])
        trust = Trust(ca_file=authority.ca_file)
        self.writer.transport.startTLS(creator)
        self.reader.transport.startTLS(BackendCreator("localhost", trust))
        self.writer.transport.write(b"sealed")
        self.writer.transport.writeSequence([b" and", b" safe"])
        yield self.reader.got(15)
        self.assertEqual(self.reader.bytes, b"sealed and safe")


class StockTls(TlsContract, unittest.TestCase):
    def given_reactor(self) -> Any:
        return reactor


class EagerTls(TlsContract, unittest.TestCase):
    def given_reactor(self) -> Any:
        return make_eager(reactor)


class EagerTlsWithoutAggregation(TlsContract, unittest.TestCase):
    """Each write its own record, at once: what a relay wants that writes whole pieces."""

    layer = TLSMemoryBIOProtocol

    def given_reactor(self) -> Any:
        return make_eager(reactor)


class Making(unittest.TestCase):
    def test_the_wrapped_reactor_is_still_that_reactor(self):
        given = make_eager(reactor)
        self.assertTrue(IReactorTCP.providedBy(given))
        self.assertTrue(IReactorTime.providedBy(given))
        self.assertEqual(given.callLater, reactor.callLater)

    def test_other_reactors_are_left_alone(self):
        for other in (MemoryReactor(), Clock()):
            self.assertIs(make_eager(other), other)

    def test_without_twisteds_hooks_the_reactor_is_left_alone(self):
        class Connector:
            pass

        self.patch(eager.tcp, "Connector", Connector)
        self.assertIs(make_eager(reactor), reactor)

    @defer.inlineCallbacks
    def test_names_are_dialled_eagerly_too(self):
        factory = Factory.forProtocol(End)
        factory.made = None
        port = listen_eagerly(reactor, 0, factory, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        endpoint = HostnameEndpoint(make_eager(reactor), "127.0.0.1", port.getHost().port)
        end = yield endpoint.connect(factory)
        self.assertIsInstance(end.transport, EagerClient)
        end.transport.loseConnection()
        yield end.lost
