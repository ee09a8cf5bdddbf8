"""The client of Outlook Anywhere against a lab server over TLS, on real sockets."""

from __future__ import annotations

from typing import Any

import attrs
from support.anywhere import AnywhereCase
from support.lab import ALICE, BOB
from twisted.internet import reactor
from twisted.internet.protocol import Factory, Protocol

from mapiproxy.lab.anywhere import OutlookAnywhere
from mapiproxy.lab.dialing import Address
from mapiproxy.lab.errors import AnswerLost, BadAnswer, DialFailed, HttpRefused, LabError, Unauthorized
from mapiproxy.lab.rts import ECHO, ECHO_BODY


class AnywhereTests(AnywhereCase):
    async def test_what_is_sent_on_in_comes_on_out_before_either_message_has_an_end(self) -> None:
        self.start()
        client = self.client()
        await client.open()
        for piece in (b"a", b"bc", bytes(range(256)) * 16):
            self.assertEqual(await client.say(piece), piece)
        self.assertEqual(client.legs["out"].head.status, 200)
        self.assertEqual(client.legs["out"].head.get(b"content-length"), b"1073741824")
        self.assertEqual(client.legs["out"].head.get(b"content-type"), b"application/rpc")
        self.assertIsNone(client.legs["in"].head)

    async def test_many_bytes_come_whole(self) -> None:
        self.start()
        client = self.client()
        await client.open()
        data = bytes(range(251)) * 20_000
        self.assertEqual(await client.say(data), data)

    async def test_both_kinds_and_plain_connections(self) -> None:
        for self.kind in ("exchange", "grommunio"):
            self.start(tls=False)
            client = self.client(path="/RpcWithCert/RpcProxy.dll")
            await client.open()
            self.assertEqual(await client.say(b"hello"), b"hello")

    async def test_losing_one_channel_loses_the_other(self) -> None:
        self.start()
        for lost, other in (("in", "out"), ("out", "in")):
            client = self.client()
            await client.open()
            client.reset(lost)
            await client.gone(other)
            with self.assertRaises(AnswerLost):
                await client.receive(1)
        self.assertEqual(self.server.rpc.connections, {})

    async def test_what_came_before_the_loss_can_be_had(self) -> None:
        self.start()
        client = self.client()
        await client.open()
        client.send(b"last words")
        await client.receive(1)
        client.reset("in")
        await client.gone("out")
        self.assertEqual(await client.receive(9), b"ast words")

    async def test_an_echo_probe(self) -> None:
        self.start()
        client = self.client()
        for direction in ("in", "out"):
            for body in (ECHO_BODY, b""):
                echo = await client.echo(direction, body)
                self.assertEqual((echo.status, echo.body), (200, ECHO.raw))
        self.assertEqual((await self.client(authorization=b"").echo()).status, 401)

    async def test_without_credentials_or_with_wrong_ones_nothing_opens(self) -> None:
        self.start()
        wrong: Any = attrs.evolve(ALICE, password="wrong")
        for client in (self.client(authorization=b""), self.client(wrong)):
            with self.assertRaises(Unauthorized):
                await client.open()
            # The server answers IN while the request goes on.
            await client.open_in()
            await client.gone("in")
            self.assertEqual(client.legs["in"].head.status, 401)
        self.assertEqual(self.server.rpc.opened, [])

    async def test_other_paths_are_refused(self) -> None:
        self.start()
        with self.assertRaises(HttpRefused):
            await self.client(path="/rpc/other.dll").open()

    async def test_the_book_tells_who_came_by_which_channel(self) -> None:
        self.start()
        one, two = self.client(), self.client(BOB, target="lab1.corp.test:6004")
        await one.open()
        await two.open()
        self.assertEqual(
            [(each.direction, each.login, each.target, each.cookie) for each in self.server.rpc.opened],
            [
                (direction, client.user.login, b"/rpc/rpcproxy.dll?" + target, client.cookie)
                for client, target in (
                    (one, ALICE.mailbox_id.encode() + b":6001"),
                    (two, b"lab1.corp.test:6004"),
                )
                for direction in ("out", "in")
            ],
        )

    async def test_nobody_there(self) -> None:
        address = Address("127.0.0.1", 1, tls=False)
        client = OutlookAnywhere(reactor, address, ALICE)
        with self.assertRaises(DialFailed):
            await client.open()

    async def test_an_answer_that_is_not_outlook_anywheres(self) -> None:
        head = b"HTTP/1.1 200 Success\r\nContent-Length: 1000\r\n\r\n"
        for raw, error in (
            (b"nonsense\r\n\r\n", BadAnswer),
            (head + b"x" * 30, BadAnswer),
            (head + ECHO.raw, BadAnswer),
            (b"HTTP/1.1 503 RPC Error: 6ba\r\nContent-Length: 0\r\n\r\n", HttpRefused),
            (head, AnswerLost),
            (None, AnswerLost),
        ):
            client = self.against(raw, patience=0.1)
            with self.assertRaises(error):
                await client.open()

    def against(self, raw: bytes | None, patience: float) -> OutlookAnywhere:
        """A client of a server that says *raw* to everybody; ``None``: closes."""

        class Sayer(Protocol):
            def dataReceived(self, data: bytes) -> None:
                if raw is None:
                    self.transport.loseConnection()
                else:
                    self.transport.write(raw)

        port = reactor.listenTCP(0, Factory.forProtocol(Sayer), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        address = Address("127.0.0.1", port.getHost().port, tls=False)
        return OutlookAnywhere(reactor, address, ALICE, patience=patience)

    async def test_after_a_failed_opening_nothing_is_left(self) -> None:
        client = self.against(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 5)
        with self.assertRaises(LabError):
            await client.open()
        self.assertTrue(all(leg.closed for leg in client.legs.values()))
