"""Our own lateness."""

from __future__ import annotations

from twisted.internet.task import Clock

from mapiproxy.net.lag import Lag


def beats(*moments: float) -> tuple[Clock, Lag, list[float]]:
    """A clock that stands at the last moment, and how late each beat was."""
    clock = Clock()
    lag = Lag(clock.seconds)
    late = []
    for moment in moments:
        clock.advance(moment - clock.seconds())
        late.append(round(lag.beat(), 6))
    return clock, lag, late


def test_a_beat_in_time_is_no_lag():
    assert beats(1.0, 1.9, 2.9)[2] == [0.0, 0.0, 0.0]


def test_what_is_more_than_the_interval_is_lag():
    _, lag, late = beats(3.5, 4.5)

    assert late == [2.5, 0.0]
    assert (lag.now, lag.worst) == (0.0, 2.5)


def test_only_what_was_late_since_then_counts():
    _, lag, _ = beats(3.5, 4.5)

    assert lag.worst_since(3.0) == 2.5
    assert lag.worst_since(4.0) == 0.0


def test_a_beat_that_is_still_due_counts_as_well():
    """A probe may learn of its timeout before the sweep learns of the stall."""
    clock, lag, _ = beats(1.0)
    clock.advance(3.0)

    assert lag.worst_since(0.0) == 2.0
