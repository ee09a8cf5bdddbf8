"""Plots: axes, gaps, and what they tell those who point at them or do not see them."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapiproxy.admin.plot import Line, Plot, Values, draw, nice_top, show_number, summary

END = 1_795_808_410.0


def plot(*values: Values, title: str = "Requests", unit: str = "per second", step: float = 10) -> Plot:
    return Plot(title, unit, tuple(Line(f"line{n}", each) for n, each in enumerate(values)), step, END)


def picture(*values: Values) -> ElementTree.Element:
    return ElementTree.fromstring(draw(plot(*values)))


def texts(svg: ElementTree.Element, kind: str) -> list[str | None]:
    return [each.text for each in svg.iter("text") if each.get("class") == kind]


@pytest.mark.parametrize(
    ("most", "top", "step"),
    [(0, 1, 0.5), (1, 1, 0.5), (3, 3, 1), (7, 7.5, 2.5), (131, 150, 50), (650, 750, 250), (1e6, 1e6, 5e5),
     (0.02, 0.02, 0.01), (float("inf"), 1, 0.5), (float("nan"), 1, 0.5), (-4, 1, 0.5)],
)  # fmt: skip
def test_axes_end_at_round_numbers(most: float, top: float, step: float) -> None:
    assert nice_top(most) == pytest.approx((top, step))


@given(st.floats(1e-6, 1e12))
def test_what_is_drawn_fits_and_the_axis_has_few_numbers(most: float) -> None:
    top, step = nice_top(most)
    assert top >= most * 0.998
    assert 2 <= round(top / step) <= 4


def test_axes_say_how_much_and_when() -> None:
    svg = picture([100.0] * 360)
    assert texts(svg, "up") == ["0", "50", "100"]
    assert texts(svg, "along") == ["19:30", "19:20", "19:10", "19:00", "18:50"]


def test_a_day_has_fewer_times() -> None:
    svg = ElementTree.fromstring(draw(plot([1.0] * 360, step=240)))
    assert 3 <= len(texts(svg, "along")) <= 8


def lines(svg: ElementTree.Element) -> list[str]:
    return [each.get("d") or "" for each in svg.iter("path") if (each.get("class") or "").startswith("line ")]


def test_gaps_are_gaps_and_a_value_alone_is_a_dot() -> None:
    runs = lines(picture([1.0, 2.0, None, 3.0, None, None, 4.0, 5.0]))
    assert [run.count("L") for run in runs] == [1, 0, 1]
    assert runs[1].endswith("h0.1")


def test_values_that_are_no_numbers_are_gaps() -> None:
    assert len(lines(picture([1.0, float("nan"), 2.0, float("inf"), 3.0]))) == 3


def test_two_lines_of_different_length_end_together() -> None:
    one, other = lines(picture([1.0] * 10, [2.0] * 4))
    assert one.rpartition("L")[2].split()[0] == other.rpartition("L")[2].split()[0]


def test_nothing_known_is_said() -> None:
    for values in ([], [None] * 360):
        assert texts(picture(values), "nothing") == ["nothing yet"]
    assert draw(Plot("t", "u", (), 10, END))


def test_pointing_at_a_stripe_tells_its_means() -> None:
    titles = [each.text or "" for each in picture([10.0] * 180 + [None] * 6 + [40.0] * 174, [1.0] * 360).iter("title")]
    assert len(titles) == 60
    assert titles[0] == "18:40:20 UTC\nline0: 10 per second\nline1: 1 per second"
    assert titles[30].splitlines()[1] == "line0: not known"
    assert titles[-1].splitlines()[1] == "line0: 40 per second"


def test_stripes_cover_the_plot_without_holes() -> None:
    found = list(picture([1.0] * 360).iter("rect"))
    ends = [float(each.get("x") or 0) + float(each.get("width") or 0) for each in found]
    starts = [float(each.get("x") or 0) for each in found]
    assert all(abs(end - start) < 0.2 for end, start in zip(ends, starts[1:], strict=False))


def test_the_picture_says_in_words_what_it_shows() -> None:
    words = summary(plot([1.0, 40.0, 12.0], [None, None, None]))
    assert words == "Requests in per second, the last hour. line0: now 12, most 40; line1: now unknown, most unknown"
    assert picture([1.0]).get("aria-label", "").startswith("Requests in per second")


def test_what_is_written_is_escaped() -> None:
    drawn = draw(Plot('<b>"', "&", (Line("<i>", [1.0]),), 10, END))
    assert not re.search("<[bi]>", drawn)
    ElementTree.fromstring(drawn)


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (0.25, "0.25"), (40, "40"), (1200, "1.2k"), (2.5e6, "2.5M"), (999.6, "1e+03")]
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert show_number(value) == text
