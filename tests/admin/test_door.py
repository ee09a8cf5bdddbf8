"""The page over real sockets: plain HTTP, TLS, client certificates, and what is too long or too many."""

from __future__ import annotations

import os
import re
import socket
import ssl
import time
from pathlib import Path
from typing import Any

from support.admin import TOKEN, FakeProxy, scraped
from support.certs import loaded
from twisted.internet import reactor
from twisted.internet.defer import Deferred, fail, inlineCallbacks
from twisted.internet.threads import deferToThread
from twisted.logger import Logger, formatEvent, globalLogPublisher
from twisted.trial.unittest import TestCase

from mapiproxy.admin import door
from mapiproxy.admin.access import Tokens
from mapiproxy.admin.door import AdminDoor
from mapiproxy.admin.feeds import Metrics
from mapiproxy.admin.gate import Keys
from mapiproxy.lab.authority import Authority
from mapiproxy.net.certificates import read_certificates
from mapiproxy.net.tls import ListenerCreator

PATIENCE = 20


def talk(port: int, sent: bytes, tls: ssl.SSLContext | None = None, name: str = "localhost") -> bytes:
    """Everything that comes back, to the end of the connection."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as plain:
        line = tls.wrap_socket(plain, server_hostname=name) if tls is not None else plain
        line.sendall(sent)
        came = b""
        while piece := line.recv(65536):
            came += piece
        return came


def request(target: str, method: str = "GET", *more: str, body: bytes = b"") -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", "Connection: close", *more]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


class DoorCase(TestCase):
    timeout = 60

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.proxy = FakeProxy()
        self.metrics: Metrics = scraped

    def opened(self, keys: Keys | None = None, creator: ListenerCreator | None = None) -> int:
        made = AdminDoor(
            self.proxy.answer, self.metrics, keys or Keys(), creator, Logger(), time.monotonic, os.urandom
        )
        made.listen("127.0.0.1", 0, reactor)
        self.addCleanup(made.stop)
        self.door = made
        assert made.port is not None
        return int(made.port.getHost().port)

    def secure(self, *, clients: bool) -> tuple[int, ssl.SSLContext, Authority]:
        authority = Authority(self.folder / "ca")
        issued = authority.issue("localhost")
        ask = read_certificates(authority.ca_file) if clients else []
        port = self.opened(creator=ListenerCreator([loaded(issued)], authorities=ask))
        return port, ssl.create_default_context(cafile=str(authority.ca_file)), authority

    @inlineCallbacks
    def test_a_page_comes_with_its_headers(self) -> Any:
        came = yield deferToThread(talk, self.opened(), request("/sessions"))
        head, _, body = came.partition(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"HTTP/1.1 200 OK\r\n"))
        for line in (b"Server: mapiproxy", b"Content-Security-Policy: default-src 'none'", b"Cache-Control: no-store",
                     b"Content-Length: %d" % len(body), b"Set-Cookie: mapiproxy="):  # fmt: skip
            self.assertIn(line, head)
        self.assertTrue(body.endswith(b"</html>"))

    @inlineCallbacks
    def test_head_is_get_without_its_body(self) -> Any:
        port = self.opened()
        for target in ("/files/admin.css", "/metrics", "/nothing"):
            head = yield deferToThread(talk, port, request(target, "HEAD"))
            whole = yield deferToThread(talk, port, request(target))
            self.assertTrue(head.endswith(b"\r\n\r\n"))
            lines = [
                [line for line in each.partition(b"\r\n\r\n")[0].split(b"\r\n") if not line.startswith((b"Date", b"Set-C"))]
                for each in (head, whole)
            ]
            self.assertEqual(lines[0], lines[1])

    @inlineCallbacks
    def test_what_somebody_sends_turns_nothing_around_in_the_log(self) -> Any:
        said: list[Any] = []
        globalLogPublisher.addObserver(said.append)
        self.addCleanup(globalLogPublisher.removeObserver, said.append)
        keys = Keys(Tokens([TOKEN.encode()]))
        port = self.opened(keys)
        self.door.gate._note("kill session=a\nb\x1b[31m\u202e by 127.0.0.1")
        yield None
        (line,) = [formatEvent(each) for each in said if "admin: " in (each.get("log_format") or "")]
        self.assertEqual(line, "admin: kill session=a\ufffdb\ufffd[31m\ufffd by 127.0.0.1")
        self.assertTrue(port)

    @inlineCallbacks
    def test_metrics_may_come_later_or_not_at_all(self) -> Any:
        come: Deferred[tuple[str, bytes]] = Deferred()
        self.metrics = lambda accept: come
        port = self.opened()
        answer = deferToThread(talk, port, request("/metrics"))
        other = yield deferToThread(talk, port, request("/api/status"))
        self.assertIn(b" 200 OK", other)
        self.assertFalse(answer.called)
        come.callback(("text/x-metrics", b"some 1\n"))
        self.assertIn(b"Content-Type: text/x-metrics\r\n", (yield answer))
        come = fail(RuntimeError("secret"))
        failed = yield deferToThread(talk, port, request("/metrics"))
        self.assertRegex(failed, rb"^HTTP/1\.1 500 ")
        self.assertNotIn(b"secret", failed)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    @inlineCallbacks
    def test_who_does_not_wait_for_metrics_harms_nobody(self) -> Any:
        come: Deferred[tuple[str, bytes]] = Deferred()
        asked: Deferred[None] = Deferred()

        def metrics(accept: str) -> Deferred[tuple[str, bytes]]:
            reactor.callLater(0, asked.callback, None)
            return come

        self.metrics = metrics
        port = self.opened()
        line = socket.create_connection(("127.0.0.1", port), PATIENCE)
        line.sendall(request("/metrics"))
        yield asked
        line.close()
        yield deferToThread(talk, port, request("/files/icon.svg"))
        come.callback(("text/plain", b""))

    @inlineCallbacks
    def test_a_form_is_carried_out(self) -> Any:
        keys = Keys(Tokens([TOKEN.encode()]))
        sent = request(
            "/api/orders", "POST", f"Authorization: Bearer {TOKEN}", "Content-Type: application/json",
            body=b'{"command": "drain", "server": "EXCH1"}',
        )  # fmt: skip
        came = yield deferToThread(talk, self.opened(keys), sent)
        self.assertIn(b" 200 OK", came)
        self.assertEqual(self.proxy.changed, [{"command": "drain", "server": "EXCH1"}])

    @inlineCallbacks
    def test_what_is_too_long_is_refused_and_not_kept(self) -> Any:
        port = self.opened()
        came = yield deferToThread(talk, port, request("/theme", "POST", body=b"x" * (door.LONGEST + 1)))
        self.assertIn(b" 413 ", came)
        self.assertIn(b"Content-Security-Policy", came)
        chunks = b"".join(b"1000\r\n" + b"x" * 4096 + b"\r\n" for _ in range(17)) + b"0\r\n\r\n"
        came = yield deferToThread(talk, port, request("/theme", "POST", "Transfer-Encoding: chunked") + chunks)
        self.assertIn(b" 413 ", came)

    @inlineCallbacks
    def test_two_hosts_are_no_host(self) -> Any:
        came = yield deferToThread(talk, self.opened(), request("/", "GET", "Host: evil.example"))
        self.assertRegex(came, rb"^HTTP/1\.1 4\d\d ")

    @inlineCallbacks
    def test_of_more_connections_than_there_may_be_the_oldest_has_to_go(self) -> Any:
        """Else whoever holds so many open, saying nothing, keeps everybody out."""
        self.patch(door, "MOST", 2)
        port = self.opened()

        def crowd() -> bytes:
            lines = [socket.create_connection(("127.0.0.1", port), PATIENCE) for _ in range(3)]
            for line in lines[1:]:
                line.sendall(b"GET /files/icon.svg HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert line.recv(65536).startswith(b"HTTP/1.1 200")
            try:
                came = lines[0].recv(100)
            except ConnectionError:
                came = b""
            for line in lines:
                line.close()
            return came

        self.assertEqual((yield deferToThread(crowd)), b"")
        # And none is counted that has gone: two more are served.
        for _ in range(3):
            came = yield deferToThread(talk, port, request("/files/icon.svg"))
            self.assertTrue(came.startswith(b"HTTP/1.1 200"))

    @inlineCallbacks
    def test_stopping_ends_what_is_connected(self) -> Any:
        port = self.opened()
        line = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.addCleanup(line.close)
        line.sendall(b"GET /files/icon.svg HTTP/1.1\r\nHost: localhost\r\n\r\n")
        came = yield deferToThread(line.recv, 65536)
        self.assertTrue(came.startswith(b"HTTP/1.1 200"))
        yield self.door.stop()

        def rest() -> bytes:
            try:
                return line.recv(100)
            except ConnectionError:
                return b""

        self.assertEqual((yield deferToThread(rest)), b"")

    @inlineCallbacks
    def test_over_tls_the_cookie_is_bound_to_the_host(self) -> Any:
        port, context, _ = self.secure(clients=False)
        came = yield deferToThread(talk, port, request("/"), context)
        self.assertIn(b"Set-Cookie: __Host-mapiproxy=", came)
        self.assertIn(b"; Path=/; Secure; HttpOnly; SameSite=Strict\r\n", came)

    @inlineCallbacks
    def test_a_client_certificate_that_is_asked_for_must_be_shown(self) -> Any:
        port, context, authority = self.secure(clients=True)
        # With TLS 1.3 the refusal comes after the client's own handshake, as an alert where an answer would be.
        yield self.assertFailure(deferToThread(talk, port, request("/"), context), ssl.SSLError)
        stranger = authority.stranger().issue("mallory")
        context.load_cert_chain(stranger.certificate, stranger.key)
        yield self.assertFailure(deferToThread(talk, port, request("/"), context), ssl.SSLError, ConnectionError)
        self.flushLoggedErrors()

    @inlineCallbacks
    def test_a_client_certificate_opens_the_page_and_names_who_ordered(self) -> Any:
        port, context, authority = self.secure(clients=True)
        alice = authority.issue("alice.example.com")
        context.load_cert_chain(alice.certificate, alice.key)
        said: list[str] = []

        def observe(event: Any) -> None:
            said.append(formatEvent(event))

        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)
        page = yield deferToThread(talk, port, request("/"), context)
        self.assertIn(b" 200 OK", page)
        key, cookie = (re.search(each, page) for each in (rb'name="key" value="(\w+)"', rb"Set-Cookie: ([^;]+)"))
        assert key is not None
        assert cookie is not None
        sent = request(
            "/order", "POST", f"Cookie: {cookie[1].decode()}", "Content-Type: application/x-www-form-urlencoded",
            body=b"do=maint&pool=mapi&server=EXCH1&key=" + key[1],
        )  # fmt: skip
        came = yield deferToThread(talk, port, sent, context)
        self.assertIn(b" 303 ", came)
        (line,) = [each for each in said if each and "maint" in each]
        self.assertRegex(line, r"^admin: maint server=EXCH1 pool=mapi by 127\.0\.0\.1 \(.*O=trustme.*\): done$")

    @inlineCallbacks
    def test_a_certificate_and_a_token_are_both_asked_for(self) -> Any:
        port, context, authority = self.secure(clients=True)
        self.door.gate.keys = Keys(Tokens([TOKEN.encode()]))
        alice = authority.issue("alice.example.com")
        context.load_cert_chain(alice.certificate, alice.key)
        self.assertIn(b" 401 ", (yield deferToThread(talk, port, request("/api/status"), context)))
        bearer = request("/api/status", "GET", f"Authorization: Bearer {TOKEN}")
        self.assertIn(b" 200 OK", (yield deferToThread(talk, port, bearer, context)))
