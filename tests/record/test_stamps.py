"""Moments as the logs write them."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from support.ledgers import execute

from mapiproxy.record.stamps import end_ms, second, stamp


@given(st.integers(0, 4_102_444_800_000))
def test_a_moment_is_read_back_as_it_was(milliseconds: int) -> None:
    read = datetime.fromisoformat(stamp(milliseconds))
    assert read.utcoffset() == UTC.utcoffset(None)
    assert round(read.timestamp() * 1000) == milliseconds
    assert len(stamp(milliseconds)) == 24


def test_what_no_date_can_be_is_1970() -> None:
    assert second(10**18) == "1970-01-01T00:00:00"


def test_the_end_is_the_beginning_and_what_it_took() -> None:
    assert stamp(end_ms(execute())) == "2024-01-24T15:26:47.957Z"
