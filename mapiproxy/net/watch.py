"""Keeps an eye on the backends of one pool: probes them, hears of live traffic, says who is up.

Each backend has its own rhythm, with one probe at a time. The rules are in ``backends/health.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from attrs import define
from twisted.internet.interfaces import IDelayedCall, IStreamClientEndpoint
from twisted.logger import Logger

from mapiproxy.backends.fleet import Admin, Backend, Pool
from mapiproxy.backends.health import Health, HealthRules, Probed
from mapiproxy.net.lag import Lag
from mapiproxy.net.probe import Probing, wanted_of
from mapiproxy.policy.illness import Blame


@define(eq=False)
class _Watched:
    backend: Backend
    health: Health
    timer: IDelayedCall | None = None
    probing: Probing | None = None
    noted: str | None = None


class Watch:
    """The eye.

    :param endpoints: backend name to where it is reached; looked at anew for each probe.
    :param on_change: called after a backend went up or down (``backend.up`` says which).
    """

    def __init__(
        self,
        pool: Pool,
        endpoints: Mapping[str, IStreamClientEndpoint],
        rules: HealthRules,
        reactor: Any,
        lag: Lag,
        log: Logger,
        on_change: Callable[[Backend], None],
    ) -> None:
        self._pool = pool
        self._endpoints = endpoints
        self._rules = rules
        self._reactor = reactor
        self._lag = lag
        self._log = log
        self._on_change = on_change
        self._running = False
        self._watched: dict[str, _Watched] = {}
        self.replace(rules)

    def health(self, backend: Backend) -> Health:
        """What is known of a backend of the pool."""
        return self._watched[backend.name].health

    def start(self) -> None:
        """Probe from now on, if the rules say so; the first probes leave at once."""
        if self._running:
            return
        self._running = True
        for watched in self._watched.values():
            self._probe_after(watched, 0.0)

    def stop(self) -> None:
        """Probe no more."""
        self._running = False
        for watched in self._watched.values():
            self._rest(watched)

    def replace(self, rules: HealthRules) -> None:
        """The rules or the pool's backends have changed; what is known of those that stay, stays."""
        self._rules = rules
        before, self._watched = self._watched, {}
        for backend in self._pool.backends:
            old = before.get(backend.name)
            if old is None or old.backend is not backend:
                self._watched[backend.name] = _Watched(
                    backend, Health(rules, up=backend.up, since=self._lag.clock())
                )
            else:
                old.health.rules = rules
                self._watched[backend.name] = before.pop(backend.name)
        for gone in before.values():
            self._rest(gone)
        if self._running:
            for watched in self._watched.values():
                self._rest(watched)
                self._probe_after(watched, 0.0)

    def judge(self, backend: Backend, blame: Blame | None) -> None:
        """Live traffic: what a backend did wrong, or ``None`` when all was well."""
        watched = self._watched.get(backend.name)
        if watched is None or watched.backend is not backend:
            return
        if blame is None:
            watched.health.strikes = 0
            return
        others = any(b.keeps for b in self._pool.backends if b is not backend)
        if watched.health.failed(blame.text, self._lag.clock(), others, blame.lasting):
            self._turned(watched)
        timer = watched.timer
        if timer is not None and timer.active():
            # Ask sooner than it would be its turn, but not for every failure anew.
            soon = self._reactor.seconds() + self._rules.fast
            if timer.getTime() > soon:
                timer.reset(self._rules.fast if watched.health.strikes > 1 else 0.0)

    def tick(self, now: float) -> None:
        """Called about once a second."""
        for watched in self._watched.values():
            if watched.health.tick(now):
                self._turned(watched)

    def _probe_after(self, watched: _Watched, seconds: float) -> None:
        if self._running and self._rules.enabled:
            watched.timer = self._reactor.callLater(seconds, self._probe, watched)

    def _probe(self, watched: _Watched) -> None:
        watched.timer = None
        backend = watched.backend
        if backend.admin is Admin.MAINT:
            self._probe_after(watched, self._rules.interval)
            return
        watched.probing = Probing(
            self._endpoints[backend.name],
            tls=backend.tls,
            host=backend.host,
            wanted=wanted_of(backend.kind, self._pool.vdir.shape),
            timeout=self._rules.timeout,
            reactor=self._reactor,
            lag=self._lag,
            done=partial(self._probed, watched),
        )

    def _probed(self, watched: _Watched, result: Probed) -> None:
        watched.probing = None
        if self._watched.get(watched.backend.name) is not watched:
            return
        self._note(watched, result)
        if watched.health.probed(result, self._lag.clock()):
            self._turned(watched)
        self._probe_after(watched, watched.health.next_probe)

    def _note(self, watched: _Watched, result: Probed) -> None:
        """A failed probe is logged once for each reason, not each time."""
        said = None if result.ok else f"{result.stage}: {result.text}"
        if said is not None and said != watched.noted:
            self._log.warn("probe {name}: {said}", name=watched.backend.label, said=said)
        watched.noted = said

    def _turned(self, watched: _Watched) -> None:
        backend, health = watched.backend, watched.health
        backend.up = health.up
        if health.up:
            self._log.info("backend {name} UP", name=backend.label)
        else:
            self._log.warn("backend {name} DOWN: {why}", name=backend.label, why=health.why)
        self._on_change(backend)

    def _rest(self, watched: _Watched) -> None:
        if watched.timer is not None and watched.timer.active():
            watched.timer.cancel()
        if watched.probing is not None:
            watched.probing.cancel()
        watched.timer = watched.probing = None
