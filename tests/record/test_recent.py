"""The last hour, and the Executes of the last minutes."""

from __future__ import annotations

from mapiproxy.record.recent import RECENT, SERIES, STEPS, Executes, Hour, as_ms

GAUGES = {"requests": 3, "errors": 1, "waits": 2, "sessions": 4}


def test_an_hour_that_has_just_begun_is_unknown() -> None:
    told = Hour(100.0).told()

    assert list(told) == list(SERIES)
    assert all(values == [None] * STEPS for values in told.values())


def test_a_step_is_over_after_ten_seconds() -> None:
    hour = Hour(100.0)
    assert not hour.is_due(109.9)
    assert hour.is_due(110.2)
    hour.turn(110.2, [], **GAUGES)

    assert hour.ended == 110.0
    assert hour.told()["requests"][-2:] == [None, 3]
    assert hour.told()["execute_p50_ms"][-1] is None


def test_steps_that_nobody_saw_are_unknown() -> None:
    """A machine that slept: what comes afterwards stands where it belongs."""
    hour = Hour(100.0)
    hour.turn(110.0, [], **GAUGES)
    hour.turn(145.0, [], **GAUGES)

    assert hour.told()["requests"][-4:] == [3, None, None, 3]
    assert hour.ended == 140.0


def test_only_an_hour_is_kept() -> None:
    hour = Hour(0.0)
    for step in range(STEPS + 5):
        hour.turn(10.0 * (step + 1), [], **{**GAUGES, "requests": step})
    values = hour.told()["requests"]

    assert (len(values), values[0], values[-1]) == (STEPS, 5, STEPS + 4)
    hour.turn(1e9, [], **GAUGES)
    assert hour.told()["requests"] == [None] * (STEPS - 1) + [3]


def test_executes_are_recent_for_five_minutes() -> None:
    executes = Executes()
    executes.now[10] = 7
    assert sum(executes.recent()) == 7
    assert executes.turn() is not None
    for _ in range(RECENT - 1):
        assert executes.turn() is None
    assert sum(executes.recent()) == 7
    executes.turn()
    assert sum(executes.recent()) == 0


def test_the_median_of_a_step_is_that_of_all_backends() -> None:
    hour = Hour(0.0)
    counts = [[0] * 91, [0] * 91]
    counts[0][20] = counts[1][40] = 1
    hour.turn(10.0, counts, **GAUGES)
    (p50,), (p95,) = (hour.told()[name][-1:] for name in ("execute_p50_ms", "execute_p95_ms"))

    assert 3 < p50 < 4
    assert 100 < p95 < 150


def test_milliseconds_have_three_digits() -> None:
    assert (as_ms(0.00123456), as_ms(12.3456), as_ms(None)) == (1.23, 12300.0, None)
