"""What a service is like now, for metrics: its live parts, and the few sums that somebody has to make."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mapiproxy.admin.state import CertificateState, PoolState, State
from mapiproxy.backends.kind import Kind
from mapiproxy.net.certificates import find_names

if TYPE_CHECKING:
    from mapiproxy.service.service import ProxyService


def state_of(service: ProxyService) -> State:
    """All that metrics tell of."""
    written, lost = service.log_lines
    reloads = service.reloads
    now = time.monotonic()
    return State(
        now=now,
        statistics=service.statistics,
        pools=_pools(service, now),
        listeners={name: front.doors for name, front in service.fronts.items()},
        certificates=[*_certificates(service)],
        protection=_protection(service),
        certificates_renewed=service.renewal.renewed,
        lag=(service.lag.now, service.lag.worst),
        generation=service.generation,
        loaded_at=service.loaded_at,
        reload_ok=reloads.ok is not False,
        reloads={"good": reloads.good, "refused": reloads.bad},
        log_written=written,
        log_lost=lost,
    )


def _pools(service: ProxyService, now: float) -> list[PoolState]:
    waits: defaultdict[int, Counter[str]] = defaultdict(Counter)
    oldest: dict[int, float] = {}
    for relay in service.relays():
        exchange = relay.exchange
        if exchange is None or not exchange.is_wait or exchange.backend is None:
            continue
        house = id(relay.house)
        waits[house][exchange.backend.name] += 1
        oldest[house] = max(oldest.get(house, 0.0), relay.deadline.quiet(now))
    return [
        PoolState(
            name=name,
            rules=site.rules,
            sessions=site.sessions,
            directories=[
                (wing.pool, {each.name: wing.watch.health(each) for each in wing.pool.backends})
                for wing in site.wings.values()
            ],
            waits=waits[id(site.house)],
            oldest_pending=oldest.get(id(site.house)),
        )
        for name, site in service.sites.items()
    ]


def _certificates(service: ProxyService) -> Iterator[CertificateState]:
    for name, front in service.fronts.items():
        for each in front.creator.certificates if front.creator is not None else ():
            subject = next(iter(each.covers), "")
            yield CertificateState("listener", name, subject, each.not_after.timestamp())
    for (pool, server), leaf in service.renewal.shown.items():
        subject = next(iter(find_names(leaf)), "")
        yield CertificateState("server", f"{pool}/{server}", subject, leaf.not_valid_after_utc.timestamp())


def _protection(service: ProxyService) -> dict[tuple[str, str, str], bool]:
    """Of each pair that has been compared, whether it agreed."""
    drift = service.renewal.drift
    found = {}
    for listener, front in service.fronts.items():
        site = service.sites[front.listener.backend]
        if site.group.kind is not Kind.EXCHANGE:
            continue
        for server in site.group.servers:
            wrong = f"{listener}/{server.name}" in drift.lines
            if wrong or drift.known.get(server.name) is not None:
                found[listener, site.group.name, server.name] = not wrong
    return found
