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
from mapiproxy.backends.sessions import Session
from mapiproxy.exchange.exchange import Exchange
from mapiproxy.net.logfile import HttpProxyLog
from mapiproxy.net.relay import Relay
from mapiproxy.policy.support import classify_client
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
        "sessions": sum(1 for _ in sessions),
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
    return [
        server(service, site, backend, now)
        for site in service.sites.values()
        for backend in site.pool.backends
    ]


def server(service: ProxyService, site: Site, backend: Backend, now: float) -> Plain:
    """One server."""
    health = site.watch.health(backend)
    work = work_of(service.relays(site), site, backend, now)
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
        "drain_ends_in": None if deadline is None else round(deadline, 1),
        "safe_in": round(bound, 1),
        "safe_text": describe(work, bound),
        "probe": _probe(health.last, now - health.last_at),
        "failures": health.failures + health.strikes,
    }


def work_of(relays: Iterable[Relay], site: Site, backend: Backend, now: float) -> Work:
    """What a server is doing."""
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
        tuple(s.until - now for s in site.sessions if s.backend == backend.name),
    )


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


def sessions(
    service: ProxyService, now: float, *, mailbox: str | None, server: str | None, limit: int
) -> Plain:
    """Sessions, the last used first."""
    found = [
        (site, session)
        for site in service.sites.values()
        for session in site.sessions
        if (mailbox is None or mailbox.lower() in (session.mailbox or "").lower()
            or mailbox.lower() in (session.user or "").lower())
        and (server is None or session.backend.lower() == server.lower())
    ]  # fmt: skip
    found.sort(key=lambda pair: pair[1].used, reverse=True)
    chosen = found[:limit]
    relays: dict[int, list[Relay]] = {}
    for relay in service.relays():
        session = relay.exchange.session if relay.exchange is not None else relay.session
        if session is not None:
            relays.setdefault(id(session), []).append(relay)
    return {
        "total": len(found),
        "sessions": [_session(site, each, relays.get(id(each), []), now) for site, each in chosen],
    }


def _session(site: Site, session: Session, relays: list[Relay], now: float) -> Plain:
    return {
        "id": session.id,
        "pool": site.pool.name,
        "kind": site.pool.kind.value,
        "endpoint": session.endpoint,
        "mailbox": session.mailbox,
        "user": session.user,
        "application": session.application,
        "client_class": classify_client(session.application, session.application).name,
        "mapi_http_supported": classify_client(session.application, session.application).within,
        "client": session.client_ip,
        "requests": session.requests,
        "backend": session.backend,
        "moves": session.moves,
        "age": round(now - session.began, 1),
        "idle": 0.0 if session.calls else round(now - session.used, 1),
        "expires_in": round(session.until - now, 1),
        "connections": sum(not relay.gone for relay in relays),
        "current": [_call(relay, relay.exchange, now) for relay in relays if relay.exchange is not None],
    }


def _call(relay: Relay, exchange: Exchange, now: float) -> Plain:
    pulse = exchange.pulse
    return {
        "request_type": exchange.facts.request_type,
        "phase": exchange.ledger.phase,
        "seconds": round(now - exchange.ledger.head_at, 1),
        "pulses": pulse.beats if pulse is not None else 0,
        # Since the last sign of life: of a wait, its last PENDING.
        "quiet": round(relay.deadline.quiet(now), 1),
    }
