"""Ledgers for tests of the log: ordinary ones, and any that hypothesis can think of."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from mapiproxy.record.ending import Ending
from mapiproxy.record.ledger import Ledger

GUID = "0aa89cf8-1111-2222-3333-444455556666"
#: 2024-01-24T15:26:47.947Z
WALL = 1706110007.947

_TIMES = st.one_of(st.none(), st.floats(-1.0, 700.0))
_TEXTS = st.one_of(
    st.none(),
    st.text(max_size=40),
    st.text(alphabet=',;="\r\n\t\0\x0b\x0c\x1c\x85\u2028\u2029\ufeffé\ud800', max_size=20),
    st.binary(max_size=40).map(lambda value: value.decode("latin-1")),
    st.integers(1000, 5000).map(lambda size: ",;" * size),
)
_SURE_TEXTS = _TEXTS.map(lambda value: value or "")
_STATUSES = st.one_of(st.none(), st.sampled_from([100, 200, 302, 400, 401, 403, 404, 408, 500, 503]))


def execute(**changes: Any) -> Ledger:
    """An Execute that took 10 ms, the last but one half of them in the backend."""
    facts: dict[str, Any] = {
        "request_id": "3422ea93-768f-4cd4-8b0c-578038deb0b2",
        "wall": WALL,
        "head_at": 50.0,
        "routed_at": 50.001,
        "connected_at": 50.001,
        "request_started_at": 50.001,
        "request_ended_at": 50.0015,
        "answer_at": 50.005,
        "answer_ended_at": 50.0055,
        "ended_at": 50.010,
        "method": "POST",
        "host": "mail.domain.tld",
        "path": "/mapi/emsmdb/",
        "query": f"?MailboxId={GUID}@domain.tld",
        "request_type": "Execute",
        "mapi_request_id": "{750498CA-0EBD-4E7F-B2F6-377AD1BDD198}:20373",
        "client_info": "{FF8D5880-5A7A-4AF7-8DDA-8F662BD6BCB6}:155680117",
        "client_request_id": "{FF8D5880-5A7A-4AF7-8DDA-8F662BD6BCB6}",
        "client_application": "Outlook/16.0.16731.20000",
        "user_agent": "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.16731; Pro)",
        "mailbox": f"{GUID}@domain.tld",
        "auth_scheme": "Negotiate",
        "user": "DOMAIN\\user",
        "client_ip": "10.12.13.14",
        "client_port": 49660,
        "status": 200,
        "backend_status": 200,
        "backend": "exch1",
        "backend_host": "Host456.domain.tld",
        "backend_version": "Exchange/15.01.2507.035",
        "request_bytes": 70,
        "response_bytes": 132,
        "response_code": 0,
        "elapsed_ms": 3,
        "session": "0123456789abcdef",
        "routed_by": "session",
        "phase": "answer",
    }
    return Ledger(**(facts | changes))


def ledgers() -> st.SearchStrategy[Ledger]:
    """Any ledger at all: moments in any order, any text in any field."""
    return st.builds(
        Ledger,
        request_id=_SURE_TEXTS,
        wall=st.floats(0.0, 4e9),
        head_at=st.floats(0.0, 1e6),
        routed_at=_TIMES, dial_at=_TIMES, connected_at=_TIMES, request_started_at=_TIMES,
        request_ended_at=_TIMES, answer_at=_TIMES, answer_ended_at=_TIMES,
        ended_at=st.floats(0.0, 700.0),
        protocol=st.one_of(st.just("Mapi"), _SURE_TEXTS),
        method=_SURE_TEXTS, host=_SURE_TEXTS, path=_SURE_TEXTS, query=_SURE_TEXTS,
        request_type=_TEXTS, mapi_request_id=_TEXTS, client_info=_TEXTS, client_request_id=_TEXTS,
        client_application=_TEXTS, user_agent=_TEXTS, mailbox=_TEXTS, auth_scheme=_TEXTS, user=_TEXTS,
        client_ip=_SURE_TEXTS,
        status=_STATUSES, backend_status=_STATUSES,
        backend=_TEXTS, backend_host=_TEXTS, backend_version=_TEXTS,
        new_connection=st.booleans(),
        request_bytes=st.integers(0, 2**40), response_bytes=st.integers(0, 2**40),
        response_code=st.one_of(st.none(), st.integers(0, 2**32)),
        late_response_code=st.one_of(st.none(), st.integers(0, 2**32)),
        pulses=st.integers(0, 1000), elapsed_ms=st.one_of(st.none(), st.integers(0, 10**9)),
        session=_TEXTS, backend_request_id=_TEXTS, routed_by=_TEXTS, retries=st.integers(0, 9),
        ending=st.sampled_from(Ending), error=_TEXTS,
    )  # fmt: skip


def in_order() -> st.SearchStrategy[Ledger]:
    """Ledgers whose moments follow one another as they really do, broken off anywhere."""

    def build(gaps: list[float], reached: int, start: float) -> Ledger:
        moments, now = [], start
        for gap in gaps:
            now += gap
            moments.append(now)
        names = ("routed_at", "connected_at", "request_ended_at", "answer_at", "answer_ended_at")
        known = dict(zip(names, moments, strict=False))
        facts: dict[str, Any] = {name: known[name] for name in names[:reached]}
        last = max([start, *facts.values()])
        return Ledger(request_id="x", wall=WALL, head_at=start, ended_at=last + gaps[-1], **facts)

    gaps = st.lists(st.one_of(st.just(0.0), st.floats(0, 0.005), st.floats(0, 400)), min_size=6, max_size=6)
    return st.builds(build, gaps, st.integers(0, 5), st.floats(0, 1e6))
