"""One group of backends as it runs: its fleet, its sessions, its rules, the eye on its health.

Made once and changed in place by a reload, so that live connections, sessions and what is known of each
backend's health survive it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import attrs
from twisted.logger import Logger

from mapiproxy.backends.fleet import Admin, Backend
from mapiproxy.backends.sessions import Sessions
from mapiproxy.net.dialer import Dialer
from mapiproxy.net.house import House
from mapiproxy.net.lag import Lag
from mapiproxy.net.relay import Relay
from mapiproxy.net.watch import Watch
from mapiproxy.policy.rules import Rules
from mapiproxy.record.ledger import Ledger
from mapiproxy.service.assembly import make_backend, make_endpoints, make_pool, read_route_keys
from mapiproxy.settings import BackendGroup, Settings


class Site:
    """The group.

    :param reactor: the real one; *eager* the one that makes connections.
    :ivar fronts: gives the relays of all connections that are served from here.
    """

    def __init__(
        self,
        group: BackendGroup,
        settings: Settings,
        *,
        reactor: Any,
        eager: Any,
        lag: Lag,
        log: Logger,
        open_ledger: Callable[..., Ledger],
        record: Callable[[Ledger], None],
        relays: Callable[[], Iterable[Relay]],
    ) -> None:
        self.group = group
        self.pool = make_pool(group)
        self.sessions = Sessions()
        self._eager = eager
        self._log = log
        self._relays = relays
        self.rules = Rules((self.pool,), self.sessions)
        endpoints = make_endpoints(group, eager)
        limits = settings.limits
        self.dialer = Dialer(reactor, endpoints, settings.timeouts.connect, limits.head)
        self.watch = Watch(
            self.pool, endpoints, settings.health, reactor, lag, log, self._changed
        )
        self.house = House(
            self.rules, self.dialer, time.monotonic, open_ledger, record, log, self.watch.judge
        )
        self._endpoints = endpoints
        self._obey(settings)

    def _obey(self, settings: Settings) -> None:
        self.rules.limits = settings.timeouts
        self.rules.server_name = settings.log.server_name
        self.rules.route_keys = read_route_keys(settings.affinity)
        self.dialer.limit = settings.timeouts.connect
        self.dialer.head_limit = settings.limits.head

    def change(self, group: BackendGroup, settings: Settings) -> list[str]:
        """Obey other settings from now on. Returns what changed about the fleet, in words.

        :raise BadCertificate, OSError: before anything has been changed.
        """
        endpoints = make_endpoints(group, self._eager)
        read_route_keys(settings.affinity)
        old = {server.name: server for server in self.group.servers}
        backends, said = [], []
        for server in group.servers:
            backend, before = self.pool.by_name.get(server.name), old.get(server.name)
            if backend is None or before is None:
                said.append(f"server {server.name} added")
                backend = make_backend(server, group)
            elif before.url != server.url:
                said.append(f"server {server.name} is at {server.url} now")
                self.give_up(backend, "the server has another address now")
                backend = attrs.evolve(
                    make_backend(server, group), admin=backend.admin, drain_until=backend.drain_until
                )
            elif before.weight != server.weight:
                # A weight set at run time stays unless the file says something new.
                said.append(f"server {server.name} has weight {server.weight} now")
                backend.weight = server.weight
            backends.append(backend)
        stay = {server.name for server in group.servers}
        gone = [backend for backend in self.pool.backends if backend.name not in stay]
        self.pool.replace(backends)
        self.pool.paths = group.paths
        self.rules.forget_paths()
        for backend in gone:
            said.append(f"server {backend.name} removed")
            self.give_up(backend, "the server is not configured any more")
        self._endpoints.clear()
        self._endpoints.update(endpoints)
        self.group = group
        self._obey(settings)
        self.watch.replace(settings.health)
        return said

    def set_admin(self, backend: Backend, admin: Admin, until: float | None = None) -> None:
        """The operator's word; *until* is when a drain turns into maintenance."""
        self._log.info("backend {name}: {admin}", name=backend.name, admin=admin.value)
        backend.admin = admin
        backend.drain_until = until if admin is Admin.DRAIN else None
        if admin is Admin.MAINT:
            self.give_up(backend, "the server is in maintenance")

    def tick(self, now: float) -> None:
        """Called about once a second."""
        self.sessions.expire_some(now)
        self.watch.tick(now)
        for backend in self.pool.backends:
            if backend.drain_until is not None and backend.drain_until <= now:
                self.set_admin(backend, Admin.MAINT)

    def give_up(self, backend: Backend, why: str) -> None:
        """Close all connections to a backend at once, so that nobody waits there (complaint 32)."""
        connections, sessions = backend.connections, self.sessions.at(backend.name)
        for relay in [*self._relays()]:
            relay.backend_down(backend, why)
        self._log.warn(
            "backend {name}: closed {connections} connections, {sessions} sessions to be re-homed",
            name=backend.name,
            connections=connections,
            sessions=sessions,
        )

    def _changed(self, backend: Backend) -> None:
        if not backend.up:
            self.give_up(backend, "the backend is DOWN")
