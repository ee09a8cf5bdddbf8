"""What a service is like now, as plain values that JSON can hold: the shapes of ``--json``.

Looks at everything and changes nothing. No cookie and no Authorization is known here: a session is named
by the beginning of a digest of its cookie, as in the log.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import mapiproxy
from mapiproxy.backends.fleet import Backend, Pool
from mapiproxy.backends.health import Probed
from mapiproxy.net.logfile import HttpProxyLog
from mapiproxy.net.relay import Relay
from mapiproxy.policy.tally import RUNGS
from mapiproxy.service.safety import Work, describe, safe_in

if TYPE_CHECKING:
    from mapiproxy.service.service import ProxyService
    from mapiproxy.service.site import Site

Plain = dict[str, Any]


def status(service: ProxyService, now: float) -> Plain:
    """The process, its listeners, its pools."""
    return {
        "version": mapiproxy.__version__,
        "pid": os.getpid(),
        "uptime": round(now - service.started_at, 1),
        "stopping": service.stopping,
        "file": str(service.file) if service.file is not None else None,
        "loaded_at": round(service.loaded_at),
        "generation": service.generation,
        "last_reload": _last_reload(service),
        "lag": {"now": round(service.lag.now, 3), "worst": round(service.lag.worst, 3)},
        "listeners": [
            {
                "name": name,
                "binds": [_address(port.getHost()) for port in front.ports.values()],
                "connections": len(front.doors),
                "limit": front.doors.limit,
                "turned_away": front.doors.turned_away,
            }
            for name, front in service.fronts.items()
        ],
        "certificates": service.renewal.view(),
        "log": _log(service.http_proxy_log),
        "pools": [_pool(site) for site in service.sites.values()],
    }


def _last_reload(service: ProxyService) -> Plain | None:
    reloads = service.reloads
    return None if reloads.ok is None else {"ok": reloads.ok, "at": round(reloads.at)}


def _log(log: HttpProxyLog | None) -> Plain | None:
    if log is None:
        return None
    return {
        "directory": str(log.directory),
        "written": log.written,
        "waiting": log.waiting,
        "lost": log.lost,
        "trouble": log.trouble,
    }


def _address(bound: Any) -> str:
    return f"[{bound.host}]:{bound.port}" if ":" in bound.host else f"{bound.host}:{bound.port}"


def _pool(site: Site) -> Plain:
    tally, pool, sessions = site.rules.tally, site.pool, site.sessions
    return {
        "name": pool.name,
        "kind": pool.kind.value,
        "up": sum(backend.keeps for backend in pool.backends),
        "servers": len(pool.backends),
        "sessions": sessions.live,
        "evicted": sessions.evicted,
        "moved": sessions.moved,
        "rungs": {name: tally.rungs[name] for name in RUNGS},
        "unmatched_cookies": tally.unmatched,
        "again": {
            "resent": tally.resent,
            "refused": tally.refused,
            "broken": tally.broken,
            "lost": tally.lost,
        },
        "hangs": tally.hangs,
        "skew": _skew(site),
        "auth_loops": site.rules.auth_loops.loops,
        "credentials_stopped": site.rules.auth_loops.stopped,
        "channels": len(site.rules.channels),
        "vdirs": [_vdir(wing.pool) for wing in site.wings.values()],
    }


def _vdir(pool: Pool) -> Plain:
    vdir = pool.vdir
    return {
        "name": vdir.name,
        "enabled": vdir.enabled,
        "internal_url": vdir.internal_url,
        "external_url": vdir.external_url,
        "iis_authentication_methods": vdir.iis_authentication_methods,
        "up": [backend.name for backend in pool.backends if backend.keeps],
        "down": [backend.name for backend in pool.backends if not backend.keeps],
    }


def _skew(site: Site) -> float | None:
    """How many times more sessions, for its weight, the fullest server has than the emptiest.

    An empty one counts as having one session, so that there is a number for the worst case.
    """
    loads = [max(1, site.sessions.at(b.name)) / b.weight for b in site.pool.backends if b.takes]
    if len(loads) < 2 or not len(site.sessions):
        return None
    return round(max(loads) / min(loads), 1)


def servers(service: ProxyService, now: float) -> list[Plain]:
    """Every server of every pool."""
    rows = []
    for site in service.sites.values():
        ends = {name: [until - now for until in each] for name, each in site.sessions.ends().items()}
        relays = service.relays(site)
        rows += [_server(site, each, relays, ends.get(each.name, ()), now) for each in site.pool.backends]
    return rows


def server(service: ProxyService, site: Site, backend: Backend, now: float) -> Plain:
    """One server."""
    ends = [until - now for until in site.sessions.ends().get(backend.name, ())]
    return _server(site, backend, service.relays(site), ends, now)


def _server(
    site: Site, backend: Backend, relays: list[Relay], ends: Iterable[float], now: float
) -> Plain:
    health = site.watch.health(backend)
    work = work_of(relays, backend, ends, now)
    deadline = None if backend.drain_until is None else backend.drain_until - now
    bound = safe_in(work, site.rules.limits.first_byte, deadline)
    url = next((each.url for each in site.group.servers if each.name == backend.name), "")
    return {
        "pool": site.pool.name,
        "name": backend.name,
        "url": url,
        "admin": backend.admin.value,
        "up": backend.up,
        "why": health.why,
        "since": round(now - health.since, 1),
        "weight": backend.weight,
        "sessions": len(work.sessions),
        "connections": sum(each.connections for each in site.everywhere(backend.name)),
        "executes": len(work.executes),
        "waits": len(work.waits),
        "others": len(work.others),
        "pending_age": _pending_age(relays, backend, now),
        "drain_ends_in": None if deadline is None else round(deadline, 1),
        "safe_in": round(bound, 1),
        "safe_text": describe(work, bound),
        "probe": _probe(health.last, now - health.last_at),
        "failures": health.failures + health.strikes,
    }


def work_of(relays: Iterable[Relay], backend: Backend, ends: Iterable[float], now: float) -> Work:
    """What a server is doing; *ends*: in how many seconds each of its sessions expires."""
    ages: dict[str, list[float]] = {"Execute": [], "NotificationWait": [], "": []}
    for relay in relays:
        exchange = relay.exchange
        if exchange is not None and exchange.backend is not None and exchange.backend.is_at(backend):
            kind = exchange.facts.request_type or ""
            ages.get(kind, ages[""]).append(now - exchange.ledger.head_at)
    return Work(
        tuple(ages["Execute"]),
        tuple(ages["NotificationWait"]),
        tuple(ages[""]),
        tuple(ends),
    )


def _pending_age(relays: Iterable[Relay], backend: Backend, now: float) -> float | None:
    """How long the quietest wait has had no sign of life; ``None`` without a wait."""
    ages = [
        relay.deadline.quiet(now)
        for relay in relays
        if (exchange := relay.exchange) is not None
        and exchange.backend is not None
        and exchange.backend.is_at(backend)
        and exchange.facts.request_type == "NotificationWait"
    ]
    return round(max(ages), 1) if ages else None


def _probe(probed: Probed | None, ago: float) -> Plain | None:
    if probed is None:
        return None
    return {
        "ok": probed.ok,
        "stage": probed.stage,
        "text": probed.text,
        "connect_ms": _ms(probed.connect),
        "tls_ms": _ms(probed.tls),
        "http_ms": _ms(probed.http),
        "body_ms": _ms(probed.body),
        "ago": round(ago, 1),
    }


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)
