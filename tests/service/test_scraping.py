"""Metrics of a service that runs: what was asked over real sockets is what they say."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from pathlib import Path
from typing import Any

from support.lab import ALICE, BOB, USERS
from support.running import RunningCase, later
from support.scrape import Scraped
from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from mapiproxy.admin.catalogue import METRICS
from mapiproxy.lab import bodies
from mapiproxy.lab.authority import Authority
from mapiproxy.lab.client import Address, OutlookClient
from mapiproxy.lab.dialect import LabOptions
from mapiproxy.lab.server import LabServer
from mapiproxy.lab.tls import server_context
from mapiproxy.service import make_service
from mapiproxy.settings import load_settings

HERE = "127.0.0.1"


class ScrapingCase(RunningCase):
    """grommunio over plain HTTP."""

    def scrape(self) -> Scraped:
        return Scraped(*self.service.metrics())

    @inlineCallbacks
    def test_sums_agree_with_what_was_asked(self) -> Any:
        clients = [self.client(user) for user in (ALICE, BOB)]
        for client in clients:
            yield Deferred.fromCoroutine(client.connect())
            yield Deferred.fromCoroutine(client.logon())
            for _ in range(5):
                step = yield Deferred.fromCoroutine(client.execute())
                step.check()
        yield Deferred.fromCoroutine(clients[0].call("PING", recover=False))
        found = self.scrape()
        asked = {"Connect": 2, "Execute": 12, "PING": 1}

        for kind, count in asked.items():
            self.assertEqual(found.sum("requests_total", request_type=kind, status="200", code="0"), count)
        total = found.sum("requests_total")
        for phase in ("calculate", "connect", "request", "processing", "answer", "overhead", "total"):
            self.assertEqual(found.sum("request_duration_seconds_count", phase=phase), total)
        whole = found.sum("request_duration_seconds_sum", phase="total")
        parts = ("calculate", "connect", "request", "processing", "answer")
        spent = sum(found.sum("request_duration_seconds_sum", phase=each) for each in parts)
        self.assertTrue(spent - 1e-9 <= whole < spent + 1)
        for phase in ("calculate", "overhead"):
            self.assertGreater(found.sum("request_duration_seconds_sum", phase=phase), 0)
        self.assertEqual(found.sum("affinity_decisions_total"), total)
        self.assertEqual(found.sum("sessions"), 2)
        self.assertEqual(found.sum("client_requests_total"), total)
        self.assertEqual(found.sum("backend_errors_total"), 0)
        self.assertGreater(found.sum("response_body_bytes_total"), found.sum("request_body_bytes_total"))
        self.assertEqual(found.one("listener_connections", listener="mail"), len(self.service.fronts["mail"].doors))

    @inlineCallbacks
    def test_a_wait_is_open_and_then_a_duration_of_its_own(self) -> Any:
        client = self.client()
        yield Deferred.fromCoroutine(client.connect())
        step = yield Deferred.fromCoroutine(client.logon())
        waiting = Deferred.fromCoroutine(
            client.call("NotificationWait", bodies.NOTIFICATION_WAIT_REQUEST, line="wait", recover=False)
        )
        waiting.addErrback(lambda failure: None)
        yield later(0.7)
        during = self.scrape()
        (session,) = self.ask("sessions")["sessions"]
        self.ask("kill", session=session["id"])
        yield later(0.2)
        after = self.scrape()

        self.assertEqual(during.one("waits_open", pool="lab", backend=step.backend), 1)
        self.assertTrue(0 < during.one("oldest_pending_age_seconds", pool="lab") < 0.5)
        self.assertEqual(during.all("wait_duration_seconds_count"), [])
        self.assertEqual(after.sum("waits_open"), 0)
        self.assertEqual(after.one("wait_duration_seconds_count", kind="notification", backend=step.backend), 1)
        self.assertGreater(after.one("wait_duration_seconds_sum", kind="notification"), 0.5)
        self.assertGreaterEqual(after.sum("pendings_total"), 1)
        self.assertEqual(after.one("outcomes_total", outcome="ClientDisconnect"), 1)

    @inlineCallbacks
    def test_nobody_to_ask_is_seen(self) -> Any:
        for name in self.names:
            self.ask("maint", server=name)
        step = yield Deferred.fromCoroutine(self.client().connect())
        found = self.scrape()

        self.assertEqual(step.status, 503)
        self.assertEqual(found.one("refusals_total", pool="lab", reason="unavailable"), 1)
        self.assertEqual(found.one("backend_errors_total", pool="lab", backend="", vdir="mapi", kind="denied"), 1)
        self.assertEqual(found.all("backend_admin_state", state="maint"), [1, 1])
        self.assertEqual(found.all("backend_admin_state", state="ready"), [0, 0])
        self.assertEqual(found.one("requests_total"), 1)

    @inlineCallbacks
    def test_no_metric_tells_who_somebody_is(self) -> Any:
        client = self.client()
        yield Deferred.fromCoroutine(client.connect())
        yield Deferred.fromCoroutine(client.logon())
        text = self.scrape().text.lower()
        (session,) = self.ask("sessions")["sessions"]

        for secret in (ALICE.password, ALICE.login, ALICE.mailbox_id, session["id"], session["client"]):
            self.assertNotIn(secret.lower(), text)

    def test_a_reload_that_was_refused_is_told(self) -> None:
        self.assertEqual(self.scrape().one("config_last_reload_success"), 1)
        good = self.file.read_text()
        self.file.write_text("[listener")
        self.ask("reload")
        bad = self.scrape()
        self.file.write_text(good)
        self.ask("reload")
        again = self.scrape()

        self.assertEqual((bad.one("config_last_reload_success"), bad.one("config_generation")), (0, 1))
        self.assertEqual((again.one("config_last_reload_success"), again.one("config_generation")), (1, 2))
        self.assertEqual([again.one("config_reloads_total", result=r) for r in ("good", "refused")], [1, 1])
        self.assertEqual(self.ask("status")["last_reload"]["ok"], True)

    @inlineCallbacks
    def test_a_thread_may_write_them_down(self) -> Any:
        found = Scraped(*(yield self.service.metrics_later()))
        self.assertEqual(found.one("config_generation"), 1)

    def test_the_order_gives_either_format(self) -> None:
        plain, modern = self.ask("metrics"), self.ask("metrics", accept="application/openmetrics-text")

        self.assertTrue(plain["content_type"].startswith("text/plain"))
        self.assertTrue(modern["content_type"].startswith("application/openmetrics-text"))
        self.assertTrue(modern["text"].endswith("# EOF\n"))
        self.assertFalse(self.ask("metrics", accept=3)["ok"])


class SecureCase(TestCase):
    """Exchange over TLS, with probes and a log."""

    timeout = 30

    def setUp(self) -> None:
        folder = Path(self.mktemp()).absolute()
        folder.mkdir(parents=True)
        authority = Authority(folder)
        issued = authority.issue("localhost", HERE)
        self.ca = authority.ca_file
        tls = server_context(issued.certificate, issued.key)
        server = LabServer("exchange", "EXCH1", USERS, LabOptions(), reactor, tls=tls)
        server.start()
        self.addCleanup(server.stop)
        self.file = folder / "m.toml"
        self.file.write_text(
            f'[listener.mail]\nbind = "127.0.0.1:0"\ncertificate = "{issued.certificate}"\nkey = "{issued.key}"\n'
            f'[backend.ex]\nkind = "exchange"\nvdirs = ["mapi"]\nca_file = "{self.ca}"\n'
            f'[[backend.ex.server]]\nname = "EXCH1"\nurl = "https://127.0.0.1:{server.port}"\n'
            f'[log]\ndirectory = "{folder / "log"}"\n'
        )
        self.service = make_service(load_settings(self.file), reactor, self.file)
        self.service.startService()
        self.addCleanup(self.service.stopService)
        self.port = self.service.ports[0].getHost().port
        self.issued = issued

    def scrape(self) -> Scraped:
        return Scraped(*self.service.metrics("application/openmetrics-text; version=1.0.0"))

    async def until(self, true: Any) -> None:
        while not true():
            await later(0.05)

    def knock(self, say: bytes, **context: Any) -> None:
        """A client that is not welcome; with a *context* it speaks TLS, without ``alpn`` it believes nobody."""
        with socket.create_connection((HERE, self.port), 10) as line:
            if say:
                line.sendall(say)
                line.recv(100)
            elif context:
                shaker = ssl.create_default_context()
                if "alpn" in context:
                    shaker.load_verify_locations(str(self.ca))
                    shaker.set_alpn_protocols(context["alpn"])
                with contextlib.suppress(ssl.SSLError, ConnectionError):
                    shaker.wrap_socket(line, server_hostname="localhost").recv(1)

    @inlineCallbacks
    def test_handshakes_probes_certificates_and_the_log_are_told(self) -> Any:
        address = Address(HERE, self.port, "localhost", ca_file=self.ca)
        client = OutlookClient(reactor, address, ALICE)
        step = yield Deferred.fromCoroutine(client.connect())
        step.check()
        yield Deferred.fromCoroutine(client.close())
        yield deferToThread(self.knock, b"GET / HTTP/1.0\r\n\r\n")
        yield deferToThread(self.knock, b"", alpn=["h2"])
        yield deferToThread(self.knock, b"", strangers=True)
        yield deferToThread(self.knock, b"")
        doors = self.service.fronts["mail"].doors
        yield Deferred.fromCoroutine(self.until(lambda: sum(doors.failed_handshakes.values()) == 4))
        self.service.renewal.look_at_servers()
        yield Deferred.fromCoroutine(self.until(lambda: self.service.renewal.shown))
        yield Deferred.fromCoroutine(self.until(lambda: self.service.log_lines[0]))
        watch = self.service.sites["ex"].watch
        (backend,) = self.service.sites["ex"].pool.backends
        yield Deferred.fromCoroutine(self.until(lambda: watch.health(backend).good))
        found = self.scrape()

        self.assertEqual(found.one("tls_handshakes_total", listener="mail"), 1)
        self.assertEqual(found.one("listener_accepted_total", listener="mail"), 5)
        reasons = {
            reason: found.sum("tls_handshake_failures_total", reason=reason)
            for reason in ("plain-http", "alpn", "certificate-refused", "closed")
        }
        self.assertEqual(reasons, {"plain-http": 1, "alpn": 1, "certificate-refused": 1, "closed": 1})
        for side, owner in (("listener", "mail"), ("server", "ex/EXCH1")):
            ends = found.one("certificate_not_after_timestamp_seconds", side=side, owner=owner)
            self.assertGreater(ends, time.time())
        self.assertEqual(found.one("extended_protection_match", listener="mail", pool="ex", backend="EXCH1"), 1)
        self.assertEqual(found.one("probe_success", vdir="mapi", backend="EXCH1"), 1)
        self.assertGreaterEqual(found.one("probes_total", result="good"), 1)
        self.assertEqual(found.one("backend_up", backend="EXCH1"), 1)
        for stage in ("connect", "tls", "http", "body"):
            self.assertTrue(0 <= found.one("probe_stage_duration_seconds", stage=stage) < 5)
        self.assertGreaterEqual(found.one("log_lines_written_total"), 1)
        self.assertEqual(found.one("log_lines_lost_total"), 0)

    @inlineCallbacks
    def test_the_count_of_lines_survives_another_log(self) -> Any:
        client = OutlookClient(reactor, Address(HERE, self.port, "localhost", ca_file=self.ca), ALICE)
        yield Deferred.fromCoroutine(client.connect())
        yield Deferred.fromCoroutine(client.close())
        yield Deferred.fromCoroutine(self.until(lambda: self.service.log_lines[0]))
        before, _ = self.service.log_lines
        self.file.write_text(self.file.read_text() + "enabled = false\n")
        self.assertTrue(self.service.orders.answer({"command": "reload"})["ok"])

        self.assertEqual(self.service.log_lines, (before, 0))

    def test_every_metric_has_a_help_and_a_type_from_the_first_moment(self) -> None:
        _, body = self.service.metrics()
        text = body.decode()

        for name, described in METRICS.items():
            self.assertIn(f"# HELP {name} {described.help}\n", text)
            self.assertIn(f"# TYPE {name} {'gauge' if described.kind == 'info' else described.kind}\n", text)
        self.assertIn("# HELP mapiproxy_process_cpu_seconds_total ", text)
