"""Which time of day is believed when clocks disagree."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mapiproxy.net.logbelief import DOUBT, SLACK, Belief

NOW, YEAR = 1_795_800_000.0, 365 * 86400.0


def test_a_clock_that_runs_as_it_should_is_believed() -> None:
    belief = Belief()
    for hours in range(0, 2000, 7):
        # Half a second too fast in each hour: corrections of a day's drift are no jump.
        wall = NOW + hours * 3600.5
        assert belief.at(wall, 5.0 + hours * 3600.0) == wall
        assert not belief.doubted


def test_a_jump_ahead_is_not_believed_before_it_has_lasted_a_day() -> None:
    belief = Belief()
    belief.at(NOW, 0.0)
    assert belief.at(NOW + YEAR + 60, 60.0) == NOW + 60
    assert belief.doubted == YEAR
    assert belief.at(NOW + YEAR + DOUBT, DOUBT) == NOW + DOUBT
    assert belief.at(NOW + YEAR + DOUBT + 60, DOUBT + 60) == NOW + YEAR + DOUBT + 60
    assert not belief.doubted


def test_a_jump_that_is_taken_back_has_done_nothing() -> None:
    belief = Belief()
    belief.at(NOW, 0.0)
    belief.at(NOW + YEAR, 100.0)
    assert belief.at(NOW + 200, 200.0) == NOW + 200
    assert not belief.doubted
    # The next one is doubted for a day of its own.
    assert belief.at(NOW + YEAR, 300.0) == NOW + 300
    assert belief.at(NOW + YEAR, 150.0 + DOUBT) == NOW + 150.0 + DOUBT


def test_a_jump_back_is_believed_at_once() -> None:
    belief = Belief()
    belief.at(NOW, 0.0)
    assert belief.at(NOW - YEAR, 1.0) == NOW - YEAR
    assert not belief.doubted


@given(st.lists(st.tuples(st.floats(0, 7200), st.floats(-10 * YEAR, 10 * YEAR)), max_size=12))
def test_within_a_day_nothing_gets_older_than_it_is(steps: list[tuple[float, float]]) -> None:
    belief = Belief()
    belief.at(NOW, 0.0)
    steady = 0.0
    for later, error in steps:
        steady += later
        assert belief.at(NOW + steady + error, steady) <= NOW + steady + SLACK * len(steps) + 1
