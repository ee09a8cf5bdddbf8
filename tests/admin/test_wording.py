"""How figures are written, and what is done to foreign text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapiproxy.admin import wording


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (-3, "0s"), (0.04, "0.0s"), (9.96, "10.0s"), (59.4, "59s"), (61, "1m01s"),
     (3600, "1h00m"), (93_784, "1d02h")],
)  # fmt: skip
def test_durations(value: float | None, text: str) -> None:
    assert wording.seconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (4_120_000_000, "4.1 GB"),
     (312_000_000, "312 MB"), (3e15, "3000 TB"), (999_999, "1.0 MB")],
)  # fmt: skip
def test_sizes(value: float | None, text: str) -> None:
    assert wording.size(value).replace("\N{NO-BREAK SPACE}", " ") == text


def test_numbers_are_in_groups_and_small_times_have_a_digit_more() -> None:
    assert wording.count(1234567).split("\N{NARROW NO-BREAK SPACE}") == ["1", "234", "567"]
    assert (wording.count(None), wording.milliseconds(None)) == ("–", "–")
    assert (wording.milliseconds(0.84), wording.milliseconds(22.6)) == ("0.8", "23")


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(0, 0, "–"), (0, 10, "0 %"), (1, 1000, "<1 %"), (999, 1000, ">99 %"), (1000, 1000, "100 %"), (1, 3, "33 %")],
)
def test_little_is_never_nothing_and_most_is_never_all(part: int, whole: int, text: str) -> None:
    assert wording.percent(part, whole).replace("\N{NO-BREAK SPACE}", " ") == text


def test_a_moment_has_its_date() -> None:
    assert wording.moment(1_795_800_000) == '<time datetime="2026-11-27T17:20:00Z">2026-11-27 17:20:00</time>'


def test_long_text_keeps_both_ends() -> None:
    assert wording.middle("a" * 30, 30) == "a" * 30
    cut = wording.middle("begin" + "x" * 50 + "end", 20)
    assert len(cut) == 20
    assert (cut[:5], cut[-3:]) == ("begin", "end")


@given(st.text())
def test_what_is_printed_neither_hides_nor_turns_anything(text: str) -> None:
    shown = str(wording.finalize(text))
    assert len(shown) == len(text)
    for bad in "\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u200b\u200e\x00\x1b\n\ufeff":
        assert bad not in shown


def test_what_is_no_text_stays_what_it_is() -> None:
    from markupsafe import Markup

    assert wording.finalize(None) == "–"
    assert wording.finalize(3) == 3
    assert wording.finalize(Markup("<b>\n</b>")) == "<b>\n</b>"
