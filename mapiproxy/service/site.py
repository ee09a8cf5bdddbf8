"""One group of backends as it runs: its fleet, its sessions, its rules, the eye on its health.

Made once and changed in place by a reload, so that live connections, sessions and what is known of each
backend's health survive it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from twisted.logger import Logger

from mapiproxy.backends.fleet import Admin, Backend, Pool
from mapiproxy.backends.sessions import Sessions
from mapiproxy.backends.vdir import VirtualDirectory
from mapiproxy.net.dialer import Dialer
from mapiproxy.net.house import House
from mapiproxy.net.lag import Lag
from mapiproxy.net.relay import Relay
from mapiproxy.net.watch import Watch
from mapiproxy.policy.illness import Blame
from mapiproxy.policy.rules import Rules
from mapiproxy.record.ledger import Ledger
from mapiproxy.service.assembly import make_endpoints, read_route_keys
from mapiproxy.service.wing import Wing, make_wing, say_changes
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
        self.sessions = Sessions()
        self._reactor = reactor
        self._eager = eager
        self._lag = lag
        self._log = log
        self._relays = relays
        self._running = False
        endpoints = make_endpoints(group, eager)
        self._endpoints = endpoints
        limits = settings.limits
        self.dialer = Dialer(reactor, endpoints, settings.timeouts.connect, limits.head)
        self.wings = {vdir.name: self._make_wing(group, vdir, settings) for vdir in group.vdirs}
        self.rules = Rules(self._pools(), self.sessions)
        self.house = House(
            self.rules, self.dialer, lag.clock, open_ledger, record, log, self._judge
        )
        self._obey(settings)

    @property
    def pool(self) -> Pool:
        """Of MAPI/HTTP, or of what there is instead."""
        return self._first.pool

    @property
    def watch(self) -> Watch:
        """The eye on that pool."""
        return self._first.watch

    @property
    def _first(self) -> Wing:
        return self.wings.get("mapi") or next(iter(self.wings.values()))

    def start(self) -> None:
        """Probe from now on."""
        self._running = True
        for wing in self.wings.values():
            self._start_wing(wing)

    def stop(self) -> None:
        """Probe no more."""
        self._running = False
        for wing in self.wings.values():
            wing.watch.stop()

    def _start_wing(self, wing: Wing) -> None:
        if self._running and wing.pool.vdir.enabled:
            wing.watch.start()
        else:
            wing.watch.stop()

    def _make_wing(self, group: BackendGroup, vdir: VirtualDirectory, settings: Settings) -> Wing:
        return make_wing(
            group, vdir, self._endpoints, settings.health, self._reactor, self._lag, self._log, self._changed
        )

    def _pools(self) -> tuple[Pool, ...]:
        return tuple(wing.pool for wing in self.wings.values())

    def _judge(self, backend: Backend, blame: Blame | None) -> None:
        wing = self.wings.get(backend.vdir)
        if wing is not None:
            wing.watch.judge(backend, blame)

    def _obey(self, settings: Settings) -> None:
        self.rules.limits = settings.timeouts
        self.rules.server_name = settings.log.server_name
        self.rules.route_keys = read_route_keys(settings.affinity)
        self.rules.mapi_http = self.group.mapi_http
        self.rules.published = self.group.published
        self.rules.firewall = settings.firewall
        self.rules.quotas = settings.quotas
        self.rules.auth_loops.guard = settings.guard
        self.dialer.limit = settings.timeouts.connect
        self.dialer.head_limit = settings.limits.head

    def change(self, group: BackendGroup, settings: Settings) -> list[str]:
        """Obey other settings from now on. Returns what changed about the fleet, in words.

        :raise BadCertificate, OSError: before anything has been changed.
        """
        endpoints = make_endpoints(group, self._eager)
        read_route_keys(settings.affinity)
        old, self.group = self.group, group
        said = say_changes(group, old)
        # Probes of what is new need to know where it is, those under way of what is old as well.
        self._endpoints.update(endpoints)
        wings: dict[str, Wing] = {}
        for vdir in group.vdirs:
            wing = self.wings.pop(vdir.name, None)
            if wing is None:
                wing = self._make_wing(group, vdir, settings)
                self._take_orders(wing, [*self.wings.values(), *wings.values()])
            else:
                for backend, why in wing.change(group, vdir, old, settings.health):
                    self.give_up(backend, why)
            wings[vdir.name] = wing
        for gone in self.wings.values():
            gone.watch.stop()
            for backend in gone.pool.backends:
                self.give_up(backend, "the virtual directory is not configured any more")
        self.wings = wings
        for name in [name for name in self._endpoints if name not in endpoints]:
            del self._endpoints[name]
        self.rules.pools = self._pools()
        self.rules.forget_paths()
        for wing in wings.values():
            self._start_wing(wing)
        self._obey(settings)
        return said

    def _take_orders(self, wing: Wing, others: Iterable[Wing]) -> None:
        """What an operator has ordered of a server counts for what it serves from now on, too."""
        for other in others:
            for backend in wing.pool.backends:
                known = other.pool.by_name.get(backend.name)
                if known is not None:
                    backend.admin, backend.drain_until = known.admin, known.drain_until
                    backend.weight = known.weight

    def everywhere(self, name: str) -> list[Backend]:
        """A server in all its virtual directories."""
        return [wing.pool.by_name[name] for wing in self.wings.values() if name in wing.pool.by_name]

    def set_admin(self, backend: Backend, admin: Admin, until: float | None = None) -> None:
        """The operator's word, for a server as a whole; *until* is when a drain turns into maintenance."""
        self._log.info("backend {name}: {admin}", name=backend.name, admin=admin.value)
        for each in self.everywhere(backend.name):
            each.admin = admin
            each.drain_until = until if admin is Admin.DRAIN else None
            if admin is Admin.MAINT:
                self.give_up(each, "the server is in maintenance")

    def set_weight(self, backend: Backend, weight: int) -> None:
        """Its share of new mailboxes, for a server as a whole."""
        for each in self.everywhere(backend.name):
            each.weight = weight

    def tick(self, now: float) -> None:
        """Called about once a second."""
        self.sessions.expire_some(now)
        for wing in self.wings.values():
            if wing.pool.vdir.enabled:
                wing.watch.tick(now)
        for backend in self.pool.backends:
            if backend.drain_until is not None and backend.drain_until <= now:
                self.set_admin(backend, Admin.MAINT)

    def give_up(self, backend: Backend, why: str) -> None:
        """Close all connections to a backend at once, so that nobody waits there (complaint 32)."""
        connections = backend.connections
        sessions = self.sessions.at(backend.name) if backend.vdir == "mapi" else 0
        for relay in [*self._relays()]:
            relay.backend_down(backend, why)
        if not connections and not sessions:
            return
        self._log.warn(
            "backend {name}: closed {connections} connections, {sessions} sessions to be re-homed",
            name=backend.label,
            connections=connections,
            sessions=sessions,
        )

    def _changed(self, backend: Backend) -> None:
        if not backend.up:
            self.give_up(backend, "the backend is DOWN")
