"""From settings to a running proxy: puts the parts together, starts, reloads and stops them.

The one place that knows both what the operator wants and how it is carried out. Parts do not read
settings, and nobody below this file knows that there is a configuration.
"""

from __future__ import annotations

import gc
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IListeningPort
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger

from mapiproxy.admin.metrics import gather
from mapiproxy.net.control import ControlSocket
from mapiproxy.net.eager import make_eager
from mapiproxy.net.frontdoor import FrontDoors
from mapiproxy.net.lag import Lag
from mapiproxy.net.logfile import HttpProxyLog
from mapiproxy.net.relay import Relay
from mapiproxy.record.ledger import Ledger
from mapiproxy.record.statistics import Gauges, Statistics
from mapiproxy.service.administering import Administration
from mapiproxy.service.assembly import make_ledger_opener, make_log
from mapiproxy.service.front import make_front
from mapiproxy.service.orders import Orders
from mapiproxy.service.reloading import Reloads
from mapiproxy.service.renewal import Renewal
from mapiproxy.service.scraping import state_of
from mapiproxy.service.site import Site
from mapiproxy.service.tracing import Tracing
from mapiproxy.settings import BackendGroup, Settings

#: A sweep that comes so late, in seconds, judges nobody: what was sent to us has not been read yet.
STALL = 1.0


def make_service(settings: Settings, reactor: Any, file: Path | None = None, **how: Any) -> ProxyService:
    """The proxy that *settings* describe.

    :param file: where they were read, for a reload.
    :param how: see :class:`ProxyService`.
    :raise BadCertificate: a certificate cannot be used.
    """
    return ProxyService(settings, reactor, file, **how)


