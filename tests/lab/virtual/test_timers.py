"""Virtual time: order, calls that are moved, and what happens when nothing can happen any more."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.error import AlreadyCalled
from twisted.logger import globalLogPublisher

from mapiproxy.lab.virtual.timers import Stuck, Timers


def told(timers: Timers) -> list[tuple[float, str]]:
    heard: list[tuple[float, str]] = []

    def at(delay: float, word: str) -> None:
        timers.callLater(delay, lambda: heard.append((timers.seconds(), word)))

    at(2.0, "two")
    at(1.0, "one")
    at(1.0, "one again")
    return heard


def test_calls_come_in_the_order_of_time_and_then_of_asking() -> None:
    timers = Timers(100.0)
    heard = told(timers)
    timers.advance(3.0)
    assert heard == [(101.0, "one"), (101.0, "one again"), (102.0, "two")]
    assert timers.seconds() == 103.0


def test_what_is_not_due_waits() -> None:
    timers = Timers(0.0)
    heard = told(timers)
    timers.advance(1.5)
    assert [word for _, word in heard] == ["one", "one again"]
    assert len(timers.getDelayedCalls()) == 1


def test_a_call_can_be_put_off_brought_forward_and_cancelled() -> None:
    timers = Timers(0.0)
    heard: list[str] = []
    later = timers.callLater(1.0, heard.append, "later")
    sooner = timers.callLater(9.0, heard.append, "sooner")
    never = timers.callLater(1.0, heard.append, "never")
    later.reset(5.0)
    sooner.reset(2.0)
    never.cancel()
    timers.advance(3.0)
    assert heard == ["sooner"]
    timers.advance(3.0)
    assert heard == ["sooner", "later"]
    assert timers.getDelayedCalls() == []
    with pytest.raises(AlreadyCalled):
        later.cancel()


def test_the_past_is_over() -> None:
    with pytest.raises(ValueError, match="-1"):
        Timers(0.0).callLater(-1, print)


def test_run_gives_the_result_and_stops_right_there() -> None:
    timers = Timers(0.0)

    async def wait() -> int:
        waited: Deferred[int] = Deferred()
        timers.callLater(7.0, waited.callback, 42)
        return await waited

    assert timers.run(wait()) == 42
    assert timers.seconds() == 7.0


def test_run_raises_what_was_raised() -> None:
    async def fail() -> None:
        raise KeyError("lost")

    with pytest.raises(KeyError, match="lost"):
        Timers(0.0).run(fail())


def test_run_says_when_nothing_can_come() -> None:
    with pytest.raises(Stuck, match="nothing is left"):
        Timers(0.0).run(Deferred())


def test_run_says_when_it_takes_too_long() -> None:
    timers = Timers(0.0)
    timers.callLater(100.0, print)
    with pytest.raises(Stuck, match="within 10 s"):
        timers.run(Deferred(), limit=10.0)


def test_an_error_in_a_call_is_told_and_the_next_call_is_made() -> None:
    events: list[dict[str, object]] = []
    globalLogPublisher.addObserver(events.append)
    try:
        timers = Timers(0.0)
        heard: list[str] = []
        timers.callLater(1.0, lambda: heard[0])
        timers.callLater(2.0, heard.append, "next")
        timers.advance(3.0)
    finally:
        globalLogPublisher.removeObserver(events.append)
    assert heard == ["next"]
    assert any(isinstance(event["log_failure"].value, IndexError) for event in events)  # type: ignore[attr-defined]
