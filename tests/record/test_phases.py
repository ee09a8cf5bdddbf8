"""Where the time went."""

from __future__ import annotations

from hypothesis import given
from support.ledgers import execute, in_order, ledgers

from mapiproxy.record.ledger import Ledger
from mapiproxy.record.phases import Phase, moments_of


def test_an_ordinary_exchange_reaches_every_moment() -> None:
    assert moments_of(execute()) == (Phase.ANSWER, 10000, 1000, 1000, 1500, 5000, 5500)


def test_an_answer_that_comes_first_ends_the_asking() -> None:
    """A 401 to a POST whose body is still coming: phases must not overlap."""
    early = execute(request_ended_at=50.009)
    assert moments_of(early) == (Phase.ANSWER, 10000, 1000, 1000, 5000, 5000, 5500)


def test_the_phase_is_the_last_that_began() -> None:
    later = dict.fromkeys(("routed_at", "connected_at", "request_ended_at", "answer_at", "answer_ended_at"))
    expected = [Phase.HEAD, Phase.DIAL, Phase.REQUEST, Phase.WAIT, Phase.ANSWER, Phase.ANSWER]
    seen = []
    for name in [*later, ""]:
        seen.append(moments_of(execute(**later))[0])
        later.pop(name, None)
    assert seen == expected


@given(ledgers())
def test_moments_never_go_backwards(ledger: Ledger) -> None:
    _, end, *moments = moments_of(ledger)
    known = [moment for moment in moments if moment is not None]
    assert known == sorted(known)
    assert all(0 <= moment <= end for moment in known)
    assert moments == known + [None] * (len(moments) - len(known))


@given(in_order())
def test_moments_in_order_are_told_as_they_were(ledger: Ledger) -> None:
    _, end, routed, *_ = moments_of(ledger)
    assert abs(end - (ledger.ended_at - ledger.head_at) * 1e6) <= 1
    if ledger.routed_at is not None:
        assert routed is not None
        assert abs(routed - (ledger.routed_at - ledger.head_at) * 1e6) <= 1