class ProxyService(MultiService):
    """Listeners, sites, log, control socket, and the sweep over deadlines.

    Binding happens in ``privilegedStartService``, so that ports below 1024 can be had before twistd drops
    its rights; an address that is taken raises CannotListenError there.

    :param clock: seconds that never go back.
    :param wall: seconds since 1970, UTC.
    :param owns_process: whether the process is there for this service: then SIGHUP is a reload, and
        Python's collector is made to suit it. Not in somebody else's test.
    :ivar sites: by name of the backend group.
    :ivar fronts: by name of the listener.
    :ivar generation: counts configurations, from 1; ``reloads``: how the last one went.
    :ivar statistics: what exchanges added up to.
    """

    def __init__(
        self,
        settings: Settings,
        reactor: Any,
        file: Path | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        owns_process: bool = True,
    ) -> None:
        super().__init__()
        self.clock = clock
        self.wall = wall
        self._owns_process = owns_process
        self.settings = settings
        self.file = file
        self.generation = 1
        self.loaded_at = wall()
        self.started_at = clock()
        self.stopping = False
        self.lag = Lag(clock)
        self.reactor = make_eager(reactor)
        self.log = Logger(namespace="mapiproxy")
        self._sweep = LoopingCall(self._tick)
        self._sweep.clock = reactor
        self.statistics = Statistics(self.started_at)
        self.reloads = Reloads()
        self._http_proxy_log = make_log(settings.log, self.reactor, wall, clock)
        self._open_ledger = make_ledger_opener(wall)
        self._log_counts = [self._http_proxy_log.counts] if self._http_proxy_log is not None else []
        self.sites = {group.name: self.make_site(group, settings) for group in settings.backends}
        self.fronts = {
            listener.name: make_front(listener, self.sites[listener.backend], settings)
            for listener in settings.listeners
        }
        self._leaving: list[FrontDoors] = []
        self._old_logs: list[Deferred[None]] = []
        self._control: ControlSocket | None = None
        self._old_hangup: Any = None
        self.orders = Orders(self)
        self.renewal = Renewal(self)
        self.tracing = Tracing(self)
        self.administration = Administration(self)

    def record(self, ledger: Ledger) -> None:
        """Count an exchange, and write it down."""
        self.statistics.add(ledger)
        if self._http_proxy_log is not None:
            self._http_proxy_log.record(ledger)

    @property
    def http_proxy_log(self) -> HttpProxyLog | None:
        """The log that is written at present."""
        return self._http_proxy_log

    @property
    def log_lines(self) -> tuple[int, int]:
        """Lines of the HttpProxy log, however often it was another one: written, and lost."""
        counts = self._log_counts
        return sum(each.written for each in counts), sum(each.lost for each in counts)

    def metrics(self, accept: str = "") -> tuple[str, bytes]:
        """Everything for Prometheus: content type and body, in the format that an Accept header wants."""
        return gather(state_of(self), accept)()

    def metrics_later(self, accept: str = "") -> Deferred[tuple[str, bytes]]:
        """The same as they are now, written down in a thread, so that nobody waits for it."""
        pool = self.reactor.getThreadPool()
        return deferToThreadPool(self.reactor, pool, gather(state_of(self), accept))

    @property
    def ports(self) -> list[IListeningPort]:
        """What is bound, in the order of the settings."""
        return [port for front in self.fronts.values() for port in front.ports.values()]

    def relays(self, site: Site | None = None) -> list[Relay]:
        """Those of all connections, or of the connections of one site."""
        doors = [front.doors for front in self.fronts.values()] + self._leaving
        return [relay for each in doors if site is None or each.house is site.house for relay in each.relays]

    def make_site(self, group: BackendGroup, settings: Settings) -> Site:
        return Site(
            group,
            settings,
            reactor=self.reactor,
            eager=self.reactor,
            lag=self.lag,
            log=self.log,
            open_ledger=self._open_ledger,
            record=self.record,
            relays=self.relays,
        )

    def privilegedStartService(self) -> None:
        for front in self.fronts.values():
            front.bind(front.listener.bind, self.reactor, self.log)
        admin = self.settings.admin
        self.administration.switch(admin, self.administration.prepare(admin))
        super().privilegedStartService()

    def startService(self) -> None:
        if not self.ports:
            self.privilegedStartService()
        if self._http_proxy_log is not None:
            self._http_proxy_log.start()
        self._listen_for_orders()
        self.lag.beat()
        self.renewal.start(self.clock())
        self._sweep.start(1.0, now=False)
        for site in self.sites.values():
            site.start()
        super().startService()
        if self._owns_process:
            if self.file is not None and threading.current_thread() is threading.main_thread():
                self._old_hangup = signal.signal(signal.SIGHUP, self._hang_up)
            _quieten_collector()

    def _hang_up(self, number: int, frame: object) -> None:
        """SIGHUP: read the file again, from within the loop."""
        self.reactor.callFromThread(self.orders.answer, {"command": "reload"})

    def _listen_for_orders(self) -> None:
        path = self.settings.control.socket
        if path is not None:
            control = ControlSocket(path, self.orders.answer, self.reactor, self.log)
            control.start()
            self._control = control

    # What a reload asks for.

    def retire(self, name: str) -> None:
        """A listener is not wanted any more: its connections end with their exchanges."""
        front = self.fronts.pop(name)
        front.unbind()
        front.doors.stop()
        self._leaving.append(front.doors)

    def change_log(self, new: HttpProxyLog | None) -> None:
        """Write to another log from now on."""
        old, self._http_proxy_log = self._http_proxy_log, new
        if new is not None:
            new.start()
        if old is not None:
            going = [each for each in self._old_logs if not each.called]
            self._old_logs = [*going, old.stop() if new is None else old.give_way(new)]
        elif new is not None:  # else it counts on where the old one has ended
            self._log_counts.append(new.counts)

    # The end.

    async def _stop(self) -> None:
        self.stopping = True
        for front in self.fronts.values():
            for unbound in front.unbind():
                await unbound
        for site in self.sites.values():
            site.stop()
            site.rules.stopping = True
        doors = [front.doors for front in self.fronts.values()] + self._leaving
        for each in doors:
            each.stop()
        await self._while_busy(doors, self.settings.timeouts.stop)
        for each in doors:
            each.abort()
        if self._old_hangup is not None:
            signal.signal(signal.SIGHUP, self._old_hangup)
        if self._sweep.running:
            self._sweep.stop()
        if self._control is not None:
            await self._control.stop()
        await self.administration.stop()
        for ended in self._old_logs:
            await ended
        if self._http_proxy_log is not None:
            await self._http_proxy_log.stop()

    async def _while_busy(self, doors: list[FrontDoors], seconds: float) -> None:
        """Let calls end, but not for ever; waits are cut, which does no harm (reference 7)."""
        until = self.clock() + seconds
        while any(each.calls for each in doors) and self.clock() < until:
            turn: Deferred[None] = Deferred()
            self.reactor.callLater(0.05, turn.callback, None)
            await turn

    def stopService(self) -> Deferred[None]:
        """Stop listening, let calls in progress end within ``timeouts.stop``, flush the log."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    def _tick(self) -> None:
        now = self.clock()
        late = self.lag.beat()
        if late > STALL:
            self.log.warn("our own reactor was {late:.1f} s late: nobody is judged for it", late=late)
            return
        parts: list[Callable[[], object]] = [self._tick_doors]
        parts += [partial(site.tick, now) for site in self.sites.values()]
        parts += [partial(self.renewal.tick, now), partial(self.tracing.tick, now)]
        parts += [partial(self.statistics.tick, now, self._gauges)]
        for part in parts:
            try:
                part()
            except Exception:  # our bug; the deadlines of all requests depend on the others
                self.log.failure("bug in what is done each second")

    def _tick_doors(self) -> None:
        for doors in (*(front.doors for front in self.fronts.values()), *self._leaving):
            doors.tick()
        self._leaving = [doors for doors in self._leaving if doors.relays]

    def _gauges(self) -> Gauges:
        """What is open now, for the time series."""
        sites = self.sites.values()
        waits = sum(len(relays) for site in sites for relays in site.house.waits.values())
        return Gauges(waits, sum(len(site.sessions) for site in sites))


def _quieten_collector() -> None:
    """What is alive now stays; and requests make garbage that reference counts alone clear away.

    The default, a collection every 700 new objects, is one in every few requests.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
