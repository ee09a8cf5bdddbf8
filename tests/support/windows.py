"""Windows of evidence: somebody's rows and those of a crowd, as lines of ours."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from support.logrows import line, rows_of

from mapiproxy.backends.kind import Kind
from mapiproxy.evidence.failures import FailureList
from mapiproxy.evidence.gathering import Evidence
from mapiproxy.evidence.subject import Subject

ALICE = "CORP\\alice"


def calls(count: int = 40, user: str = ALICE, every: int = 100, **changes: Any) -> list[bytes]:
    """So many requests, one every 100 ms."""
    usual = {"client_ip": "10.0.0.7", "backend": "EXCH1", "wait": 20}
    return [line(at=number * every, user=user, **(usual | changes)) for number in range(count)]


def crowd(count: int = 60, **changes: Any) -> list[bytes]:
    """Requests of three others, from Outlooks and mailboxes of their own."""
    lines = []
    for number in range(3):
        mine = {
            "mailbox": f"0aa89cf8-1111-2222-3333-44445555000{number}@domain.tld",
            "client_info": f"{{OTHER{number}}}:1",
            "client_ip": f"10.0.0.{100 + number}",
        }
        lines += calls(count // 3, f"CORP\\other{number}", **(mine | changes))
    return lines


def evidence_of(
    *parts: Iterable[bytes], who: str = "alice", since: int | None = None, kind: Kind = Kind.EXCHANGE
) -> Evidence:
    """What these lines say about somebody."""
    evidence = Evidence(Subject(who), FailureList(kind=kind))
    evidence.read(rows_of(each for part in parts for each in part), since)
    evidence.finish()
    return evidence
