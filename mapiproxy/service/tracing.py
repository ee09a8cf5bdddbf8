"""Follows the requests of one session, mailbox or user live, for whoever asks over the control socket.

A trace lives as long as somebody comes back for its events. While there is none, requests pay for a look at
a ``None``. Secrets are digests before anything is kept (record/redaction.py).
"""

from __future__ import annotations

import os
from collections import deque
from itertools import count
from typing import TYPE_CHECKING, Any

from attrs import define, field

from mapiproxy.exchange.exchange import Exchange
from mapiproxy.record.phases import moments_of
from mapiproxy.record.redaction import make_digest, redact
from mapiproxy.service.listing import describe_call
from mapiproxy.wire.heads import ResponseHead

if TYPE_CHECKING:
    from mapiproxy.service.service import ProxyService

Plain = dict[str, Any]

#: Traces at the same time, events kept for one that is not fetched, seconds after which nobody wants it.
MOST, KEPT, FORGET = 16, 5000, 30.0


@define(eq=False)
class Trace:
    """One watcher's trace.

    :ivar who: lower case: the beginning of a session's id, or a part of a mailbox or user.
    :ivar running: ledger ids of exchanges that belong to it and are not over.
    """

    who: str
    fetched_at: float
    events: deque[Plain] = field(factory=lambda: deque(maxlen=KEPT))
    running: set[str] = field(factory=set)
    next: int = 1


class Tracing:
    """The traces of a service."""

    def __init__(self, service: ProxyService) -> None:
        self._service = service
        self._traces: dict[int, Trace] = {}
        self._numbers = count(1)
        self._digest = make_digest(os.urandom(16))

    def answer(self, number: int, who: str, after: int) -> Plain:
        """The events of trace *number* after event *after*; number 0 begins a trace of *who*.

        :raise LookupError: there is no such trace (any more), or there are too many.
        """
        now = self._service.clock()
        if not number:
            if len(self._traces) >= MOST:
                raise LookupError(f"{MOST} traces run already; each ends {FORGET:g} s after its last reader")
            number = next(self._numbers)
            self._traces[number] = Trace(who.lower(), now)
            self._watch()
        trace = self._traces.get(number)
        if trace is None:
            raise LookupError(f"there is no trace {number}: nobody came for it in {FORGET:g} s")
        trace.fetched_at = now
        self._watch()  # a reload may have brought sites that are not watched yet
        oldest = trace.events[0]["n"] if trace.events else trace.next
        return {
            "trace": number,
            "events": [event for event in trace.events if event["n"] > after],
            "after": trace.next - 1,
            "lost": max(0, oldest - after - 1),
            "running": self._running(trace, now),
        }

    def tick(self, now: float) -> None:
        """Called about once a second: forget what nobody reads."""
        if not self._traces:
            return
        for number in [n for n, trace in self._traces.items() if now - trace.fetched_at > FORGET]:
            del self._traces[number]
        if not self._traces:
            for site in self._service.sites.values():
                site.house.tracer = None

    def _watch(self) -> None:
        for site in self._service.sites.values():
            site.house.tracer = self._heard

    def _heard(self, what: str, exchange: Exchange, head: ResponseHead | None) -> None:
        try:
            self._note(what, exchange, head)
        except Exception:  # our bug; whoever is watched must not pay for it
            self._service.log.failure("bug while tracing {exchange!r}", exchange=exchange)

    def _note(self, what: str, exchange: Exchange, head: ResponseHead | None) -> None:
        event: Plain | None = None
        for trace in self._traces.values():
            known = exchange.ledger.request_id in trace.running
            if not known and not _concerns(trace.who, exchange):
                continue
            if event is None:
                event = self._event(what, exchange, head)
            trace.events.append({"n": trace.next, **event})
            trace.next += 1
            if what == "end":
                trace.running.discard(exchange.ledger.request_id)
            else:
                trace.running.add(exchange.ledger.request_id)

    def _event(self, what: str, exchange: Exchange, head: ResponseHead | None) -> Plain:
        ledger = exchange.ledger
        event: Plain = {
            "event": what,
            "wall": ledger.wall + (self._service.clock() - ledger.head_at),
            "exchange": ledger.request_id,
            "session": exchange.session.id if exchange.session is not None else ledger.session,
            "method": ledger.method,
            "path": ledger.path,
            "request_type": ledger.request_type,
            "backend": ledger.backend,
        }
        if what == "request":
            event.update(
                client=f"{ledger.client_ip}:{ledger.client_port}",
                request_id=ledger.mapi_request_id,
                mailbox=ledger.mailbox,
                user=ledger.user,
                application=ledger.client_application,
                head=redact(exchange.head.fields, self._digest),
            )
        elif what == "answer" and head is not None:
            event.update(
                status=head.status, code=ledger.response_code, head=redact(head.fields, self._digest)
            )
        else:
            event.update(_end_of(exchange))
        return event

    def _running(self, trace: Trace, now: float) -> list[Plain]:
        found = []
        for relay in self._service.relays() if trace.running else ():
            exchange = relay.exchange
            if exchange is not None and exchange.ledger.request_id in trace.running:
                call = describe_call(relay, exchange, now)
                found.append({"exchange": exchange.ledger.request_id, **call})
        return found


def _concerns(who: str, exchange: Exchange) -> bool:
    ledger, session = exchange.ledger, exchange.session
    if session is not None and session.id.startswith(who):
        return True
    names = [ledger.session, ledger.mailbox, ledger.user]
    if session is not None:
        names += [session.mailbox, session.user]
    return any(name is not None and who in name.lower() for name in names)


def _end_of(exchange: Exchange) -> Plain:
    ledger = exchange.ledger
    _, end, routed, connected, asked, answered, done = moments_of(ledger)
    steps = (("route", 0, routed), ("connect", routed, connected), ("request", connected, asked),
             ("wait", asked, answered), ("answer", answered, done))  # fmt: skip
    return {
        "ending": ledger.ending.value,
        "status": ledger.status,
        "backend_status": ledger.backend_status,
        "code": ledger.response_code,
        "late_code": ledger.late_response_code,
        "pulses": ledger.pulses,
        "routed_by": ledger.routed_by,
        "retries": ledger.retries,
        "moved_from": ledger.moved_from,
        "request_bytes": ledger.request_bytes,
        "response_bytes": ledger.response_bytes,
        "error": ledger.error,
        "total_ms": round(end / 1000, 1),
        "phases_ms": {
            name: round(((end if until is None else until) - since) / 1000, 1)
            for name, since, until in steps
            if since is not None
        },
    }
