"""When a server can be taken away."""

from __future__ import annotations

import pytest

from mapiproxy.service.safety import Work, describe, safe_in, show_time


def test_an_idle_server_can_be_taken_away_now() -> None:
    assert safe_in(Work(), 600.0) == 0
    assert describe(Work(), 0) == "0 Execute, 0 waits, 0 sessions, safe now"


def test_the_youngest_wait_decides() -> None:
    """Complaint 33, in its own words."""
    work = Work(waits=(108.0, 300.0))

    assert safe_in(work, 600.0) == 252.0
    assert describe(work, 252.0) == "0 Execute, 2 waits, 0 sessions, safe in <= 4m12s"


def test_a_session_keeps_its_server_until_it_expires() -> None:
    assert safe_in(Work(waits=(108.0,), sessions=(1000.0, 20.0)), 600.0) == 1000.0


def test_another_call_keeps_it_until_we_would_give_it_up() -> None:
    work = Work(executes=(10.0,), others=(1.0,))

    assert safe_in(work, 600.0) == 599.0
    assert describe(work, 599.0) == "1 Execute, 0 waits, 1 other call, 0 sessions, safe in <= 9m59s"


def test_what_is_over_its_time_and_has_not_ended_is_not_safe() -> None:
    assert safe_in(Work(waits=(9000.0,)), 600.0) > 0


def test_a_deadline_is_a_bound() -> None:
    assert safe_in(Work(sessions=(1000.0,)), 600.0, deadline=60.0) == 60.0
    assert safe_in(Work(), 600.0, deadline=60.0) == 0


@pytest.mark.parametrize(("seconds", "shown"), [(0.4, "0s"), (59.4, "59s"), (59.6, "1m00s"), (3700, "1h01m")])
def test_times_as_people_say_them(seconds: float, shown: str) -> None:
    assert show_time(seconds) == shown
