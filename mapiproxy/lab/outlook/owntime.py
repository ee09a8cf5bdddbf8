"""The clock of one process, which can stand still: timers that are due meanwhile fire late, all at once.

An alarm is how a coroutine of the process sleeps: until a time, or until it is rung. Knows nothing of calls.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import AlreadyCalled, AlreadyCancelled
from twisted.internet.interfaces import IDelayedCall
from zope.interface import implementer

from mapiproxy.lab.delivery import Clock
from mapiproxy.lab.inorder import InOrder

#: After standing still, what has come over the connections is read before timers fire: so long, in seconds.
LATE = 0.05


class Ended(Exception):
    """The process is no more: whatever was under way stops here."""


@implementer(IDelayedCall)
class Timer:
    """What :meth:`OwnTime.callLater` gives."""

    __slots__ = ("_args", "_call", "_due", "_inner", "_time")

    def __init__(
        self, time: OwnTime, due: float, call: Callable[..., object], args: tuple[object, ...]
    ) -> None:
        self._time = time
        self._due = due
        self._call: Callable[..., object] | None = call
        self._args = args
        self._inner: IDelayedCall | None = None

    def active(self) -> bool:
        return self._call is not None

    def getTime(self) -> float:
        return self._due

    def cancel(self) -> None:
        if self._call is None:
            raise AlreadyCancelled
        self._call = None
        self._time.timers.discard(self)
        self.stop()

    def reset(self, secondsFromNow: float) -> None:
        if self._call is None:
            raise AlreadyCalled
        self._due = self._time.seconds() + secondsFromNow
        if self._inner is not None:
            self._inner.reset(secondsFromNow)

    def delay(self, secondsLater: float) -> None:
        self.reset(self._due + secondsLater - self._time.seconds())

    def start(self, delay: float) -> None:
        self._inner = self._time.clock.callLater(delay, self._fire)

    def stop(self) -> None:
        if self._inner is not None and self._inner.active():
            self._inner.cancel()
        self._inner = None

    def _fire(self) -> None:
        call, self._call, self._inner = self._call, None, None
        self._time.timers.discard(self)
        if call is not None:
            call(*self._args)


class OwnTime:
    """Time as the process has it; implements :class:`mapiproxy.lab.delivery.Clock`.

    :ivar frozen: whether it stands still; *ended*: whether the process is over.
    :ivar awake_since: when it last began to go on.
    """

    __slots__ = ("_alarms", "_sleepers", "_thawing", "awake_since", "clock", "ended", "frozen", "timers")

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.frozen = False
        self.ended = False
        self.awake_since = 0.0
        self._thawing: IDelayedCall | None = None
        self.timers: InOrder[Timer] = InOrder()
        self._alarms: list[Alarm] = []
        self._sleepers: list[Deferred[None]] = []

    def seconds(self) -> float:
        return self.clock.seconds()

    def callLater(self, delay: float, callable: Callable[..., object], *args: object) -> IDelayedCall:
        timer = Timer(self, self.clock.seconds() + delay, callable, args)
        self.timers.add(timer)
        if not (self.frozen or self.ended):
            timer.start(delay)
        return timer

    def alarm(self) -> Alarm:
        alarm = Alarm(self)
        self._alarms.append(alarm)
        return alarm

    def passed(self, since: float) -> float:
        """Seconds since then, without those before it last began to go on."""
        return self.clock.seconds() - max(since, self.awake_since)

    async def awake(self) -> None:
        """Go on at once, or when the process does. :raise Ended:"""
        while self.frozen and not self.ended:
            sleeper: Deferred[None] = Deferred()
            self._sleepers.append(sleeper)
            await sleeper
        if self.ended:
            raise Ended

    @property
    def asleep(self) -> bool:
        """Frozen, and not about to go on."""
        return self.frozen and self._thawing is None

    def freeze(self) -> None:
        """No timer fires from now on."""
        self.frozen = True
        self._stop_thawing()
        for timer in self.timers:
            timer.stop()

    def thaw(self) -> None:
        """Go on in a moment; what was due meanwhile fires then."""
        if self.asleep:
            self.awake_since = self.clock.seconds()
            self._thawing = self.clock.callLater(LATE, self._go_on)

    def _go_on(self) -> None:
        self._thawing = None
        self.frozen = False
        now = self.clock.seconds()
        for timer in sorted(self.timers, key=Timer.getTime):
            timer.start(max(timer.getTime() - now, 0.0))
        self._wake()

    def _stop_thawing(self) -> None:
        if self._thawing is not None:
            self._thawing.cancel()
        self._thawing = None

    def end(self) -> None:
        """Nothing fires any more; whoever sleeps is told by :class:`Ended`."""
        self.ended, self.frozen = True, False
        self._stop_thawing()
        for timer in self.timers:
            timer.stop()
        self.timers.clear()
        for alarm in self._alarms:
            alarm.end()
        self._wake()

    def _wake(self) -> None:
        sleepers, self._sleepers = self._sleepers, []
        for sleeper in sleepers:
            sleeper.callback(None)


class Alarm:
    """For one coroutine, which sleeps on it."""

    __slots__ = ("_rung", "_sleep", "_time", "_timer")

    def __init__(self, time: OwnTime) -> None:
        self._time = time
        self._rung = False
        self._sleep: Deferred[bool] | None = None
        self._timer: IDelayedCall | None = None

    async def sleep(self, seconds: float) -> bool:
        """Until then, or until it is rung; at once if it was rung before. Whether it was. :raise Ended:"""
        await self._time.awake()
        if not self._rung:
            sleep: Deferred[bool] = Deferred()
            self._sleep = sleep
            self._timer = self._time.callLater(max(seconds, 0.0), self._over, False)
            return await sleep
        self._rung = False
        return True

    def ring(self) -> None:
        """Wake who sleeps, or who is going to."""
        if self._sleep is None:
            self._rung = True
        elif self._time.frozen:
            # Nobody wakes before the process does.
            self._time.callLater(0.0, self.ring)
        else:
            self._over(True)

    def silence(self) -> None:
        """Forget that it was rung."""
        self._rung = False

    def end(self) -> None:
        sleep, self._sleep = self._sleep, None
        if sleep is not None:
            sleep.errback(Ended())

    def _over(self, rung: bool) -> None:
        sleep, self._sleep = self._sleep, None
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        if sleep is not None:
            sleep.callback(rung)


def unless_ended(result: Any) -> Any:
    """An errback for coroutines of a process: that it ended is no failure."""
    result.trap(Ended)
