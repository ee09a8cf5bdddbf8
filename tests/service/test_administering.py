"""The status page of a real service: it shows what is there, orders what it is told, and follows a reload."""

from __future__ import annotations

import json
import re
import socket
import ssl
from typing import Any

from support.certs import issue_weak
from support.lab import ALICE, BOB
from support.running import RunningCase, later
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.threads import deferToThread

from mapiproxy.backends.fleet import Admin
from mapiproxy.lab.authority import Authority

TOKEN = "a-token-of-sixteen-letters-or-more"
HERE = '[admin]\nbind = "127.0.0.1:0"\n'


def fetch(port: int, sent: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), 20) as line:
        line.sendall(sent)
        came = b""
        while piece := line.recv(65536):
            came += piece
        return came


class AdministrationCase(RunningCase):
    more = HERE

    def write(self, more: str = "", **weights: int) -> None:
        super().write(more or self.more, **weights)

    @property
    def port(self) -> int:
        door = self.service.administration.door
        assert door is not None
        assert door.port is not None
        return int(door.port.getHost().port)

    def get(self, target: str, *headers: str) -> Any:
        lines = [f"GET {target} HTTP/1.1", "Host: localhost", "Connection: close", *headers, "", ""]
        return deferToThread(fetch, self.port, "\r\n".join(lines).encode())

    @inlineCallbacks
    def test_the_page_shows_real_servers_and_sessions(self) -> Any:
        for user in (ALICE, BOB):
            client = self.client(user)
            yield Deferred.fromCoroutine(client.connect())
            yield Deferred.fromCoroutine(client.logon())
        overview = (yield self.get("/")).decode()
        for words in ("ONE", "TWO", "generation 1", "mailbox", "Outlook 16.0", "Requests", self.labs["ONE"].url):
            self.assertIn(words, overview)
        sessions = (yield self.get("/sessions?mailbox=alice")).decode()
        self.assertIn("1 to 1 of 1", sessions)
        self.assertIn(ALICE.login, sessions)
        self.assertNotIn(BOB.login, sessions)
        for user in (ALICE, BOB):
            self.assertNotIn(user.password, overview + sessions)

    @inlineCallbacks
    def test_the_feeds_are_the_same_as_on_the_control_socket(self) -> Any:
        client = self.client()
        yield Deferred.fromCoroutine(client.connect())
        for name in ("status", "servers", "sessions", "statistics"):
            came = yield self.get(f"/api/{name}")
            self.assertEqual(json.loads(came.partition(b"\r\n\r\n")[2]).keys(), self.ask(name).keys())
        came = yield self.get("/metrics")
        self.assertIn(b"Content-Type: text/plain; version=", came)
        self.assertRegex(came, rb'\nmapiproxy_requests_total\{[^\n]*request_type="Connect"[^\n]*\} 1\.0\n')

    @inlineCallbacks
    def test_a_form_drains_a_real_server(self) -> Any:
        page = (yield self.get("/order?do=drain&pool=lab&server=ONE")).decode()
        key, cookie = re.search(r'name="key" value="(\w+)"', page), re.search("Set-Cookie: ([^;]+)", page)
        assert key is not None
        assert cookie is not None
        body = f"do=drain&pool=lab&server=ONE&key={key[1]}"
        sent = (
            f"POST /order HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nCookie: {cookie[1]}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        )
        came = yield deferToThread(fetch, self.port, sent.encode())
        self.assertIn(b" 303 ", came)
        self.assertIs(self.backend("ONE").admin, Admin.DRAIN)
        self.assertIs(self.backend("TWO").admin, Admin.READY)

    @inlineCallbacks
    def test_a_reload_changes_who_may_and_keeps_the_port(self) -> Any:
        before = self.port
        token = self.folder / "token"
        token.write_text(TOKEN)
        token.chmod(0o600)
        self.write(f'{HERE}token_file = "{token}"\nread_only = true\n')
        reply = self.ask("reload")
        self.assertIn("[admin] changed", reply["changes"])
        self.assertEqual(self.port, before)
        self.assertIn(b" 401 ", (yield self.get("/api/status")))
        self.assertIn(b" 200 ", (yield self.get("/api/status", f"Authorization: Bearer {TOKEN}")))
        self.assertIn(b" 421 ", (yield self.get("/api/status", "Host: evil")))

    @inlineCallbacks
    def test_tokens_and_certificates_are_read_again_when_their_files_change(self) -> Any:
        token = self.folder / "token"
        token.write_text(TOKEN)
        issued = Authority(self.folder / "ca").issue("localhost")
        self.write(f'[admin]\nbind = "127.0.0.3:0"\ntoken_file = "{token}"\ncertificate = "{issued.both}"\n')
        token.chmod(0o600)
        self.assertTrue(self.ask("reload")["ok"])
        door = self.service.administration.door
        assert door is not None
        assert door.creator is not None
        before = door.creator.certificates[0].fingerprint
        self.service.renewal.look_at_files()
        self.assertIs(door.creator.certificates[0].fingerprint, before)

        issued.both.write_text("half of it")
        token.write_text("another-token-of-sixteen")
        self.service.renewal.look_at_files()
        self.assertEqual(door.creator.certificates[0].fingerprint, before)
        self.assertIsNotNone(door.gate.keys.tokens.find(TOKEN))
        Authority(self.folder / "other").issue("localhost").both.replace(issued.both)
        for content in ("", "# none\n", "another"):
            token.write_text(content)
            self.service.renewal.look_at_files()
            self.assertIsNotNone(door.gate.keys.tokens.find(TOKEN))
        token.write_text("another-token-of-sixteen")
        self.service.renewal.look_at_files()
        self.assertNotEqual(door.creator.certificates[0].fingerprint, before)
        self.assertIsNone(door.gate.keys.tokens.find(TOKEN))
        self.assertIsNotNone(door.gate.keys.tokens.find("another-token-of-sixteen"))
        yield None

    @inlineCallbacks
    def test_a_certificate_that_openssl_refuses_is_not_taken_and_nothing_else_stops(self) -> Any:
        issued = Authority(self.folder / "ca").issue("localhost")
        self.write(f'[admin]\nbind = "127.0.0.3:0"\ncertificate = "{issued.both}"\n')
        self.assertTrue(self.ask("reload")["ok"])
        door = self.service.administration.door
        assert door is not None
        assert door.creator is not None
        before = door.creator.certificates[0].fingerprint
        issue_weak(issued.both)
        self.service.renewal._next_files = 0.0
        self.service._tick()
        self.assertEqual(door.creator.certificates[0].fingerprint, before)
        self.assertEqual(self.flushLoggedErrors(), [])
        yield None

    @inlineCallbacks
    def test_who_is_connected_with_a_certificate_of_an_authority_that_went_has_to_go(self) -> Any:
        """A page that asks again every two seconds would stay connected for ever."""
        mine, other = Authority(self.folder / "ca"), Authority(self.folder / "other")
        issued, trusted = mine.issue("localhost"), self.folder / "trusted.pem"
        trusted.write_bytes(mine.ca_file.read_bytes())
        self.write(
            f'[admin]\nbind = "127.0.0.3:0"\ncertificate = "{issued.both}"\nclient_ca = "{trusted}"\n'
        )
        self.assertTrue(self.ask("reload")["ok"])
        context = ssl.create_default_context(cafile=str(mine.ca_file))
        context.load_cert_chain(str(mine.issue("admin").both))

        def connect() -> ssl.SSLSocket:
            plain = socket.create_connection(("127.0.0.3", self.port), 20)
            line = context.wrap_socket(plain, server_hostname="localhost")
            line.settimeout(5)
            self.addCleanup(line.close)
            return line

        def look(line: ssl.SSLSocket) -> bytes:
            line.sendall(b"GET /files/icon.svg HTTP/1.1\r\nHost: 127.0.0.3\r\n\r\n")
            try:
                return line.recv(12)
            except OSError:
                return b""

        line = yield deferToThread(connect)
        self.assertEqual((yield deferToThread(look, line)), b"HTTP/1.1 200")
        self.assertTrue(self.ask("reload")["ok"])
        self.assertTrue((yield deferToThread(look, line)))
        trusted.write_bytes(other.ca_file.read_bytes())
        self.service.renewal.look_at_files()
        yield later(0.05)

        def drain(line: ssl.SSLSocket) -> bytes:
            came = b"x"
            while came:
                try:
                    came = line.recv(65536)
                except (ConnectionError, ssl.SSLError):
                    return b""
            return came

        self.assertEqual((yield deferToThread(drain, line)), b"")
        try:
            again = yield deferToThread(lambda: look(connect()))
        except OSError:
            again = b""
        self.assertEqual(again, b"")

    @inlineCallbacks
    def test_a_reload_moves_and_closes_the_page(self) -> Any:
        before = self.port
        self.write('[admin]\nbind = "127.0.0.2:0"\n')
        self.assertTrue(self.ask("reload")["ok"])
        door = self.service.administration.door
        assert door is not None
        assert door.port is not None
        self.assertEqual(door.port.getHost().host, "127.0.0.2")
        yield self.assertFailure(deferToThread(fetch, before, b"x"), ConnectionRefusedError)
        self.write("[proxy]\n")
        self.assertTrue(self.ask("reload")["ok"])
        self.assertIsNone(self.service.administration.door)

    def test_a_page_that_cannot_be_had_refuses_the_whole_reload(self) -> None:
        before = self.port
        taken = self.service.ports[0].getHost().port
        for bind in (f"127.0.0.1:{taken}",):
            self.write(f'[admin]\nbind = "{bind}"\n', ONE=7)
            reply = self.ask("reload")
            self.assertFalse(reply["ok"])
            self.assertIn(str(taken), reply["error"])
        issued = Authority(self.folder / "ca").issue("localhost")
        self.write(f'{HERE}certificate = "{issued.both}"\n', ONE=7)
        reply = self.ask("reload")
        self.assertIn("cannot change between http and https while it runs", reply["error"])
        self.assertEqual((self.port, self.backend("ONE").weight), (before, 100))

    @inlineCallbacks
    def test_the_page_ends_with_the_service(self) -> Any:
        port = self.port
        yield self.service.stopService()
        self.patch(self.service, "stopService", lambda: None)
        self.assertRaises(ConnectionRefusedError, fetch, port, b"x")


class WithoutPageCase(RunningCase):
    def test_by_default_there_is_none(self) -> None:
        self.assertIsNone(self.service.administration.door)


