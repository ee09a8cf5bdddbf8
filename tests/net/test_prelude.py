"""The PROXY header before everything else on a connection, over real sockets and with TLS behind it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.endpoints import TCP4ClientEndpoint, wrapClientTLS
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import Clock, deferLater
from twisted.internet.threads import deferToThread
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from mapiproxy.lab.authority import Authority
from mapiproxy.net.certificates import CertificateSource, load_certificate
from mapiproxy.net.eager import make_eager
from mapiproxy.net.prelude import PATIENCE, AnnouncedEndpoint, Preludes
from mapiproxy.net.tls import ListenerCreator
from mapiproxy.net.trust import BackendCreator, Trust
from mapiproxy.wire.prelude import encode_v1, encode_v2

LOCAL = (ip_network("127.0.0.0/8"),)
V1 = encode_v1("192.0.2.7", 4711, "10.0.0.1", 443)
V2 = encode_v2("2001:db8::7", 4712, "2001:db8::1", 443)


class Log:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def warn(self, text: str, **fields: Any) -> None:
        self.lines.append(text.format(**fields))


class Told(Protocol):
    """Answers with who it thinks the peer is, and what it was sent."""

    def connectionMade(self) -> None:
        self.factory.made.append(self)

    def dataReceived(self, data: bytes) -> None:
        peer = self.transport.getPeer()
        self.transport.write(f"{peer.host} {peer.port} ".encode() + data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.factory.lost += 1


class TheRest(Factory):
    noisy = False

    def __init__(self, protocol: Callable[[], Protocol] = Told) -> None:
        self.protocol = protocol
        self.made: list[Any] = []
        self.lost = 0


class Case(TestCase):
    timeout = 20

    def setUp(self) -> None:
        self.log = Log()
        self.authority = Authority(Path(self.mktemp()).absolute())
        self.issued = self.authority.issue("mail.lab.test")
        self.rest = TheRest()

    def listen(self, *, tls: bool, trusted: Any = LOCAL, clock: Any = reactor) -> int:
        behind: Any = self.rest
        if tls:
            source = CertificateSource(certificate=self.issued.certificate, key=self.issued.key)
            behind = TLSMemoryBIOFactory(ListenerCreator([load_certificate(source)]), False, self.rest)
            behind.protocol = TLSMemoryBIOProtocol
        factory = Preludes(behind, lambda: trusted, clock, self.log)  # type: ignore[arg-type]
        port = make_eager(reactor).listenTCP(0, factory, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        return port.getHost().port

    def secure(self, plain: socket.socket) -> ssl.SSLSocket:
        context = ssl.create_default_context(cafile=self.authority.ca_file)
        return context.wrap_socket(plain, server_hostname="mail.lab.test")


def talk(port: int, pieces: list[bytes]) -> bytes:
    """Send the pieces one by one, and read until there is an answer or an end."""
    try:
        # Whoever is not wanted may be reset before it has noticed that it is connected.
        with socket.create_connection(("127.0.0.1", port), timeout=15) as plain:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for piece in pieces:
                plain.sendall(piece)
            return plain.recv(1000)
    except (ConnectionResetError, BrokenPipeError):
        return b""


class Inbound(Case):
    @inlineCallbacks
    def test_the_source_is_the_peer_with_tls_behind_a_header_of_either_version(self) -> Any:
        port = self.listen(tls=True)

        def ask(header: bytes) -> bytes:
            with socket.create_connection(("127.0.0.1", port), timeout=15) as plain:
                plain.sendall(header)
                with self.secure(plain) as secure:
                    secure.sendall(b"hello")
                    return secure.recv(100)

        self.assertEqual((yield deferToThread(ask, V1)), b"192.0.2.7 4711 hello")
        self.assertEqual((yield deferToThread(ask, V2)), b"2001:db8::7 4712 hello")

    @inlineCallbacks
    def test_header_and_client_hello_may_come_in_one_piece(self) -> Any:
        port = self.listen(tls=True)

        def ask() -> bytes:
            context = ssl.create_default_context(cafile=self.authority.ca_file)
            into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = context.wrap_bio(into, out, server_hostname="mail.lab.test")
            with socket.create_connection(("127.0.0.1", port), timeout=15) as plain:
                header = V1
                while True:
                    try:
                        tls.do_handshake()
                        break
                    except ssl.SSLWantReadError:
                        plain.sendall(header + out.read())
                        header = b""
                        into.write(plain.recv(16384))
                tls.write(b"hello")
                plain.sendall(out.read())
                while True:
                    into.write(plain.recv(16384))
                    try:
                        return tls.read(100)
                    except ssl.SSLWantReadError:
                        continue

        self.assertEqual((yield deferToThread(ask)), b"192.0.2.7 4711 hello")

    @inlineCallbacks
    def test_a_plain_listener_gets_what_stands_behind_the_header_whole(self) -> Any:
        port = self.listen(tls=False)
        self.assertEqual((yield deferToThread(talk, port, [V1 + b"GET /"])), b"192.0.2.7 4711 GET /")
        drops = [V2[at : at + 1] for at in range(len(V2))] + [b"x"]
        self.assertEqual((yield deferToThread(talk, port, drops)), b"2001:db8::7 4712 x")

    @inlineCallbacks
    def test_without_a_source_the_peer_is_the_peer(self) -> Any:
        port = self.listen(tls=False)
        said = yield deferToThread(talk, port, [b"PROXY UNKNOWN\r\nx"])
        self.assertTrue(said.startswith(b"127.0.0.1 "))

    @inlineCallbacks
    def test_who_is_not_trusted_is_closed_with_a_line_and_never_heard(self) -> Any:
        port = self.listen(tls=False, trusted=(ip_network("10.0.0.0/8"),))
        self.assertEqual((yield deferToThread(talk, port, [V1 + b"x"])), b"")
        self.assertEqual(len(self.log.lines), 1)
        self.assertIn("127.0.0.1", self.log.lines[0])
        self.assertIn("not a trusted peer", self.log.lines[0])
        self.assertEqual(self.rest.made, [])

    @inlineCallbacks
    def test_a_missing_or_broken_header_is_closed_with_a_line(self) -> Any:
        port = self.listen(tls=True)
        broken = [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00", b"PROXY TCP4 1 2 3 4\r\n", b"PROXY " + b"x" * 200]
        for bytes_of_it in broken:
            self.assertEqual((yield deferToThread(talk, port, [bytes_of_it])), b"")
        self.assertEqual(len(self.log.lines), len(broken))
        self.assertEqual(self.rest.made, [])

    @inlineCallbacks
    def test_who_says_it_too_slowly_is_not_waited_for_even_if_it_drips(self) -> Any:
        clock = Clock()
        port = self.listen(tls=True, clock=clock)
        plain = socket.create_connection(("127.0.0.1", port), timeout=15)
        self.addCleanup(plain.close)
        while not clock.getDelayedCalls():
            yield deferLater(reactor, 0.01)
        clock.advance(PATIENCE - 1)
        yield deferToThread(plain.sendall, V1[:5])
        yield deferLater(reactor, 0.05)
        clock.advance(1)
        try:
            said = yield deferToThread(plain.recv, 10)
        except ConnectionResetError:
            said = b""
        self.assertEqual(said, b"")
        self.assertEqual(len(self.log.lines), 1)
        self.assertEqual(clock.getDelayedCalls(), [])

    @inlineCallbacks
    def test_nothing_is_left_behind_by_a_header_that_came_or_a_peer_that_went(self) -> Any:
        clock = Clock()
        port = self.listen(tls=False, clock=clock)
        yield deferToThread(talk, port, [V1 + b"x"])
        yield deferToThread(lambda: socket.create_connection(("127.0.0.1", port)).close())
        while clock.getDelayedCalls() or not self.rest.lost:
            yield deferLater(reactor, 0.01)
        self.assertEqual(self.log.lines, [])

    @inlineCallbacks
    def test_who_is_turned_away_behind_the_header_is_closed(self) -> Any:
        self.rest.buildProtocol = lambda addr: None  # type: ignore[method-assign,assignment,return-value]
        port = self.listen(tls=False)
        self.assertEqual((yield deferToThread(talk, port, [V1 + b"x"])), b"")

    @inlineCallbacks
    def test_an_end_before_the_first_byte_of_the_rest_is_no_bug(self) -> Any:
        class Curt(Told):
            def connectionMade(self) -> None:
                super().connectionMade()
                self.transport.abortConnection()

        self.rest.protocol = Curt
        for tls in (False, True):
            port = self.listen(tls=tls)
            self.assertEqual((yield deferToThread(talk, port, [V1 + b"\x16\x03\x01\x00\x05hello"])), b"")
        while self.rest.lost < 2:
            yield deferLater(reactor, 0.01)
        self.assertEqual(self.flushLoggedErrors(), [])


class Listening(Protocol):
    """A backend that reads the header from the raw socket."""

    def connectionMade(self) -> None:
        self.factory.made.append(self)
        self.seen = b""
        self.came: Deferred[bytes] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        self.seen += data
        if not self.came.called and len(self.seen) > len(V1):
            self.came.callback(self.seen)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.factory.lost += 1


class Asking(Protocol):
    def connectionMade(self) -> None:
        self.transport.write(b"hello, this is what the client says")

    def dataReceived(self, data: bytes) -> None:
        self.factory.said.callback(data)


class Outbound(Case):
    @inlineCallbacks
    def test_tls_begins_behind_the_header_and_the_backend_learns_the_client(self) -> Any:
        """Against our own listener: each end checks the other."""
        port = self.listen(tls=True)
        for version, ip in (("v1", "192.0.2.99"), ("v2", "192.0.2.99"), ("v2", "2001:db8::99")):
            raw = TCP4ClientEndpoint(make_eager(reactor), "127.0.0.1", port)
            creator = BackendCreator("mail.lab.test", Trust(self.authority.ca_file))
            endpoint = AnnouncedEndpoint(raw, version, lambda inner, c=creator: wrapClientTLS(c, inner))  # type: ignore[misc]
            factory = Factory.forProtocol(Asking)
            factory.noisy, factory.said = False, Deferred()  # type: ignore[attr-defined]
            to = "2001:db8::1" if ":" in ip else "10.0.0.1"
            client = yield endpoint.announce(ip, 4713, to, 443).connect(factory)
            said = yield factory.said  # type: ignore[attr-defined]
            self.assertEqual(said, f"{ip} 4713 hello, this is what the client says".encode())
            client.transport.abortConnection()
        while self.rest.lost < 3:
            yield deferLater(reactor, 0.01)

    @inlineCallbacks
    def test_the_header_goes_once_and_first_and_a_probe_names_itself(self) -> Any:
        self.rest.protocol = Listening
        port = reactor.listenTCP(0, self.rest, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        endpoint = AnnouncedEndpoint(TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port), "v1")
        for opened in (endpoint, endpoint.announce("192.0.2.7", 4711, "10.0.0.1", 443)):
            factory = Factory.forProtocol(Asking)
            factory.noisy = False
            client = yield opened.connect(factory)
            while not self.rest.made:
                yield deferLater(reactor, 0.01)
            seen = yield self.rest.made.pop().came
            here = client.transport.getHost()
            mine = encode_v1("127.0.0.1", here.port, "127.0.0.1", port.getHost().port)
            self.assertEqual(seen, (mine if opened is endpoint else V1) + b"hello, this is what the client says")
            client.transport.abortConnection()
        while self.rest.lost < 2:
            yield deferLater(reactor, 0.01)
