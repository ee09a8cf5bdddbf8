"""Each question alone; the verdicts that come of them are in test_judging.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from support.logrows import line
from support.windows import ALICE, calls, evidence_of

from mapiproxy.evidence import findings
from mapiproxy.evidence.findings import Finding, many
from mapiproxy.evidence.gathering import Evidence
from mapiproxy.record.ending import Ending

QUESTIONS = (
    findings.refused, findings.auth_loop, findings.stripped, findings.lost, findings.failing, findings.codes,
    findings.held_back, findings.leaked, findings.moved,
)  # fmt: skip


@pytest.mark.parametrize("ask", QUESTIONS, ids=lambda ask: ask.__name__)
def test_where_all_is_well_nobody_finds_anything(ask: Callable[[Evidence], Iterator[Finding]]) -> None:
    assert list(ask(evidence_of(calls(50)))) == []


@pytest.mark.parametrize(
    ("count", "of", "matters"),
    [(1, 1, False), (2, 2, True), (2, 4, True), (2, 5, False), (3, 60, True), (3, 61, False), (50, 1001, False), (0, 0, False)],
)
def test_what_matters_is_often_enough_and_a_large_enough_share(count: int, of: int, matters: bool) -> None:
    assert Finding("x", "proxy", "", count, of, 1.0).matters is matters


def test_losses_of_both_sides_are_two_findings() -> None:
    lines = calls(20) + calls(3, phase="Answer") + calls(4, phase="Wait", ending=Ending.BACKEND_LOST)
    found = list(findings.lost(evidence_of(lines)))

    assert [(each.place, each.count, each.of) for each in found] == [("client", 3, 27), ("backend", 4, 27)]


def test_a_pattern_among_other_losses_says_how_many_it_is() -> None:
    wait = {"request_type": "NotificationWait", "phase": "Answer", "wait": 0}
    lines = calls(50) + calls(9, **wait, answer=60_000) + calls(1, **wait, answer=61_000) + calls(1, **wait, answer=5)
    (found,) = findings.lost(evidence_of(lines))

    assert "10 connections cut after 60.0 s of waiting (+/- 1.0 s, 10 of 11 losses)" in found.text
    # Of waits, not of all requests.
    assert (found.count, found.of, found.waits) == (11, 11, True)


def test_five_refusals_in_a_row_are_still_a_handshake() -> None:
    for count, expected in ((5, 0), (6, 1)):
        lines = calls(1) + calls(count, status=401, backend_status=401, every=1000)
        # The first is at the same moment as what succeeded, and comes after it.
        assert len(list(findings.auth_loop(evidence_of(lines)))) == expected


def test_many_handshakes_at_once_are_no_loop_unless_nothing_comes_of_them() -> None:
    burst = calls(16, status=401, backend_status=401, every=50)
    after = [line(at=60_000 + n, user=ALICE) for n in range(20)]

    assert list(findings.auth_loop(evidence_of(burst, after))) == []
    assert len(list(findings.auth_loop(evidence_of(after, [line(at=90_000 + n, status=401, backend_status=401) for n in range(16)])))) == 1
    assert len(list(findings.auth_loop(evidence_of(calls(16, status=401, backend_status=401, every=1000), after)))) == 1


def test_two_statuses_are_two_findings_the_most_frequent_first() -> None:
    lines = calls(9) + calls(1, status=500, backend_status=500) + calls(3, status=503, backend_status=503)
    found = list(findings.failing(evidence_of(lines)))

    assert ["503" in each.text for each in found] == [True, False]


def test_numbers_are_written_for_people() -> None:
    assert many(1, "request") == "1 request"
    assert many(1204567, "request") == "1 204 567 requests"
    assert many(2, "loss", "losses") == "2 losses"
