"""The service as the commands make it: bound, serving over TLS on both legs, stopped in peace."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import attrs
from support.lab import ALICE, USERS
from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.error import CannotListenError
from twisted.trial.unittest import TestCase

from mapiproxy.backends.kind import Kind
from mapiproxy.lab.authority import Authority
from mapiproxy.lab.client import Address, OutlookClient
from mapiproxy.lab.dialect import LabOptions
from mapiproxy.lab.server import LabServer
from mapiproxy.lab.tls import server_context
from mapiproxy.net.certificates import BadCertificate
from mapiproxy.net.frontdoor import FrontDoor
from mapiproxy.service import ProxyService, make_service
from mapiproxy.settings import (
    BackendGroup,
    Bind,
    CertificateFiles,
    Listener,
    ListenerTls,
    Log,
    Server,
    Settings,
    Verify,
)

HERE = "127.0.0.1"


class ServiceCase(TestCase):
    """A lab server with TLS, and a service in front of it."""

    timeout = 20

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir(parents=True)
        self.authority = Authority(self.folder)
        self.issued = self.authority.issue("localhost", HERE)

    def backend(self, **options: Any) -> LabServer:
        tls = server_context(self.issued.certificate, self.issued.key)
        server = LabServer("exchange", "EXCH1", USERS, LabOptions(**options), reactor, tls=tls)
        server.start()
        self.addCleanup(server.stop)
        return server

    def settings(self, server: LabServer | None, port: int = 0, **log: Any) -> Settings:
        files = CertificateFiles(self.issued.certificate, self.issued.key)
        listener = Listener("mail", (Bind(HERE, port),), ListenerTls((files,)), "exchange")
        backend_port = server.port if server is not None else 9
        group = BackendGroup(
            "exchange",
            Kind.EXCHANGE,
            (Server("EXCH1", f"https://{HERE}:{backend_port}", HERE, backend_port, True),),
            verify=Verify(ca=self.authority.ca_file),
        )
        return Settings((listener,), (group,), log=Log(directory=self.folder / "log", **log))

    def start(self, settings: Settings) -> ProxyService:
        service = make_service(settings, reactor)
        service.privilegedStartService()
        service.startService()
        self.addCleanup(lambda: service.stopService() if service.ports else None)
        return service

    def client(self, service: ProxyService) -> OutlookClient:
        address = Address(HERE, service.ports[0].getHost().port, "localhost", ca_file=self.authority.ca_file)
        client = OutlookClient(reactor, address, ALICE)
        self.addCleanup(lambda: Deferred.fromCoroutine(client.close()))
        return client

    def rows(self) -> list[list[str]]:
        lines = []
        for file in (self.folder / "log" / "Mapi").iterdir():
            lines += [line.split(",") for line in file.read_bytes().decode().split("\r\n")[6:-1]]
        return lines

    @inlineCallbacks
    def test_a_session_over_tls_on_both_legs_and_its_lines(self) -> Any:
        server = self.backend()
        service = self.start(self.settings(server))
        client = self.client(service)
        for call in (client.connect, client.logon, client.ping, client.disconnect):
            step = yield Deferred.fromCoroutine(call())
            step.check()
        yield Deferred.fromCoroutine(client.close())
        yield service.stopService()

        self.assertEqual(
            [row[6].split(";")[1] for row in self.rows()],
            ["RT:Connect", "RT:Execute", "RT:PING", "RT:Disconnect"],
        )
        self.assertEqual({len(row) for row in self.rows()}, {74})
        self.assertEqual(len(service.sites["exchange"].sessions), 0)

    @inlineCallbacks
    def test_both_legs_send_without_delay_and_notice_dead_peers(self) -> Any:
        """M1: TCP_NODELAY on either side; keep-alive so that a vanished laptop frees its doors."""
        service = self.start(self.settings(self.backend()))
        client = self.client(service)
        yield Deferred.fromCoroutine(client.connect())
        (door,) = doors(service)
        (back,) = door.relay.doors._doors.values()

        for transport in (door.transport, back.transport):
            self.assertTrue(transport.getTcpNoDelay())
            self.assertTrue(transport.getTcpKeepAlive())

    @inlineCallbacks
    def test_stopping_lets_a_call_finish_and_ends_a_wait(self) -> Any:
        server = self.backend(execute_delay=0.3, wait_length=60)
        service = self.start(self.settings(server))
        client = self.client(service)
        yield Deferred.fromCoroutine(client.connect())
        waiting = client.start_wait()
        yield waiting.opened
        running = Deferred.fromCoroutine(client.execute())
        yield delay(0.1)
        stopping = service.stopService()
        step = yield running
        step.check()
        yield stopping
        yield Deferred.fromCoroutine(client.close())
        waiting.done.addErrback(lambda failure: None)
        yield waiting.done

        endings = {row[6].split(";")[1]: row[67] for row in self.rows()}
        self.assertIn("Ending=Done", endings["RT:Execute"])
        self.assertIn("Ending=Shutdown", endings["RT:NotificationWait"])

    @inlineCallbacks
    def test_a_client_that_leaves_its_wait_leaves_no_wait_behind(self) -> Any:
        """M14: the backend's connection goes with the client's."""
        server = self.backend(wait_length=60)
        service = self.start(self.settings(server))
        client = self.client(service)
        yield Deferred.fromCoroutine(client.connect())
        waiting = client.start_wait()
        waiting.done.addErrback(lambda failure: None)
        yield waiting.opened
        before = len(server.connections)
        yield Deferred.fromCoroutine(client.reset("wait"))
        for _ in range(100):
            if len(server.connections) < before:
                break
            yield delay(0.02)

        self.assertEqual(len(server.connections), before - 1)

    @inlineCallbacks
    def test_a_backend_whose_certificate_is_not_trusted_gets_no_request(self) -> Any:
        server = self.backend()
        stranger = Authority(self.folder / "other")
        settings = self.settings(server)
        group = settings.backends[0]
        untrusting = BackendGroup(group.name, group.kind, group.servers, verify=Verify(ca=stranger.ca_file))
        service = self.start(Settings(settings.listeners, (untrusting,), log=settings.log))
        client = self.client(service)
        step = yield Deferred.fromCoroutine(client.connect())
        yield service.stopService()

        self.assertEqual(step.status, 503)
        self.assertEqual(server.backend.executions, {})
        self.assertIn("tls", self.rows()[0][68])

    def test_servers_of_two_groups_may_have_the_same_name(self) -> None:
        """Each listener dials its own group's, and keeps its own sessions."""
        settings = self.settings(None)
        (listener,), (group,) = settings.listeners, settings.backends
        other = attrs.evolve(group, name="other", servers=(attrs.evolve(group.servers[0], port=10),))
        second = attrs.evolve(listener, name="second", backend="other")
        service = make_service(Settings((listener, second), (group, other), log=settings.log), reactor)
        first, last = (front.doors.house for front in service.fronts.values())

        self.assertIsNot(first.dialer.endpoints["EXCH1"], last.dialer.endpoints["EXCH1"])
        self.assertIsNot(first.rules.sessions, last.rules.sessions)
        self.assertEqual([site.pool.backends[0].port for site in service.sites.values()], [9, 10])

    def test_a_bug_in_one_of_the_things_done_each_second_does_not_end_the_others(self) -> None:
        service = make_service(self.settings(None), reactor)
        done: list[str] = []

        def break_down(*_: Any) -> None:
            raise RuntimeError("a bug")

        for site in service.sites.values():
            self.patch(site, "tick", break_down)
        self.patch(service.renewal, "tick", break_down)
        self.patch(service.statistics, "tick", lambda *_: done.append("statistics"))
        self.patch(service.tracing, "tick", lambda *_: done.append("tracing"))
        service._tick()
        self.assertEqual(done, ["tracing", "statistics"])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1 + len(service.sites))

    def test_a_taken_port_is_an_error_at_once(self) -> None:
        with socket.create_server((HERE, 0)) as taken:
            service = make_service(self.settings(None, taken.getsockname()[1]), reactor)
            self.assertRaises(CannotListenError, service.privilegedStartService)
        return service.stopService()

    def test_a_certificate_that_cannot_be_used_is_an_error_at_once(self) -> None:
        self.issued.certificate.write_text("no certificate")

        self.assertRaises(BadCertificate, make_service, self.settings(None), reactor)


def doors(service: ProxyService) -> list[FrontDoor]:
    return [door for front in service.fronts.values() for door in front.doors._open]


def delay(seconds: float) -> Deferred[None]:
    waited: Deferred[None] = Deferred()
    reactor.callLater(seconds, waited.callback, None)
    return waited
