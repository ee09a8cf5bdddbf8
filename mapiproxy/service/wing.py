"""One virtual directory of a site as it runs: its pool, and the eye on its servers' health."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs
from attrs import define
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.logger import Logger

from mapiproxy.backends.fleet import Backend, Pool
from mapiproxy.backends.health import HealthRules
from mapiproxy.backends.vdir import VirtualDirectory
from mapiproxy.net.lag import Lag
from mapiproxy.net.watch import Watch
from mapiproxy.service.assembly import make_backend, make_pool
from mapiproxy.settings import BackendGroup


@define(eq=False)
class Wing:
    """The virtual directory."""

    pool: Pool
    watch: Watch

    @property
    def name(self) -> str:
        """Of the virtual directory."""
        return self.pool.vdir.name

    def change(
        self, group: BackendGroup, vdir: VirtualDirectory, old: BackendGroup, rules: HealthRules
    ) -> list[tuple[Backend, str]]:
        """Obey other settings. Returns the backends that are not what they were, and why."""
        before = {server.name: server for server in old.servers}
        backends, gone = [], []
        for server in group.servers:
            backend, was = self.pool.by_name.get(server.name), before.get(server.name)
            if backend is None or was is None:
                backend = make_backend(server, group, vdir)
            elif was.url != server.url:
                gone.append((backend, "the server has another address now"))
                backend = attrs.evolve(
                    make_backend(server, group, vdir), admin=backend.admin, drain_until=backend.drain_until
                )
            elif was.weight != server.weight:
                # A weight set at run time stays unless the file says something new.
                backend.weight = server.weight
            backends.append(backend)
        stay = {server.name for server in group.servers}
        for backend in self.pool.backends:
            if backend.name not in stay:
                gone.append((backend, "the server is not configured any more"))
        self.pool.replace(backends)
        self.pool.vdir = vdir
        self.watch.replace(rules)
        return gone


def make_wing(
    group: BackendGroup,
    vdir: VirtualDirectory,
    endpoints: Mapping[str, IStreamClientEndpoint],
    rules: HealthRules,
    reactor: Any,
    lag: Lag,
    log: Logger,
    on_change: Callable[[Backend], None],
) -> Wing:
    """A wing that is not watched yet."""
    pool = make_pool(group, vdir)
    return Wing(pool, Watch(pool, endpoints, rules, reactor, lag, log, on_change))


def say_changes(group: BackendGroup, old: BackendGroup) -> list[str]:
    """What changed about servers and virtual directories, in words."""
    before = {server.name: server for server in old.servers}
    said = []
    for server in group.servers:
        was = before.pop(server.name, None)
        if was is None:
            said.append(f"server {server.name} added")
        elif was.url != server.url:
            said.append(f"server {server.name} is at {server.url} now")
        elif was.weight != server.weight:
            said.append(f"server {server.name} has weight {server.weight} now")
    said += [f"server {name} removed" for name in before]
    vdirs, were = ({vdir.name: vdir for vdir in each.vdirs} for each in (group, old))
    said += [f"virtual directory {name} added" for name in _names(vdirs, were)]
    said += [f"virtual directory {name} removed" for name in _names(were, vdirs)]
    said += [f"virtual directory {n} changed" for n in vdirs if n in were and vdirs[n] != were[n]]
    if group.mapi_http != old.mapi_http:
        said.append("who may use MAPI over HTTP has changed")
    return said


def _names(these: Iterable[str], those: Iterable[str]) -> list[str]:
    known = set(those)
    return [name for name in these if name not in known]
