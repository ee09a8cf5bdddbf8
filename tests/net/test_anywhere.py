"""Outlook Anywhere through the proxy: channels of a declared gigabyte, over TLS on real sockets."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from typing import Any

from support.certs import make_authority
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.threads import deferToThread
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from mapiproxy.record.ledger import Ledger
from mapiproxy.service import ProxyService, make_service
from mapiproxy.settings import load_settings

GIGABYTE = 1 << 30
ALICE = "11111111-2222-3333-4444-555555555555@example.com"
ECHO = bytes.fromhex("f8e81808")


class _RpcProxy(Protocol):
    """An RPC proxy: whatever comes on the IN channel of a cookie goes out on its OUT channel, at once.

    The cookie is the first 8 bytes of either body; grommunio pairs channels in the same way, in memory.
    """

    def __init__(self, factory: Any) -> None:
        self.factory = factory
        self.buffer = b""
        self.method = b""
        self.length = 0
        self.cookie = b""

    def dataReceived(self, data: bytes) -> None:
        assert self.transport is not None
        self.buffer += data
        if not self.method:
            head, end, rest = self.buffer.partition(b"\r\n\r\n")
            if not end:
                return
            self.method = head.partition(b" ")[0]
            self.factory.heads.append(head)
            self.length = int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
            self.buffer = rest
            self.factory.open.add(self)
        if self.length <= 16:
            if len(self.buffer) >= self.length:
                self.transport.write(b"HTTP/1.1 200 Success\r\nContent-Type: application/rpc\r\nContent-Length: 20\r\n\r\n")
                self.transport.write(b"\5\0\24\3" + b"\0" * 16)
                self.method, self.buffer = b"", b""
            return
        if not self.cookie and len(self.buffer) >= 8:
            self.cookie, self.buffer = self.buffer[:8], self.buffer[8:]
            if self.cookie == b"refuseme":
                self.transport.write(b"HTTP/1.1 503 RPC Error: 6ba\r\nContent-Length: 0\r\n\r\n")
            elif self.method == b"RPC_OUT_DATA":
                self.factory.outs[self.cookie] = self
                self.transport.write(
                    b"HTTP/1.1 200 Success\r\nContent-Type: application/rpc\r\nContent-Length: %d\r\n\r\n" % GIGABYTE
                )
        if self.method == b"RPC_IN_DATA" and self.buffer:
            out = self.factory.outs.get(self.cookie)
            if out is not None:
                out.transport.write(self.factory.name + b":" + self.buffer)
                self.buffer = b""

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.factory.open.discard(self)
        if self.method:
            self.factory.closed.append(self.method)


class _RpcProxies(Factory):
    noisy = False

    def __init__(self, name: bytes) -> None:
        self.name = name
        self.outs: dict[bytes, Any] = {}
        self.open: set[Any] = set()
        self.heads: list[bytes] = []
        self.closed: list[bytes] = []

    def buildProtocol(self, addr: Any) -> Protocol:
        return _RpcProxy(self)


class AnywhereCase(TestCase):
    timeout = 30

    def setUp(self) -> None:
        folder = Path(self.mktemp()).absolute()
        folder.mkdir(parents=True)
        authority = make_authority(folder)
        issued = authority.issue("localhost")
        self.context = ssl.create_default_context(cafile=authority.ca_file)
        self.backends = [_RpcProxies(b"one"), _RpcProxies(b"two")]
        servers = ""
        for each in self.backends:
            port = reactor.listenTCP(0, each, interface="127.0.0.1")  # type: ignore[attr-defined]
            self.addCleanup(port.stopListening)
            servers += f'[[backend.gx.server]]\nname = "{each.name.decode()}"\nurl = "http://127.0.0.1:{port.getHost().port}"\n'
        file = folder / "m.toml"
        file.write_text(
            f'[listener.mail]\nbind = "127.0.0.1:0"\ncertificate = "{issued.certificate}"\nkey = "{issued.key}"\n'
            f'[backend.gx]\nkind = "grommunio"\nvdirs = ["rpc"]\n{servers}'
            f"[timeouts]\nquiet = \"1s\"\nclient_quiet = \"1s\"\n[health]\nenabled = false\n[log]\nenabled = false\n"
        )
        self.service: ProxyService = make_service(load_settings(file), reactor, file)
        self.site = next(iter(self.service.sites.values()))
        self.ledgers: list[Ledger] = []
        self.site.house.record = self.ledgers.append
        self.service.startService()
        self.addCleanup(self.service.stopService)
        self.port = self.service.ports[0].getHost().port

    def opened(self) -> ssl.SSLSocket:
        plain = socket.create_connection(("127.0.0.1", self.port), 5)
        return self.context.wrap_socket(plain, server_hostname="localhost")

    def channel(self, method: str, cookie: bytes, mailbox: str = ALICE, size: int = GIGABYTE) -> ssl.SSLSocket:
        """A channel whose request has begun."""
        line = self.opened()
        line.sendall(
            f"{method} /rpc/rpcproxy.dll?{mailbox}:6001 HTTP/1.1\r\nHost: mail\r\nUser-Agent: MSRPC\r\n"
            f"Content-Length: {size}\r\n\r\n".encode() + cookie
        )  # fmt: skip
        return line

    def away(self, work: Any, *arguments: Any) -> Deferred[Any]:
        return deferToThread(work, *arguments)

    async def test_each_piece_arrives_at_once_in_both_directions_though_neither_message_ends(self) -> None:
        def work() -> tuple[bytes, list[bytes]]:
            out = self.channel("RPC_OUT_DATA", b"cookie-1" + b"\0" * 68, size=76)
            head = read_head(out)
            into = self.channel("RPC_IN_DATA", b"cookie-1")
            came = []
            for number in range(5):
                into.sendall(b"pdu-%d;" % number)
                came.append(read_until(out, b";"))
            into.close()
            out.close()
            return head, came

        head, came = await self.away(work)

        self.assertIn(b"Content-Length: 1073741824", head)
        name = came[0].partition(b":")[0]
        self.assertEqual(came, [name + b":pdu-%d;" % number for number in range(5)])

    async def test_both_channels_of_a_mailbox_meet_at_one_backend_even_when_the_fleet_changes(self) -> None:
        def open_out(number: int) -> ssl.SSLSocket:
            out = self.channel("RPC_OUT_DATA", b"cookie-%d" % number + b"\0" * 68, f"m{number}@example.com", 76)
            read_head(out)
            return out

        def exchange(number: int, out: ssl.SSLSocket) -> bytes:
            into = self.channel("RPC_IN_DATA", b"cookie-%d" % number, f"m{number}@example.com")
            into.sendall(b"hello;")
            came = read_until(out, b";")
            into.close()
            out.close()
            return came

        outs = [await self.away(open_out, number) for number in range(8)]
        # A weight of nothing sends new mailboxes elsewhere, and must not part channels.
        for name in ("one", "two"):
            self.site.pool.by_name[name].weight = 1 if name == "one" else 1000
        came = [await self.away(exchange, number, out) for number, out in enumerate(outs)]

        self.assertTrue(all(each.endswith(b":hello;") for each in came))
        self.assertEqual(self.site.rules.tally.rungs["channel"], 8)

    async def test_it_outlives_what_would_be_a_hang_anywhere_else(self) -> None:
        def work() -> bytes:
            import time

            out = self.channel("RPC_OUT_DATA", b"cookie-2" + b"\0" * 68, size=76)
            read_head(out)
            into = self.channel("RPC_IN_DATA", b"cookie-2")
            time.sleep(3.2)
            into.sendall(b"still here;")
            came = read_until(out, b";")
            into.close()
            out.close()
            return came

        self.assertTrue((await self.away(work)).endswith(b"still here;"))

    async def test_when_one_side_of_a_channel_closes_the_other_does_and_the_other_channel_stays(self) -> None:
        out = await self.away(self.channel, "RPC_OUT_DATA", b"cookie-3" + b"\0" * 68, ALICE, 76)
        await self.away(read_head, out)
        into = await self.away(self.channel, "RPC_IN_DATA", b"cookie-3")
        await self.until(lambda: sum(len(each.open) for each in self.backends) == 2)
        into.close()
        await self.until(lambda: [m for each in self.backends for m in each.closed] == [b"RPC_IN_DATA"])
        self.assertEqual(len(self.site.rules.channels), 1)

        for each in self.backends:
            for protocol in list(each.open):
                protocol.transport.abortConnection()
        self.assertEqual(await self.away(lambda: read_rest(out)), b"")
        await self.until(lambda: len(self.site.rules.channels) == 0)
        out.close()

    async def test_an_error_comes_through_while_the_request_is_still_being_sent(self) -> None:
        def work() -> bytes:
            into = self.channel("RPC_IN_DATA", b"refuseme")
            head = read_head(into)
            into.close()
            return head

        self.assertTrue((await self.away(work)).startswith(b"HTTP/1.1 503 RPC Error: 6ba"))

    async def test_the_echo_probe_of_four_bytes_is_answered_and_the_connection_stays(self) -> None:
        def work() -> list[bytes]:
            came = []
            line = self.opened()
            for method in (b"RPC_IN_DATA", b"RPC_OUT_DATA"):
                line.sendall(method + b" /RPC/RpcProxy.dll?server.corp:6001 HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n")
                line.sendall(ECHO)
                head = read_head(line)
                came.append(head.partition(b"\r\n")[0] + line.recv(64))
            line.close()
            return came

        self.assertEqual(await self.away(work), [b"HTTP/1.1 200 Success\5\0\24\3" + b"\0" * 16] * 2)
        heads = [head for each in self.backends for head in each.heads]
        self.assertTrue(all(b" /RPC/RpcProxy.dll?server.corp:6001 " in head for head in heads))

    async def test_a_stop_does_not_wait_for_channels(self) -> None:
        out = await self.away(self.channel, "RPC_OUT_DATA", b"cookie-4" + b"\0" * 68, ALICE, 76)
        await self.away(read_head, out)
        self.assertEqual(sum(front.doors.calls for front in self.service.fronts.values()), 0)
        await self.service.stopService()
        out.close()

    async def until(self, true: Any) -> None:
        while not true():
            turn: Deferred[None] = Deferred()
            reactor.callLater(0.01, turn.callback, None)  # type: ignore[attr-defined]
            await turn


def read_head(line: ssl.SSLSocket) -> bytes:
    return read_until(line, b"\r\n\r\n")


def read_until(line: ssl.SSLSocket, end: bytes) -> bytes:
    came = b""
    while not came.endswith(end):
        piece = line.recv(1)
        if not piece:
            raise EOFError(came)
        came += piece
    return came


def read_rest(line: ssl.SSLSocket) -> bytes:
    try:
        return line.recv(100)
    except OSError:
        return b""
