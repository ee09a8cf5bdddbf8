"""Windows authentication through the proxy, over TLS on real sockets, with clients that nobody here wrote."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests
import spnego
from requests_ntlm import HttpNtlmAuth
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool
from twisted.trial.unittest import SkipTest, TestCase

from mapiproxy.lab.authenticating import WindowsAuthenticator, bindings_of
from mapiproxy.lab.authority import Authority, Issued
from mapiproxy.lab.dialect import LabOptions
from mapiproxy.lab.server import LabServer
from mapiproxy.lab.tls import server_context
from mapiproxy.lab.users import lab_users
from mapiproxy.service import make_service
from mapiproxy.settings import load_settings

PEOPLE = 50
LOGINS = [f"user{number:02}@example.test" for number in range(PEOPLE)]
USERS = lab_users(*(f"{login}:pw-{login[:6]}" for login in LOGINS))


class IdentityCase(TestCase):
    """Two Exchange servers that know NTLM, Negotiate and Basic, and the proxy with *their* certificate."""

    timeout = 60
    protected = True
    methods = ""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir(parents=True)
        self.authority = Authority(self.folder / "ca")
        self.issued = self.authority.issue("localhost", "127.0.0.1")
        self.labs = [self._lab(name) for name in ("EXCH1", "EXCH2")]
        self._start_proxy(self.issued)
        self.pool = ThreadPool(2, PEOPLE, "clients")
        self.pool.start()
        self.addCleanup(self.pool.stop)

    def _lab(self, name: str) -> LabServer:
        bindings = bindings_of(self.issued.certificate) if self.protected else None
        server = LabServer(
            "exchange",
            name,
            USERS,
            LabOptions(reveal=True),
            reactor,
            tls=server_context(self.issued.certificate, self.issued.key),
            authenticator=WindowsAuthenticator(USERS, realm=name, bindings=bindings),
        )
        server.start()
        self.addCleanup(server.stop)
        return server

    def _start_proxy(self, issued: Issued) -> None:
        file = self.folder / "mapiproxy.toml"
        servers = "".join(
            f'[[backend.ex.server]]\nname = "{lab.name}"\nurl = "{lab.url}"\n' for lab in self.labs
        )
        file.write_text(
            f'[listener.mail]\nbind = "127.0.0.1:0"\ncertificate = "{issued.certificate}"\nkey = "{issued.key}"\n'
            f'[backend.ex]\nkind = "exchange"\nvdirs = ["mapi"]\nca_file = "{self.authority.ca_file}"\n{servers}'
            f"{self.methods}[health]\nenabled = false\n[log]\nenabled = false\n"
        )
        self.service = make_service(load_settings(file), reactor, file)
        self.service.startService()
        self.addCleanup(self.service.stopService)
        self.url = f"https://127.0.0.1:{self.service.ports[0].getHost().port}/mapi/emsmdb/?MailboxId="

    def away(self, work: Callable[..., Any], *arguments: Any) -> Deferred[Any]:
        """Run a client that blocks in a thread of its own."""
        return deferToThreadPool(reactor, self.pool, work, *arguments)  # type: ignore[arg-type]

    def session(self) -> requests.Session:
        session = requests.Session()
        session.verify = str(self.authority.ca_file)
        session.trust_env = False
        return session

    def ping(self, session: requests.Session, mailbox: str, **more: Any) -> requests.Response:
        headers = {"X-RequestType": "PING", "X-RequestId": "{0}:1", "Content-Type": "application/mapi-http"}
        return session.post(self.url + mailbox, headers=headers, data=b"", timeout=30, **more)


class ProtectedCase(IdentityCase):
    """The proxy has the certificate of its backends, so Extended Protection can be on."""

    async def test_requests_ntlm_logs_on_and_its_connection_stays_authenticated(self) -> None:
        session = self.session()
        session.auth = HttpNtlmAuth("LAB\\user07", "pw-user07")
        first = await self.away(self.ping, session, LOGINS[7])
        session.auth = None
        second = await self.away(self.ping, session, LOGINS[7])

        for answer in (first, second):
            self.assertEqual((answer.status_code, answer.headers["X-Lab-User"]), (200, LOGINS[7]))
            self.assertEqual(answer.headers["Persistent-Auth"], "true")
        self.assertEqual(first.headers["X-Lab-Connection"], second.headers["X-Lab-Connection"])

    async def test_a_wrong_password_is_a_401_with_every_offer_untouched(self) -> None:
        session = self.session()
        session.auth = HttpNtlmAuth("LAB\\user07", "wrong")
        answer = await self.away(self.ping, session, LOGINS[7])

        self.assertEqual(answer.status_code, 401)
        offers = answer.raw.headers.getlist("WWW-Authenticate")
        self.assertEqual([offer.partition(" ")[0] for offer in offers], ["Negotiate", "NTLM", "Basic"])
        self.assertNotIn("X-Lab-User", answer.headers)

    async def test_fifty_people_at_once_are_all_served_as_themselves(self) -> None:
        """Every fifth with Basic; each over a connection of its own, with a second mailbox in between."""

        def work(number: int) -> list[str | None]:
            session = self.session()
            login, password = LOGINS[number], f"pw-user{number:02}"
            basic = number % 5 == 0
            session.auth = (login, password) if basic else HttpNtlmAuth(f"LAB\\{login[:6]}", password)
            said = [self.ping(session, login)]
            if not basic:
                session.auth = None
            said += [self.ping(session, mailbox) for mailbox in (login, LOGINS[number - 1], login)]
            session.close()
            return [answer.headers.get("X-Lab-User") for answer in said]

        seen = await gatherResults([self.away(work, number) for number in range(PEOPLE)])

        self.assertEqual(seen, [[login] * 4 for login in LOGINS])
        self.assertEqual({lab.name for lab in self.labs if lab.made}, {"EXCH1", "EXCH2"})

    async def test_the_session_after_somebody_is_nobodys(self) -> None:
        session = self.session()
        session.auth = HttpNtlmAuth("LAB\\user07", "pw-user07")
        await self.away(self.ping, session, LOGINS[7])
        stranger = await self.away(self.ping, self.session(), LOGINS[7])

        self.assertEqual(stranger.status_code, 401)

    async def test_a_backend_lost_under_an_authenticated_client_is_a_new_connection_and_a_new_handshake(self) -> None:
        session = self.session()
        session.auth = HttpNtlmAuth("LAB\\user07", "pw-user07")
        first = await self.away(self.ping, session, LOGINS[7])
        for lab in self.labs:
            for connection in list(lab.connections):
                connection.drop()
        await self.away(lambda: None)
        second = await self.away(self.ping, session, LOGINS[7])

        self.assertEqual((second.status_code, second.headers["X-Lab-User"]), (200, LOGINS[7]))
        self.assertNotEqual(
            (first.headers["X-Lab-Connection"], first.headers.get("X-FEServer")),
            (second.headers["X-Lab-Connection"], second.headers.get("X-FEServer")),
        )


class CurlCase(IdentityCase):
    """curl has no channel bindings for NTLM with OpenSSL, so Extended Protection is off."""

    protected = False

    def curl(self, user: str, *urls: str) -> str:
        if shutil.which("curl") is None:
            raise SkipTest("curl is not installed")
        done = subprocess.run(
            ["curl", "-sS", "--ntlm", "-u", user, "--cacert", str(self.authority.ca_file), "-i", "-X", "POST",
             "-H", "X-RequestType: PING", "-H", "X-RequestId: {0}:1", "-d", "", *urls],
            capture_output=True, text=True, timeout=30, check=True,
        )  # fmt: skip
        return done.stdout

    async def test_curl_logs_on_with_ntlm_and_asks_again_over_the_same_connection(self) -> None:
        said = await self.away(self.curl, "LAB\\user07:pw-user07", self.url + LOGINS[7], self.url + LOGINS[7])

        self.assertEqual(said.count("\nX-Lab-User: user07@example.test"), 2, said)
        self.assertIn("HTTP/1.1 401", said)
        self.assertEqual(len({line for line in said.split("\n") if line.startswith("X-Lab-Connection")}), 1)

    async def test_curl_with_a_wrong_password_is_refused(self) -> None:
        said = await self.away(self.curl, "LAB\\user07:wrong", self.url + LOGINS[7])
        self.assertNotIn("X-Lab-User", said)


class TheftCase(IdentityCase):
    """Somebody who speaks HTTP by hand, over TLS, and tries for another's connection."""

    protected = False

    def line(self) -> Wire:
        return Wire(self.service.ports[0].getHost().port, self.authority.ca_file)

    def client(self, number: int) -> Any:
        login = LOGINS[number][:6]
        return spnego.client(f"LAB\\{login}", f"pw-{login}", protocol="ntlm")

    async def test_a_handshake_begun_on_one_connection_cannot_be_finished_on_another(self) -> None:
        def work() -> list[bytes]:
            one, other = self.line(), self.line()
            alice, mallory = self.client(1), self.client(2)
            challenge = one.ask(b"NTLM " + b64encode(alice.step()))
            other.ask(b"NTLM " + b64encode(mallory.step()))
            last = b"NTLM " + b64encode(alice.step(token_of(challenge)))
            return [other.ask(last), other.ask(), one.ask(last), one.ask(), other.ask()]

        stolen, after, own, later, still = await self.away(work)

        for answer in (stolen, after, still):
            self.assertTrue(answer.startswith(b"HTTP/1.1 401"), answer)
            self.assertNotIn(b"X-Lab-User", answer)
        for answer in (own, later):
            self.assertIn(b"X-Lab-User: user01@example.test", answer)

    async def test_what_is_pipelined_behind_the_last_token_is_that_users_and_nobody_elses(self) -> None:
        def work() -> tuple[bytes, bytes]:
            line, client = self.line(), self.client(3)
            challenge = line.ask(b"NTLM " + b64encode(client.step()))
            last = b"NTLM " + b64encode(client.step(token_of(challenge)))
            line.send(last)
            line.send(b"", LOGINS[4])
            line.send(b"", LOGINS[3])
            mine = b"".join(line.read() for _ in range(3))
            return mine, self.line().ask()

        mine, stranger = await self.away(work)

        self.assertEqual(mine.count(b"X-Lab-User: user03@example.test"), 3, mine)
        self.assertTrue(stranger.startswith(b"HTTP/1.1 401"))

    async def test_a_reset_between_challenge_and_last_token_ends_the_clients_connection(self) -> None:
        line, client = await self.away(self.line), self.client(5)
        challenge = await self.away(line.ask, b"NTLM " + b64encode(client.step()))
        for lab in self.labs:
            for connection in list(lab.connections):
                connection.drop()
        last = b"NTLM " + b64encode(client.step(token_of(challenge)))
        answer = await self.away(line.ask, last)

        self.assertNotIn(b"X-Lab-User", answer)
        self.assertNotIn(b"HTTP/1.1 200", answer)
        self.assertEqual(await self.away(line.ask), b"")


