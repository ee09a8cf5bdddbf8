"""Which sessions there are, as plain values: those that are wanted, a page of them, the last used first.

A table may hold 200 000, so what is asked for decides what is looked at: without a filter only as many as are
shown. No cookie and no Authorization is known here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from heapq import merge
from itertools import repeat
from typing import TYPE_CHECKING, Any

from attrs import frozen

from mapiproxy.backends.sessions import Session
from mapiproxy.exchange.exchange import Exchange
from mapiproxy.net.relay import Relay
from mapiproxy.policy.support import classify_client

if TYPE_CHECKING:
    from mapiproxy.service.service import ProxyService
    from mapiproxy.service.site import Site

Plain = dict[str, Any]
Relays = dict[int, list[Relay]]


@frozen
class Wanted:
    """Which sessions: those that fit all of it; ``None`` asks for nothing.

    :ivar mailbox: part of the mailbox or the user; ``client``: part of what the client says it is.
    :ivar state: ``active``: a call runs; ``waiting``: a NotificationWait is open; ``idle``: nothing runs.
    """

    mailbox: str | None = None
    server: str | None = None
    client: str | None = None
    state: str | None = None

    def tests(self, relays: Relays) -> list[Callable[[Session], bool]]:
        """What a session has to pass; as little as there can be."""
        found: list[Callable[[Session], bool]] = []
        if self.server is not None:
            server = self.server.lower()
            found.append(lambda session: session.backend.lower() == server)
        if self.mailbox is not None:
            mailbox = self.mailbox.lower()
            found.append(
                lambda session: (
                    mailbox in (session.mailbox or "").lower() or mailbox in (session.user or "").lower()
                )
            )
        if self.client is not None:
            client = self.client.lower()
            found.append(lambda session: client in (session.application or "").lower())
        if self.state is not None:
            busy = self._busy(relays)
            found.append(lambda session: (id(session) in busy) is (self.state != "idle"))
        return found

    def _busy(self, relays: Relays) -> set[int]:
        """Those in which something runs, or where it matters a wait."""
        return {
            session
            for session, some in relays.items()
            for relay in some
            if relay.exchange is not None
            and (self.state != "waiting" or relay.exchange.facts.request_type == "NotificationWait")
        }


def sessions(service: ProxyService, now: float, wanted: Wanted, *, limit: int, offset: int = 0) -> Plain:
    """Sessions, the last used first."""
    relays: Relays = {}
    for relay in service.relays():
        session = relay.exchange.session if relay.exchange is not None else relay.session
        if session is not None:
            relays.setdefault(id(session), []).append(relay)
    tests = wanted.tests(relays)
    total, chosen = 0, []
    if not tests:
        total = sum(site.sessions.live for site in service.sites.values())
    for number, (site, session) in enumerate(_fitting(service, tests)):
        if offset <= number < offset + limit:
            chosen.append((site, session))
        elif not tests and number >= offset + limit:
            break
        if tests:
            total = number + 1
    return {
        "total": total,
        "sessions": [_session(site, each, relays.get(id(each), []), now) for site, each in chosen],
    }


def _fitting(
    service: ProxyService, tests: list[Callable[[Session], bool]]
) -> Iterator[tuple[Site, Session]]:
    """Those that pass, the last used first: each table is in that order."""

    def of(site: Site) -> Iterator[tuple[Site, Session]]:
        fitting: Iterator[Session] = reversed(site.sessions)
        for test in tests:
            fitting = filter(test, fitting)
        return zip(repeat(site), fitting, strict=False)

    return merge(*map(of, service.sites.values()), key=lambda pair: pair[1].used, reverse=True)


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
        "current": [
            describe_call(relay, relay.exchange, now) for relay in relays if relay.exchange is not None
        ],
    }


def describe_call(relay: Relay, exchange: Exchange, now: float) -> Plain:
    """What runs on a connection."""
    pulse = exchange.pulse
    return {
        "request_type": exchange.facts.request_type,
        "phase": exchange.ledger.phase,
        "seconds": round(now - exchange.ledger.head_at, 1),
        "pulses": pulse.beats if pulse is not None else 0,
        # Since the last sign of life: of a wait, its last PENDING.
        "quiet": round(relay.deadline.quiet(now), 1),
    }
