"""Our own lateness."""

from __future__ import annotations

from mapiproxy.net.lag import Lag


def test_a_beat_in_time_is_no_lag():
    lag = Lag(10.0)

    assert lag.beat(11.0) == 0.0
    assert lag.beat(11.9) == 0.0


def test_what_is_more_than_the_interval_is_lag():
    lag = Lag(0.0)

    assert lag.beat(3.5) == 2.5
    lag.beat(4.5)
    assert (lag.now, lag.worst) == (0.0, 2.5)


def test_only_what_was_late_since_then_counts():
    lag = Lag(0.0)
    lag.beat(3.5)
    lag.beat(4.5)

    assert lag.worst_since(3.0, 4.6) == 2.5
    assert lag.worst_since(4.0, 4.6) == 0.0


def test_a_beat_that_is_still_due_counts_as_well():
    """A probe may learn of its timeout before the sweep learns of the stall."""
    assert Lag(0.0).worst_since(0.0, 3.0) == 2.0
