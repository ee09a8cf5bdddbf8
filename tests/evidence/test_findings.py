"""Each question alone; the verdicts that come of them are in test_judging.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from support.logrows import line, theirs
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


def test_waits_that_end_together_as_they_began_are_a_client_that_closed() -> None:
    wait = {"request_type": "NotificationWait", "phase": "Answer", "wait": 0}
    closed = [line(at=90_000 + n, user=ALICE, **wait, answer=20_000) for n in range(5)]
    (found,) = findings.lost(evidence_of(calls(200), closed))

    assert found.text.startswith("client or its path, 5 of 205 requests cut")
    assert not found.matters


def test_most_waits_cut_is_a_problem_at_whatever_age() -> None:
    def cut(count: int) -> list[bytes]:
        wait = {"request_type": "NotificationWait", "phase": "Answer", "wait": 0}
        return [line(at=n * 60_000, user=ALICE, **wait, answer=4000 + 7000 * n) for n in range(count)]

    waits = calls(5, request_type="NotificationWait", answer=50_000)
    (many,), (few,) = (findings.lost(evidence_of(calls(300), waits, cut(n))) for n in (9, 3))
    assert (many.count, many.of, many.matters) == (9, 14, True)
    assert (few.count, few.of, few.matters) == (3, 308, False)


def test_a_program_that_is_refused_is_not_hidden_by_others_that_are_not() -> None:
    old = calls(30, status=401, backend_status=401, every=6000, client_ip="10.0.0.9", client_info="{OLD}:1")
    (found,) = findings.auth_loop(evidence_of(calls(2000), old))

    assert "30 refusals in a row within 2m54s from 15:26:40, client 10.0.0.9: credentials" in found.text
    assert (found.count, found.of, found.matters) == (30, 30, True)


def test_what_failed_inside_exchanges_proxy_is_no_rule() -> None:
    rows = [
        theirs(AuthenticatedUser=ALICE, HttpStatus=500, BackEndStatus="", TargetServer="", ErrorCode="ServerNotFound")
    ] * 4
    (found,) = findings.refused(evidence_of(rows))
    assert (found.place, found.text[:50]) == ("proxy", "the proxy itself failed, ServerNotFound (500) sinc")


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
