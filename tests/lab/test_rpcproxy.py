"""The lab's RPC proxy: which channels pair, who is refused, and that nothing outlives its other half."""

from __future__ import annotations

import base64
from typing import Any

import spnego
from support.anywhere import AnywhereCase
from support.lab import ALICE, BOB, USERS, Reply
from twisted.internet import reactor
from twisted.internet.task import deferLater

from mapiproxy.lab.anywhere import OutlookAnywhere
from mapiproxy.lab.authenticating import WindowsAuthenticator
from mapiproxy.lab.errors import AnswerLost, HttpRefused
from mapiproxy.lab.rts import CHANNEL_LENGTH, Pdu, conn_a1, conn_b1


class RpcProxyTests(AnywhereCase):
    async def test_in_may_come_before_out_and_what_it_said_is_kept(self) -> None:
        self.start()
        client = self.client()
        await client.open_in()
        client.send(b"early")
        await client.open_out()
        await client.opened()
        self.assertEqual(await client.receive(5), b"early")

    async def test_a_half_that_stays_alone_is_given_up(self) -> None:
        server = self.start()
        server.rpc.patience = 0.05
        out, inward = self.client(), self.client()
        await out.open_out()
        await out.gone("out")
        await inward.open_in()
        await inward.gone("in")
        head = inward.legs["in"].head
        self.assertEqual((head.status, head.raw[:27]), (503, b"HTTP/1.1 503 RPC Error: 6ba"))
        self.assertEqual(server.rpc.connections, {})

    async def test_halves_of_two_servers_do_not_find_each_other(self) -> None:
        first = self.start(tls=False)
        first.rpc.patience = 0.1
        client = self.client()
        await client.open_out()
        second = self.start(tls=False, name="LAB2")
        second.rpc.patience = 0.1
        other = self.client()
        other.cookie = client.cookie
        await other.open_in()
        await client.gone("out")
        await other.gone("in")
        self.assertEqual([each.direction for each in first.rpc.opened + second.rpc.opened], ["out", "in"])

    async def test_a_channel_of_another_user_is_refused_and_does_no_harm(self) -> None:
        self.start()
        client, thief = self.client(ALICE), self.client(BOB)
        thief.cookie = client.cookie
        await client.open_out()
        await thief.open_in()
        await thief.gone("in")
        self.assertIn(b"503 RPC Error: 5\r\n", thief.legs["in"].head.raw)
        with self.assertRaises(HttpRefused):
            await thief.open_out()
        await client.open_in()
        await client.opened()
        self.assertEqual(await client.say(b"mine"), b"mine")

    async def test_a_second_half_of_the_same_direction_is_refused(self) -> None:
        self.start()
        client, again = self.client(), self.client()
        again.cookie = client.cookie
        await client.open()
        with self.assertRaises(HttpRefused):
            await again.open_out()
        await again.open_in()
        await again.gone("in")
        self.assertIn(b"503 RPC Error: 6c0\r\n", again.legs["in"].head.raw)
        self.assertEqual(await client.say(b"on"), b"on")

    async def raw(self, direction: str, length: int, body: bytes) -> bytes:
        """Ask with this body; the head of the answer, or nothing if there was none."""
        client = self.client()
        await client._dial(direction)
        client._ask(direction, client.request(direction, length) + body)
        await client.gone(direction)
        head = client.legs[direction].head
        return b"" if head is None else head.raw.partition(b"\r\n")[0]

    async def test_first_words_that_open_nothing_are_refused(self) -> None:
        self.start()
        a1, b1 = conn_a1(b"1" * 16, b"2" * 16), conn_b1(b"1" * 16, b"2" * 16, b"3" * 16)
        version = Pdu(0, (((6, b"\2\0\0\0")), *a1.commands[1:]))
        flagged = Pdu(4, a1.commands)
        for body in (b"x" * 76, a1.raw + b"more", a1.raw[:-4], b1.raw, version.raw, flagged.raw):
            said = await self.raw("out", len(body), body)
            self.assertEqual(said, b"HTTP/1.1 503 RPC Error: 6c0")
        for body in (b"x" * 76, a1.raw, Pdu(0, b1.commands[:5]).raw):
            self.assertEqual(await self.raw("in", CHANNEL_LENGTH, body), said)
        self.assertEqual(await self.raw("in", 60, b1.raw[:60]), said)
        self.assertEqual(self.server.rpc.opened, [])

    async def test_a_declared_length_that_is_spent_ends_both(self) -> None:
        server = self.start()
        server.rpc.length = 28 + 44 + 10
        client = self.client()
        await client.open()
        client.send(b"0123456789ABC")
        self.assertEqual(await client.receive(10), b"0123456789")
        await client.gone("in")
        await client.gone("out")
        self.assertTrue(client.legs["out"].ended)

    async def test_in_whose_length_is_spent_ends_both(self) -> None:
        self.start()
        client = self.client()
        await client.open_out()
        first = conn_b1(client.cookie, b"2" * 16, b"3" * 16).raw
        await client._dial("in")
        client._ask("in", client.request("in", len(first) + 3) + first)
        await client.opened()
        self.assertEqual(await client.say(b"end"), b"end")
        await client.gone("out")
        await client.gone("in")

    async def test_one_who_says_too_much_before_there_is_an_out_is_cut(self) -> None:
        self.start()
        client = self.client()
        await client.open_in()
        client.send(b"x" * 70_000)
        await client.gone("in")
        self.assertEqual(self.server.rpc.connections, {})

    async def test_a_client_that_does_not_read_stops_its_own_sending(self) -> None:
        """What a slow OUT has not taken is not heaped up in the server's memory."""
        server = self.start(tls=False)
        client = self.client()
        await client.open()
        client.legs["out"].transport.pauseProducing()
        size = 60_000_000
        client.send(bytes(size))
        (found,) = server.rpc.connections.values()
        before = -1
        while found.halves["in"].left != before:
            before = found.halves["in"].left
            await deferLater(reactor, 0.2, lambda: None)
        self.assertGreater(found.halves["in"].left, CHANNEL_LENGTH - size)
        client.legs["out"].transport.resumeProducing()
        self.assertEqual(len(await client.receive(size)), size)

    async def test_who_is_revealed(self) -> None:
        self.start(reveal=True)
        client: OutlookAnywhere = self.client(BOB)
        await client.open()
        self.assertEqual(client.legs["out"].head.get(b"x-lab-user"), b"bob@example.test")
        self.assertEqual(client.legs["out"].head.get(b"x-feserver"), b"LAB1")

    async def test_a_server_that_stops_takes_its_channels_with_it(self) -> None:
        server = self.start()
        client = self.client()
        await client.open()
        await server.stop()
        await client.gone("in")
        await client.gone("out")
        with self.assertRaises(AnswerLost):
            await client.receive(1)
        self.assertEqual(server.rpc.connections, {})


