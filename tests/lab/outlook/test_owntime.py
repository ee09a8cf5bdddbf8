"""A process's own clock: it can stand still, and what was due fires late."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from mapiproxy.lab.outlook.owntime import LATE, Ended, OwnTime


class Told(list[str]):
    def later(self, time: OwnTime, *delays: float) -> None:
        for delay in delays:
            time.callLater(delay, self.append, f"{delay:g}")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def time(clock: Clock) -> OwnTime:
    return OwnTime(clock)


def sleeping(time: OwnTime, seconds: float) -> tuple[object, list[object]]:
    alarm = time.alarm()
    woken: list[object] = []
    Deferred.fromCoroutine(alarm.sleep(seconds)).addBoth(woken.append)
    return alarm, woken


def test_timers_fire_as_on_any_clock(clock: Clock, time: OwnTime) -> None:
    told = Told()
    told.later(time, 1, 2)
    gone = time.callLater(1.5, told.append, "never")
    put_off = time.callLater(1, told.append, "put off")
    gone.cancel()
    put_off.reset(3)
    assert (gone.active(), put_off.active(), put_off.getTime()) == (False, True, 3)
    clock.pump([1, 1, 1])
    assert told == ["1", "2", "put off"]
    assert not put_off.active()
    assert time.timers == set()


def test_what_is_due_while_the_process_stands_still_fires_late_in_its_order(clock: Clock, time: OwnTime) -> None:
    told = Told()
    told.later(time, 5, 2, 100)
    time.freeze()
    clock.advance(50)
    told.later(time, 1)
    assert told == []
    assert time.asleep
    time.thaw()
    assert not time.asleep
    clock.advance(0)
    assert told == []
    clock.advance(LATE)
    clock.advance(0)
    assert told == ["2", "5"]
    clock.pump([1, 49])
    assert told == ["2", "5", "1", "100"]
    assert time.passed(10.0) == clock.seconds() - 50


def test_a_process_that_stands_still_again_before_it_goes_on_has_not_gone_on(clock: Clock, time: OwnTime) -> None:
    told = Told()
    told.later(time, 1)
    time.freeze()
    clock.advance(10)
    time.thaw()
    time.freeze()
    clock.advance(10)
    assert told == []
    time.thaw()
    time.thaw()
    clock.advance(LATE)
    clock.advance(0)
    assert told == ["1"]


def test_an_alarm_ends_a_sleep_or_the_one_that_comes_next(clock: Clock, time: OwnTime) -> None:
    alarm, woken = sleeping(time, 10)
    alarm.ring()
    assert woken == [True]
    alarm.ring()
    again: list[object] = []
    Deferred.fromCoroutine(alarm.sleep(10)).addBoth(again.append)
    assert again == [True]
    alarm.ring()
    alarm.silence()
    last: list[object] = []
    Deferred.fromCoroutine(alarm.sleep(10)).addBoth(last.append)
    assert last == []
    clock.advance(10)
    assert last == [False]


def test_nobody_is_woken_before_the_process_is(clock: Clock, time: OwnTime) -> None:
    alarm, woken = sleeping(time, 1000)
    time.freeze()
    alarm.ring()
    clock.advance(10)
    assert woken == []
    time.thaw()
    clock.advance(LATE)
    clock.advance(0)
    assert woken == [True]


def test_at_the_end_nothing_fires_and_whoever_sleeps_is_told(clock: Clock, time: OwnTime) -> None:
    told = Told()
    told.later(time, 1)
    _, woken = sleeping(time, 10)
    waiting: list[object] = []
    time.freeze()
    Deferred.fromCoroutine(time.awake()).addBoth(waiting.append)
    time.end()
    assert [each.type for each in woken + waiting] == [Ended, Ended]
    told.later(time, 2)
    assert clock.getDelayedCalls() == []
    after: list[object] = []
    Deferred.fromCoroutine(time.alarm().sleep(1)).addBoth(after.append)
    assert after[0].type is Ended
