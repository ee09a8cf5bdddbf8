"""From settings to a running proxy: builds every part with the values it needs, starts and stops them.

The one place that knows both what the operator wants and how it is carried out. Parts do not read
settings, and nobody below this file knows that there is a configuration.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable
from ipaddress import ip_address
from itertools import count
from typing import Any

import attrs
from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.endpoints import (
    HostnameEndpoint,
    TCP4ClientEndpoint,
    TCP6ClientEndpoint,
    wrapClientTLS,
)
from twisted.internet.interfaces import IListeningPort, IStreamClientEndpoint
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol

from mapiproxy.backends.fleet import Backend, Pool
from mapiproxy.backends.sessions import Sessions
from mapiproxy.net.certificates import CertificateSource, load_certificate, parse_fingerprint
from mapiproxy.net.dialer import Dialer
from mapiproxy.net.eager import make_eager
from mapiproxy.net.frontdoor import FrontDoors
from mapiproxy.net.house import House
from mapiproxy.net.logfile import HttpProxyLog
from mapiproxy.net.tls import ListenerCreator, Policy
from mapiproxy.net.trust import BackendCreator, Trust
from mapiproxy.policy.rules import Limits, Rules
from mapiproxy.record.columns import LogIdentity
from mapiproxy.record.ledger import Ledger
from mapiproxy.record.opening import open_ledger
from mapiproxy.settings import BackendGroup, CertificateFiles, Listener, Settings, read_passphrase
from mapiproxy.wire.heads import RequestHead

#: Connections that may wait to be accepted: a site that comes back reconnects all at once.
BACKLOG = 1024


def make_service(settings: Settings, reactor: Any) -> ProxyService:
    """The proxy that *settings* describe.

    :raise BadCertificate: a certificate cannot be used.
    """
    return ProxyService(settings, reactor)


class ProxyService(MultiService):
    """Listeners, fleet, log and the sweep over deadlines.

    Binding happens in ``privilegedStartService``, so that ports below 1024 can be had before twistd drops
    its rights; an address that is taken raises CannotListenError there.

    :ivar pools: by name of the backend group.
    :ivar ports: what is bound, in the order of the settings.
    """

    def __init__(self, settings: Settings, reactor: Any) -> None:
        super().__init__()
        self._settings = settings
        self._reactor = make_eager(reactor)
        self._log = Logger(namespace="mapiproxy")
        self._sweep = LoopingCall(self._tick)
        self._sweep.clock = reactor
        self.sessions = {group.name: Sessions() for group in settings.backends}
        self.pools = {group.name: _pool(group) for group in settings.backends}
        self.record, self._http_proxy_log = self._make_log()
        # One for each group: servers of different groups may have the same name.
        self._dialers = {
            group.name: Dialer(
                reactor, _endpoints(group, self._reactor), settings.timeouts.connect, settings.limits.head
            )
            for group in settings.backends
        }
        self._fronts: list[tuple[Listener, FrontDoors, Any]] = []
        self._rules: list[Rules] = []
        for listener in settings.listeners:
            self._add(listener)
        self.ports: list[IListeningPort] = []

    def _make_log(self) -> tuple[Callable[[Ledger], None], HttpProxyLog | None]:
        log = self._settings.log
        if not log.enabled:
            return (lambda ledger: None), None
        http_proxy_log = HttpProxyLog(
            log.directory,
            LogIdentity(log.server_name, log.version),
            reactor=self._reactor,
            bare_header=log.bare_header,
            bom=log.bom,
            roll_size=log.roll_size,
            flush=log.flush,
        )
        return http_proxy_log.record, http_proxy_log

    def _add(self, listener: Listener) -> None:
        timeouts = self._settings.timeouts
        rules = Rules(
            (self.pools[listener.backend],),
            self.sessions[listener.backend],
            Limits(**attrs.asdict(timeouts)),
            self._settings.log.server_name,
        )
        self._rules.append(rules)
        dialer = self._dialers[listener.backend]
        house = House(rules, dialer, time.monotonic, _ledger_opener(), self.record, self._log)
        doors = FrontDoors(
            house,
            secure=listener.tls is not None,
            forwarded=True,
            head_limit=self._settings.limits.head,
            limit=self._settings.limits.connections,
        )
        self._fronts.append((listener, doors, _wrap(listener, doors)))

    def privilegedStartService(self) -> None:
        for listener, _, factory in self._fronts:
            for bind in listener.bind:
                port = self._reactor.listenTCP(bind.port, factory, BACKLOG, bind.host)
                self.ports.append(port)
                self._log.info(
                    "listener {name}: {bind} to backend {backend}",
                    name=listener.name,
                    bind=port.getHost(),
                    backend=listener.backend,
                )
        super().privilegedStartService()

    def startService(self) -> None:
        if not self.ports:
            self.privilegedStartService()
        if self._http_proxy_log is not None:
            self._http_proxy_log.start()
        self._sweep.start(1.0, now=False)
        super().startService()
        _quieten_collector()

    async def _stop(self) -> None:
        ports, self.ports = self.ports, []
        for port in ports:
            await maybeDeferred(port.stopListening)
        for rules in self._rules:
            rules.stopping = True
        for _, doors, _ in self._fronts:
            doors.stop()
        await self._while_busy(self._settings.timeouts.linger)
        for _, doors, _ in self._fronts:
            doors.abort()
        if self._sweep.running:
            self._sweep.stop()
        if self._http_proxy_log is not None:
            await self._http_proxy_log.stop()

    async def _while_busy(self, seconds: float) -> None:
        """Let exchanges end, but not for ever: a NotificationWait may last minutes."""
        until = time.monotonic() + seconds
        while any(doors.calls for _, doors, _ in self._fronts) and time.monotonic() < until:
            turn: Deferred[None] = Deferred()
            self._reactor.callLater(0.05, turn.callback, None)
            await turn

    def stopService(self) -> Deferred[None]:
        """Stop listening, let calls in progress end within ``timeouts.linger``, flush the log."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    def _tick(self) -> None:
        for _, doors, _ in self._fronts:
            doors.tick()
        for sessions in self.sessions.values():
            sessions.expire_some(time.monotonic())


