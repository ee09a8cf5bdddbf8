"""From when on it is slow, and where."""

from __future__ import annotations

from support.windows import calls, crowd, evidence_of

from mapiproxy.evidence.gathering import Slow
from mapiproxy.evidence.shares import Shares
from mapiproxy.evidence.slowness import Threshold, describe, slow, threshold_of


def test_a_second_is_slow_for_anybody() -> None:
    assert threshold_of(evidence_of(calls(50), crowd(60))) == Threshold(1000)
    assert threshold_of(evidence_of(calls(50, wait=700))) == Threshold(1000)


def test_less_is_slow_where_others_are_three_times_as_fast() -> None:
    found = threshold_of(evidence_of(calls(50, wait=700), crowd(60, wait=150)))

    assert found.others is not None
    assert 145 < found.others < 155
    assert abs(found.ms - 450) < 10


def test_what_nobody_notices_is_not_slow_whatever_others_get() -> None:
    assert threshold_of(evidence_of(calls(50, wait=100), crowd(60, wait=1))) == Threshold(1000)


def test_a_few_others_are_nothing_to_compare_with() -> None:
    assert threshold_of(evidence_of(calls(50, wait=700), crowd(12, wait=10))) == Threshold(1000)


def test_more_slow_requests_are_counted_than_are_kept() -> None:
    (found,) = slow(evidence_of(calls(400, wait=2000)))

    assert (found.count, found.of, found.backend) == (400, 400, "EXCH1")


def test_waits_are_never_slow() -> None:
    assert list(slow(evidence_of(calls(9, request_type="NotificationWait", answer=300_000)))) == []


def worst(*shares: Shares) -> list[Slow]:
    return [Slow(sum(each.parts), 0, "id", "Execute", "EXCH1", each) for each in shares]


def test_the_place_that_took_more_than_half_is_named() -> None:
    assert describe(worst(Shares(0, 0, 900, 100), Shares(0, 0, 1100, 0))) == (
        "backend", "backend EXCH1 1.0 s of 1.1 s (Execute)"
    )  # fmt: skip
    assert describe(worst(Shares(connect=2000)))[0] == "backend"
    assert describe(worst(Shares(proxy=2000))) == ("proxy", "the proxy itself 2.0 s of 2.0 s (Execute)")


def test_where_nothing_took_half_all_are_named() -> None:
    place, text = describe(worst(Shares(400, 300, 300, 0)))

    assert place == "client"
    assert text == "no single place: client 400 ms, connect 300 ms, backend 300 ms of 1.0 s (Execute)"
