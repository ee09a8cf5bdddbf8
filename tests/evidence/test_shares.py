"""Whose the time was: each rule of the module's comment, once."""

from __future__ import annotations

from hypothesis import given
from support.ledgers import in_order
from support.logrows import CONNECT, EXECUTE, FORMAT, row, rows_of, their_row

from mapiproxy.evidence.shares import FITS, PLACES, Shares, shares_of
from mapiproxy.record.ledger import Ledger

LARGE = FITS + 1


def test_waiting_for_the_answer_is_the_backends() -> None:
    assert shares_of(row(choose=1, dial=2, send=3, wait=40)) == Shares(3, 2, 40, 1)


def test_a_small_answer_that_streams_slowly_is_the_backends() -> None:
    """PENDINGs of an Execute: the head comes at once, the result later."""
    assert shares_of(row(wait=1, answer=900, response_bytes=500)) == Shares(0, 0, 901, 0)


def test_a_large_answer_is_the_clients_but_for_what_the_backend_says_it_took() -> None:
    assert shares_of(row(wait=1, answer=900, response_bytes=LARGE)) == Shares(900, 0, 1, 0)
    assert shares_of(row(wait=1, answer=900, response_bytes=LARGE, elapsed_ms=301)) == Shares(600, 0, 301, 0)
    assert shares_of(row(wait=1, answer=900, response_bytes=LARGE, elapsed_ms=9999)) == Shares(0, 0, 901, 0)


def test_exchange_tells_both_streams_apart() -> None:
    found = their_row(
        TotalRequestTime=1000, ClientReqStreamLatency=300, BackendReqStreamLatency=320, BackendReqInitLatency=50,
        BackendProcessingLatency=400, BackendRespInitLatency=10, BackendRespStreamLatency=200, ClientRespStreamLatency=150,
    )  # fmt: skip
    assert shares_of(found) == Shares(450, 50, 20 + 400 + 10 + 50, 20)


def test_the_lines_of_the_reference() -> None:
    connect, execute = rows_of([CONNECT.encode(), EXECUTE.encode()])
    assert shares_of(connect) == Shares(0, 1, 12, 3)
    assert shares_of(execute) == Shares(0, 0, 3, 7)


def test_a_row_that_says_nothing_is_the_proxys() -> None:
    assert shares_of(their_row(TotalRequestTime=70)) == Shares(0, 0, 0, 70)


@given(in_order())
def test_the_shares_of_our_lines_are_the_total(ledger: Ledger) -> None:
    (found,) = rows_of([FORMAT.line(ledger)])
    parts = shares_of(found).parts
    assert min(parts) >= 0
    assert sum(parts) == found.total
    assert len(parts) == len(PLACES)


def test_shares_add_up() -> None:
    assert Shares(1, 2, 3, 4) + Shares(10, 20, 30, 40) == Shares(11, 22, 33, 44)
