"""A client that logs on: with Basic, and with real handshakes over real connections."""

from __future__ import annotations

from base64 import b64encode

from support.lab import ALICE, USERS
from support.lab_sockets import ServerCase
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from mapiproxy.lab.asking import Request
from mapiproxy.lab.authenticating import WindowsAuthenticator
from mapiproxy.lab.client import Address, OutlookClient
from mapiproxy.lab.dialing import dial
from mapiproxy.lab.errors import AnswerLost, LoginBroken, NotSent
from mapiproxy.lab.faults import AnswerRaw, CloseNow
from mapiproxy.lab.line import ClientLine
from mapiproxy.lab.login import BasicLogin, WindowsLogin, ask_as, token_of
from mapiproxy.wire.heads import parse_response_head

UNAUTHORIZED = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n"


def head(*challenges: bytes):
    lines = b"".join(b"WWW-Authenticate: %b\r\n" % each for each in challenges)
    return parse_response_head(UNAUTHORIZED + lines + b"\r\n")


def test_the_token_of_a_challenge_is_that_of_its_own_scheme():
    assert token_of(head(b"Negotiate", b"ntlm " + b64encode(b"two")), "NTLM") == b"two"
    assert token_of(head(b"Negotiate", b"NTLM"), "NTLM") is None
    assert token_of(head(b"NTLM !!!"), "NTLM") is None
    assert token_of(head(), "Negotiate") is None


class LoginTest(ServerCase):
    def windows(self, *schemes: str, **options):
        server = self.start(**options)
        server.backend.authenticator = WindowsAuthenticator(USERS, schemes or ("Negotiate", "NTLM", "Basic"))
        return server

    def user(self, server, scheme: str, password: str = ALICE.password) -> OutlookClient:
        login = WindowsLogin(scheme, ALICE.login, password, "localhost")
        client = OutlookClient(reactor, Address("127.0.0.1", server.port, tls=False), ALICE, login=login)
        self.addCleanup(lambda: Deferred.fromCoroutine(client.close()))
        return client

    async def line(self, server) -> ClientLine:
        line = ClientLine(1, reactor, 5.0)
        await dial(reactor, Address("127.0.0.1", server.port, tls=False), line)
        self.addCleanup(line.abort)
        return line

    def request(self) -> Request:
        return Request(("POST /ews/x HTTP/1.1", "Host: localhost"), b"body")

    async def test_a_connection_is_authenticated_once(self) -> None:
        for scheme in ("NTLM", "Negotiate"):
            server = self.windows()
            client = self.user(server, scheme)
            (await client.connect()).check()
            (await client.logon()).check()
            (await client.ping()).check()

            # One 401 that begins the handshake, and only one.
            self.assertEqual([seen.login for seen in server.backend.seen], [None] + [ALICE.login] * 3)
            self.assertEqual(server.made, 1)

    async def test_each_connection_has_its_own_handshake(self) -> None:
        server = self.windows()
        client = self.user(server, "NTLM")
        (await client.connect()).check()
        (await client.logon()).check()
        await client.reset("call")
        (await client.execute()).check()
        self.assertEqual([seen.login for seen in server.backend.seen].count(None), 2)

    async def test_a_wrong_password_is_a_401_and_no_error_of_the_handshake(self) -> None:
        client = self.user(self.windows(), "NTLM", "wrong")
        step = await client.connect()
        self.assertEqual(step.status, 401)

    async def test_basic_goes_with_each_request(self) -> None:
        server = self.windows("Basic")
        line = await self.line(server)
        for _ in range(2):
            received = await ask_as(BasicLogin(ALICE.basic), line, self.request())
            self.assertEqual(received.head.status, 200)
            self.assertIn(b"body: 4 bytes", bytes(received.payload))

    async def test_a_scheme_that_is_not_gone_on_with_is_said(self) -> None:
        line = await self.line(self.windows("Basic"))
        with self.assertRaisesRegex(LoginBroken, "was begun and not gone on with"):
            await ask_as(WindowsLogin("NTLM", ALICE.login, "alicepw", "h"), line, self.request())

    async def test_a_connection_that_is_closed_within_the_handshake_is_said(self) -> None:
        server = self.windows()
        line = await self.line(server)
        closing = UNAUTHORIZED + b"Connection: close\r\nWWW-Authenticate: NTLM "
        challenge = await self.challenge()
        server.on_request = lambda request: AnswerRaw(closing + b64encode(challenge) + b"\r\n\r\n", close=True)
        with self.assertRaisesRegex(LoginBroken, "closed within the NTLM handshake"):
            await ask_as(WindowsLogin("NTLM", ALICE.login, "alicepw", "h"), line, self.request())

    async def challenge(self) -> bytes:
        """A real second message."""
        import spnego

        first = spnego.client("a", "b", protocol="ntlm", options=spnego.NegotiateOptions.use_ntlm).step()
        assert first is not None
        answer = WindowsAuthenticator(USERS).check(b"NTLM " + b64encode(first), {})
        token = token_of(head(*answer.challenges), "NTLM")
        assert token is not None
        return token

    async def test_a_token_that_is_none_is_said(self) -> None:
        server = self.windows()
        rubbish = UNAUTHORIZED + b"WWW-Authenticate: NTLM " + b64encode(b"rubbish") + b"\r\n\r\n"
        server.on_request = lambda request: AnswerRaw(rubbish)
        with self.assertRaisesRegex(LoginBroken, "token was not understood"):
            await ask_as(WindowsLogin("NTLM", ALICE.login, "alicepw", "h"), await self.line(server), self.request())

    async def test_a_loss_within_the_handshake_means_that_nothing_was_sent(self) -> None:
        server = self.windows()
        server.on_request = lambda request: CloseNow(abort=True)
        with self.assertRaises(NotSent) as caught:
            await ask_as(WindowsLogin("NTLM", ALICE.login, "alicepw", "h"), await self.line(server), self.request())
        self.assertIsInstance(caught.exception.__cause__, AnswerLost)

    async def test_a_server_that_asks_nobody_gets_the_request_without_credentials(self) -> None:
        server = self.windows()
        server.on_request = lambda request: AnswerRaw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        received = await ask_as(
            WindowsLogin("NTLM", ALICE.login, "alicepw", "h"), await self.line(server), self.request()
        )
        self.assertEqual(bytes(received.payload), b"hi")
        self.assertEqual(len(server.backend.seen), 0)