class GrommunioTests(AnywhereCase):
    kind = "grommunio"

    async def test_a_wrong_password_on_in_is_answered_late_and_closed(self) -> None:
        self.start(wrong_password_delay=0.05)
        client: Any = self.client(authorization=b"Basic eDp5")
        await client.open_in()
        await client.gone("in")
        head = client.legs["in"].head
        self.assertEqual(head.status, 401)
        self.assertEqual(head.all(b"connection"), [b"close"])


class NtlmTests(AnywhereCase):
    async def test_each_channel_is_authenticated_by_its_own_handshake(self) -> None:
        """Windows says type 1 in a request without a body, type 3 in the channel's own."""
        server = self.start(reveal=True)
        server.backend.authenticator = WindowsAuthenticator(USERS, ["NTLM"], "LAB1", None)
        client = self.client(authorization=b"")
        for direction, length in (("out", 76), ("in", CHANNEL_LENGTH)):
            await client._dial(direction)
            leg = client.legs[direction]
            windows = spnego.client("alice@example.test", "alicepw", protocol="ntlm")
            client._ask(direction, with_token(client.request(direction, 0), windows.step()))
            await client._until(lambda leg=leg: leg.ended)
            offer = Reply(leg.head.raw).get(b"WWW-Authenticate").removeprefix(b"NTLM ")
            token = windows.step(base64.b64decode(offer))
            leg.head, leg.ended = None, False
            leg.body.clear()
            first = conn_a1(client.cookie, b"1" * 16)
            if direction == "in":
                first = conn_b1(client.cookie, b"2" * 16, b"3" * 16)
            client._ask(direction, with_token(client.request(direction, length), token) + first.raw)
            if direction == "out":
                await client.receive(28)
        await client.opened()
        self.assertEqual(await client.say(b"hello"), b"hello")
        self.assertEqual(client.legs["out"].head.get(b"x-lab-user"), b"alice@example.test")
        self.assertEqual([each.login for each in server.rpc.opened], ["alice@example.test"] * 2)


def with_token(head: bytes, token: bytes | None) -> bytes:
    line = b"Authorization: NTLM %b\r\n\r\n" % base64.b64encode(token or b"")
    return head.removesuffix(b"\r\n") + line
