"""Positions of moments: to scale, unless nothing happens for long."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapiproxy.scenario.axis import BREAK, make_axis, show_length, show_moment


def test_a_moment_is_drawn_to_scale() -> None:
    axis = make_axis([10, 20, 30, 40, 50, 60, 70, 80, 90], 0, 100, 0, 1000)

    assert axis.cuts == ()
    assert [axis.x(at) for at in (0, 25, 100)] == [0, pytest.approx(250), 1000]


def test_moments_outside_are_drawn_at_the_ends() -> None:
    axis = make_axis([5], 0, 10, 100, 200)

    assert (axis.x(-3), axis.x(99)) == (100, 200)


def test_hours_of_sleep_are_cut_short_and_the_rest_is_to_scale() -> None:
    awake = [*range(0, 60, 5), *range(28_860, 28_920, 5)]
    axis = make_axis(awake, 0, 28_920, 0, 1000)

    (cut,) = axis.cuts
    assert (cut.begin, cut.end) == (55, 28_860)
    assert cut.right - cut.left == pytest.approx(BREAK)
    assert axis.x(20) - axis.x(10) == pytest.approx(axis.x(28_890) - axis.x(28_880))
    assert axis.x(28_920) == pytest.approx(1000)


def test_two_sleeps_are_two_cuts() -> None:
    moments = [*range(0, 60, 5), *range(3600, 3660, 5), *range(7200, 7260, 5)]

    assert len(make_axis(moments, 0, 7260, 0, 1000).cuts) == 2


def test_what_happens_regularly_is_not_cut() -> None:
    assert make_axis([60, 120, 180, 240], 0, 300, 0, 1000).cuts == ()


def test_nothing_at_all_can_be_drawn() -> None:
    axis = make_axis([], 0, 0, 0, 100)

    assert (axis.x(0), axis.ticks()) == (0, (0,))


@given(
    st.lists(st.floats(0, 100_000, allow_nan=False), max_size=60),
    st.floats(0.1, 100_000, allow_nan=False),
)
def test_later_is_never_further_left(moments: list[float], end: float) -> None:
    axis = make_axis(moments, 0, end, 100, 1100)
    places = [axis.x(at) for at in sorted({*moments, 0, end}) if at <= end]

    assert places == sorted(places)
    assert places[0] >= 100 - 1e-6
    assert places[-1] <= 1100 + 1e-6
    ticks = [axis.x(at) for at in axis.ticks()]
    assert all(later - earlier > 60 for earlier, later in pairwise(ticks))


def test_times_are_shown_as_people_write_them() -> None:
    assert [show_moment(at) for at in (0, 0.4, 90, 7205)] == ["0:00", "0.4s", "1:30", "2:00:05"]
    lengths = [show_length(each) for each in (0.02, 1, 1.54, 252, 28_200)]
    assert lengths == ["20ms", "1s", "1.5s", "4m12s", "7h50m"]