class Wire:
    """A TLS connection, and requests written by hand."""

    def __init__(self, port: int, ca: Path) -> None:
        plain = socket.create_connection(("127.0.0.1", port), 10)
        self._line = ssl.create_default_context(cafile=ca).wrap_socket(plain, server_hostname="localhost")
        self._rest = b""

    def send(self, authorization: bytes = b"", mailbox: str = LOGINS[1]) -> None:
        credentials = b"Authorization: " + authorization + b"\r\n" if authorization else b""
        self._line.sendall(
            b"POST /mapi/emsmdb/?MailboxId=" + mailbox.encode() + b" HTTP/1.1\r\nHost: localhost\r\n"
            b"X-RequestType: PING\r\nX-RequestId: {0}:1\r\nContent-Length: 0\r\n" + credentials + b"\r\n"
        )

    def read(self) -> bytes:
        """One answer's head and body, or what came before the end."""
        while b"\r\n\r\n" not in self._rest or not self._is_whole():
            piece = self._line.recv(65536)
            if not piece:
                break
            self._rest += piece
        head, _, rest = self._rest.partition(b"\r\n\r\n")
        size = self._size(head)
        body = rest[:size] if size >= 0 else rest[: rest.find(b"0\r\n\r\n") + 5]
        self._rest = rest[len(body) :]
        return head + b"\r\n\r\n" + body if head else b""

    def ask(self, authorization: bytes = b"") -> bytes:
        try:
            self.send(authorization)
            return self.read()
        except OSError:
            return b""

    def _is_whole(self) -> bool:
        head, _, rest = self._rest.partition(b"\r\n\r\n")
        size = self._size(head)
        return len(rest) >= size if size >= 0 else b"0\r\n\r\n" in rest

    @staticmethod
    def _size(head: bytes) -> int:
        found = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        return int(found) if found else -1 if b"chunked" in head else 0


