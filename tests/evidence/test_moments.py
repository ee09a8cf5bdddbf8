"""Moments and lengths of time, there and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapiproxy.evidence.moments import (
    parse_iso,
    parse_length,
    parse_stamp,
    show_clock,
    show_moment,
    show_ms,
    stamp,
)

#: 2023-01-06T01:00:04.124Z
MOMENT = 1672966804124


@given(st.integers(0, 4_000_000_000_000))
def test_what_is_written_is_read(ms: int) -> None:
    assert parse_stamp(stamp(ms).encode()) == ms
    # A second time from what is remembered of the second.
    assert parse_stamp(stamp(ms).encode()) == ms


@pytest.mark.parametrize(
    "text",
    ["", "-", "2023-01-06", "2023-01-06T01:00:04.124", "2023-01-06T01:00:04Z", "2023-01-06T01:00:04.1Z"],
)
def test_other_forms_are_read_if_they_are_dates(text: str) -> None:
    at = parse_stamp(text.encode())
    assert (at is None) == (len(text) < 10)


@pytest.mark.parametrize(
    "text", ["2023-13-06T01:00:04.124Z", "2023-01-06T25:00:04.124Z", "2023-01-06T01:00:0x.124Z", "x" * 24]
)
def test_what_is_no_date_is_none(text: str) -> None:
    assert parse_stamp(text.encode()) is None


def test_a_remembered_second_believes_no_rubbish_behind_it() -> None:
    assert parse_stamp(b"2023-01-06T01:00:04.124Z") == MOMENT
    for rubbish in (b"2023-01-06T01:00:04.1x4Z", b"2023-01-06T01:00:04.+24Z", b"2023-01-06T01:00:04.124x"):
        assert parse_stamp(rubbish) is None


def test_people_write_times_in_utc_unless_they_say_otherwise() -> None:
    assert parse_iso("2023-01-06T01:00:04.124") == MOMENT
    assert parse_iso("2023-01-06 02:00:04.124+01:00") == MOMENT
    with pytest.raises(ValueError, match="write it like 2026-11-27T14:00"):
        parse_iso("yesterday")


@pytest.mark.parametrize(
    ("text", "ms"),
    [("5m", 300_000), ("-5m", 300_000), ("1h30m", 5_400_000), ("500ms", 500), ("5", None), ("m5", None), ("", None), ("0s", None), ("-n", None)],
)
def test_lengths_of_time(text: str, ms: int | None) -> None:
    assert parse_length(text) == ms


def test_people_are_told_as_much_as_they_want_to_know() -> None:
    assert show_clock(MOMENT) == "01:00:04"
    assert show_moment(MOMENT) == "2023-01-06 01:00:04"
    lengths = (0, 41.4, 999, 1000, 2250, 119_900, 300_000, 7_260_000)
    assert [show_ms(ms) for ms in lengths] == ["0 ms", "41 ms", "999 ms", "1.0 s", "2.2 s", "119.9 s", "5m00s", "2h01m"]
    assert show_ms(86_400_000 * 1038) == "1038 days"


def test_a_moment_that_no_calendar_has_is_told_all_the_same() -> None:
    assert stamp(10**18) == "1970-01-01T00:00:00.000Z"
