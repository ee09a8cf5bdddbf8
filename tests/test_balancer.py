"""PROXY headers on real sockets, in front of TLS, in and out; and what trusted peers say of a client."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

from support.certs import make_authority
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from mapiproxy.record.ledger import Ledger
from mapiproxy.service import ProxyService, make_service
from mapiproxy.settings import load_settings
from mapiproxy.wire.prelude import HeaderReader, encode_v1, encode_v2

ASK = b"POST /mapi/emsmdb/?MailboxId=a@b HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n%b\r\n"


class _Backend(Protocol):
    """Answers each request with the head that it got."""

    def __init__(self, factory: Any) -> None:
        self.factory = factory
        self.seen = b""

    def dataReceived(self, data: bytes) -> None:
        self.seen += data
        self.factory.first.append(data)
        if self.seen.endswith(b"\r\n\r\n"):
            _, _, head = self.seen.rpartition(b"POST ")
            body = head.strip()
            self.seen = b""
            assert self.transport is not None
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


class _Backends(Factory):
    noisy = False

    def __init__(self) -> None:
        self.first: list[bytes] = []

    def buildProtocol(self, addr: Any) -> Protocol:
        return _Backend(self)


class PreludeCase(TestCase):
    timeout = 30
    listener = 'trusted = "127.0.0.1"\nproxy_protocol = true\n'
    backend = ""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir(parents=True)
        self.authority = make_authority(self.folder)
        issued = self.authority.issue("localhost", "127.0.0.1")
        self.backends = _Backends()
        there = reactor.listenTCP(0, self.backends, interface="127.0.0.1")  # type: ignore[attr-defined]
        self.addCleanup(there.stopListening)
        file = self.folder / "m.toml"
        file.write_text(
            f'[listener.mail]\nbind = "127.0.0.1:0"\ncertificate = "{issued.certificate}"\nkey = "{issued.key}"\n'
            f'{self.listener}[backend.gx]\nkind = "grommunio"\nvdirs = ["mapi"]\n{self.backend}'
            f'servers = "http://127.0.0.1:{there.getHost().port}"\n[health]\nenabled = false\n[log]\nenabled = false\n'
        )
        self.service: ProxyService = make_service(load_settings(file), reactor, file)
        self.ledgers: list[Ledger] = []
        for site in self.service.sites.values():
            site.house.record = self.ledgers.append
        self.service.startService()
        self.addCleanup(self.service.stopService)
        self.port = self.service.ports[0].getHost().port

    def talk(self, header: bytes, *fields: bytes, times: int = 1) -> Deferred[bytes]:
        """What comes back to a TLS client whose connection begins with *header*."""
        ca = str(self.authority.ca_file)

        def work() -> bytes:
            import socket

            with socket.create_connection(("127.0.0.1", self.port), 5) as plain:
                try:
                    if header:
                        plain.sendall(header)
                    with ssl.create_default_context(cafile=ca).wrap_socket(plain, server_hostname="localhost") as s:
                        came = b""
                        for _ in range(times):
                            s.sendall(ASK % b"".join(field + b"\r\n" for field in fields))
                            came += s.recv(65536)
                        return came
                except OSError:
                    return b"closed"

        return deferToThread(work)


class InboundCase(PreludeCase):
    async def test_the_client_is_whom_the_header_names_in_either_version(self) -> None:
        for header in (encode_v1("192.0.2.7", 4711, "10.0.0.1", 443), encode_v2("192.0.2.7", 4711, "10.0.0.1", 443)):
            came = await self.talk(header)
            self.assertIn(b"X-Forwarded-For: 192.0.2.7\r\n", came)
        self.assertEqual([(each.client_ip, each.client_port) for each in self.ledgers], [("192.0.2.7", 4711)] * 2)

    async def test_a_check_of_the_balancer_itself_is_served_as_its_own(self) -> None:
        came = await self.talk(b"PROXY UNKNOWN\r\n")
        self.assertIn(b"X-Forwarded-For: 127.0.0.1\r\n", came)

    async def test_without_a_header_or_with_a_broken_one_the_connection_ends(self) -> None:
        self.assertEqual(await self.talk(b""), b"closed")
        self.assertEqual(await self.talk(b"PROXY TCP4 nonsense\r\n"), b"closed")
        self.assertEqual(self.ledgers, [])


class StrangerCase(PreludeCase):
    listener = 'trusted = "10.9.9.9"\nproxy_protocol = true\n'

    async def test_a_peer_that_is_not_trusted_cannot_even_begin(self) -> None:
        self.assertEqual(await self.talk(encode_v1("192.0.2.7", 1, "10.0.0.1", 2)), b"closed")


class ForwardedCase(PreludeCase):
    listener = 'trusted = ["127.0.0.1", "10.0.0.0/8"]\n'

    async def test_what_a_trusted_proxy_says_is_believed_and_added_to(self) -> None:
        came = await self.talk(b"", b"X-Forwarded-For: 6.6.6.6, 192.0.2.9, 10.0.0.3", b"X-Forwarded-Proto: http")

        self.assertIn(b"X-Forwarded-For: 6.6.6.6, 192.0.2.9, 10.0.0.3, 127.0.0.1\r\n", came)
        self.assertIn(b"X-Forwarded-Proto: http", came)
        self.assertEqual(came.count(b"X-Forwarded-For"), 1)
        self.assertEqual([each.client_ip for each in self.ledgers], ["192.0.2.9"])


class NotForwardedCase(PreludeCase):
    listener = ""

    async def test_what_anybody_else_says_is_replaced(self) -> None:
        came = await self.talk(b"", b"X-Forwarded-For: 6.6.6.6", b"X-Forwarded-Proto: http", b"Forwarded: for=6.6.6.6")
        self.assertIn(b"X-Forwarded-For: 127.0.0.1\r\n", came)
        self.assertIn(b"X-Forwarded-Proto: https", came)
        self.assertNotIn(b"6.6.6.6", came)


class OutboundCase(PreludeCase):
    listener = 'trusted = "127.0.0.1"\nproxy_protocol = true\n'
    backend = 'proxy_protocol = "v2"\n'

    async def test_a_backend_is_told_once_for_each_connection_where_it_comes_from(self) -> None:
        await self.talk(encode_v1("192.0.2.7", 4711, "10.0.0.1", 443), times=2)
        data = b"".join(self.backends.first)
        reader = HeaderReader()
        source = reader.feed(data)

        assert source is not None
        self.assertEqual((source.ip, source.port), ("192.0.2.7", 4711))
        self.assertEqual(reader.rest.count(b"POST /mapi"), 2)
        self.assertNotIn(b"QUIT", reader.rest)
