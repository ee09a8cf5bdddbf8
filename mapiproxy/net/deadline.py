"""The one moment at which a client connection has waited long enough, moved by whatever happens.

A timer object per request would cost more than the request's routing: each is created, sorted into the
reactor's heap, and thrown away. Here moving a deadline is an assignment, and one sweep a second looks at
all of them, so limits are kept to within a second.
"""

from __future__ import annotations

from collections.abc import Callable

from mapiproxy.exchange.actions import Timer
from mapiproxy.policy.rules import Timeouts

NEVER = float("inf")


class Deadline:
    """When to stop waiting, and for what.

    :ivar at: on the given clock; ``NEVER`` while somebody else watches (a dial has its own limit).
    :ivar timer: which of the exchange's timers is running.
    """

    __slots__ = ("_clock", "_limits", "_seconds", "_stalled", "at", "timer")

    def __init__(self, clock: Callable[[], float], limits: Timeouts) -> None:
        self._clock = clock
        self._limits = limits
        self._seconds = NEVER
        self._stalled: tuple[Timer, float] | None = None
        self.timer = Timer.REQUEST
        self.at = clock() + limits.client_head

    def await_request(self, begun: bool) -> None:
        """Between exchanges: for the rest of a head that has begun, or for the next one at all.

        A head that drips in does not get new time with each drop.
        """
        if begun and self._seconds == self._limits.client_head:
            return
        self._stalled = None
        self._seconds = self._limits.client_head if begun else self._limits.client_idle
        self.at = self._clock() + self._seconds

    def arm(self, timer: Timer, seconds: float) -> None:
        """The exchange waits for this, so long."""
        self._stalled = None
        self.timer = timer
        self._seconds = seconds
        self.at = self._clock() + seconds

    def moved(self, timer: Timer) -> None:
        """Something of what *timer* waits for has come."""
        if self.timer is timer:
            self.at = self._clock() + self._seconds

    def quiet(self, now: float) -> float:
        """Seconds since what is waited for has last moved."""
        return 0.0 if self.at == NEVER else max(0.0, now - (self.at - self._seconds))

    def rest(self) -> None:
        """Nothing is waited for here."""
        self._seconds = NEVER
        self.at = NEVER

    def stall(self, timer: Timer) -> None:
        """A peer does not read: wait for that instead, with *timer*'s meaning."""
        if self._stalled is None:
            self._stalled = (self.timer, self._seconds)
        self.timer = timer
        self._seconds = self._limits.client_stall
        self.at = self._clock() + self._seconds

    def unstall(self) -> None:
        """It reads again: back to what was waited for."""
        if self._stalled is not None:
            self.timer, self._seconds = self._stalled
            self._stalled = None
            self.at = self._clock() + self._seconds