def _quieten_collector() -> None:
    """What is alive now stays; and requests make garbage that reference counts alone clear away.

    The default, a collection every 700 new objects, is one in every few requests.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def _pool(group: BackendGroup) -> Pool:
    backends = tuple(
        Backend(server.name, server.host, server.port, server.tls, group.kind, server.weight)
        for server in group.servers
    )
    return Pool(group.name, group.kind, backends, group.paths)


def _endpoints(group: BackendGroup, reactor: Any) -> dict[str, IStreamClientEndpoint]:
    pins: Any = [parse_fingerprint(text) for text in group.verify.fingerprint]
    trust = Trust(group.verify.ca, pins, group.verify.off)
    endpoints = {}
    for server in group.servers:
        endpoint = _tcp(reactor, server.host, server.port)
        if server.tls:
            endpoint = wrapClientTLS(BackendCreator(server.host, trust), endpoint)
        endpoints[server.name] = endpoint
    return endpoints


def _tcp(reactor: Any, host: str, port: int) -> IStreamClientEndpoint:
    """Addresses are dialled as they are, without a trip to the resolver's threads."""
    try:
        version = ip_address(host).version
    except ValueError:
        return HostnameEndpoint(reactor, host, port)
    return (TCP4ClientEndpoint if version == 4 else TCP6ClientEndpoint)(reactor, host, port)


def _wrap(listener: Listener, doors: FrontDoors) -> Any:
    """The factory that the port gets: with TLS in front unless the listener is a plain one."""
    if listener.tls is None:
        return doors
    creator = ListenerCreator(
        [load_certificate(_source(files)) for files in listener.tls.certificates],
        Policy(listener.tls.policy),
        listener.tls.minimum,
    )
    factory = TLSMemoryBIOFactory(creator, False, doors)
    # Lines join what belongs together, so Twisted need not wait a turn to do it again.
    factory.protocol = TLSMemoryBIOProtocol
    factory.noisy = False
    return factory


def _source(files: CertificateFiles) -> CertificateSource:
    return CertificateSource(
        certificate=files.certificate,
        key=files.key,
        chain=files.chain,
        pkcs12=files.pkcs12,
        passphrase=read_passphrase(files.passphrase_file) if files.passphrase_file else None,
        names=files.names,
    )


def _ledger_opener() -> Callable[[float, RequestHead | None, str, int], Ledger]:
    """Ledgers with ids of their own: random for each process and listener, counted within it."""
    noise = os.urandom(8).hex()
    prefix = f"{noise[:8]}-{noise[8:12]}-4{noise[12:15]}-8{noise[13:16]}-"
    number = count(int.from_bytes(os.urandom(4), "big"))
    wall = time.time

    def opener(now: float, head: RequestHead | None, ip: str, port: int) -> Ledger:
        return open_ledger(f"{prefix}{next(number):012x}", now, wall(), head, ip, port)

    return opener