def token_of(answer: bytes) -> bytes:
    """The challenge in a 401."""
    return b64decode(answer.partition(b"WWW-Authenticate: NTLM ")[2].partition(b"\r\n")[0])


class MethodsCase(IdentityCase):
    """The virtual directory offers NTLM alone."""

    methods = '[backend.ex.vdir.mapi]\niis_authentication_methods = ["NTLM"]\n'

    async def test_only_ntlm_is_offered_and_basic_is_refused_here(self) -> None:
        anonymous = await self.away(self.ping, self.session(), LOGINS[7])
        session = self.session()
        session.auth = (LOGINS[7], "pw-user07")
        basic = await self.away(self.ping, session, LOGINS[7])
        session.auth = HttpNtlmAuth("LAB\\user07", "pw-user07")
        ntlm = await self.away(self.ping, session, LOGINS[7])

        self.assertEqual((anonymous.status_code, anonymous.headers["WWW-Authenticate"]), (401, "NTLM"))
        self.assertEqual((basic.status_code, basic.headers["WWW-Authenticate"]), (401, "NTLM"))
        self.assertEqual((ntlm.status_code, ntlm.headers["X-Lab-User"]), (200, LOGINS[7]))


class OtherCertificateCase(IdentityCase):
    """The proxy has a certificate of its own, which is what Extended Protection is there to find out."""

    def _start_proxy(self, issued: Issued) -> None:
        super()._start_proxy(self.authority.issue("127.0.0.1", "mail.example.test"))

    async def test_extended_protection_refuses_ntlm_and_not_basic(self) -> None:
        session = self.session()
        session.auth = HttpNtlmAuth("LAB\\user07", "pw-user07")
        ntlm = await self.away(self.ping, session, LOGINS[7])
        session = self.session()
        session.auth = (LOGINS[7], "pw-user07")
        basic = await self.away(self.ping, session, LOGINS[7])

        self.assertEqual((ntlm.status_code, basic.status_code), (401, 200))
