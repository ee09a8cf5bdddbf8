"""Plays one :class:`Streaming` on a clock: first bytes, pulses, the end, a client that goes away.

Knows neither sockets nor MAPI; the bytes and their times come with the Streaming.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from twisted.internet.interfaces import IDelayedCall

from mapiproxy.lab.streaming import Streaming


class Clock(Protocol):
    """The part of IReactorTime that the lab needs."""

    def seconds(self) -> float: ...

    def callLater(
        self, delay: float, callable: Callable[..., object], *args: object
    ) -> IDelayedCall: ...


class Delivery:
    """One long answer under way.

    :param write: takes the bytes; not called any more once the client is gone.
    :param finished: called once, when there is nothing more to come.
    """

    def __init__(
        self,
        streaming: Streaming,
        clock: Clock,
        write: Callable[[bytes], None],
        finished: Callable[[], None],
    ) -> None:
        self._streaming = streaming
        self._clock = clock
        self._write = write
        self._finished = finished
        self._gone = False
        self._over = False
        self._end: IDelayedCall | None = None
        self._pulse: IDelayedCall | None = None

    def start(self) -> None:
        streaming = self._streaming
        streaming.wake = self._finish
        if streaming.first:
            self._write(streaming.first)
        self._end = self._clock.callLater(streaming.lasts, self._finish)
        self._arm()

    def _arm(self) -> None:
        if self._streaming.pulse:
            self._pulse = self._clock.callLater(self._streaming.period, self._beat)

    def _beat(self) -> None:
        self._pulse = None
        if self._gone:
            self._finish()
            return
        self._write(self._streaming.pulse)
        self._arm()

    def _finish(self) -> None:
        if self._over:
            return
        self.cancel()
        last = self._streaming.finish(self._clock.seconds())
        if not self._gone:
            self._write(last)
        self._finished()

    def lost(self) -> None:
        """The client's connection is gone: go on silently, wait for the pulse, or stop."""
        self._gone = True
        if self._over or self._streaming.holds_until_pulse:
            return
        if not self._streaming.survives:
            self._finish()
        elif self._pulse is not None:
            self._pulse.cancel()
            self._pulse = None

    def cancel(self) -> None:
        """Stop without an end: the server is going away."""
        self._over = True
        for timer in (self._end, self._pulse):
            if timer is not None and timer.active():
                timer.cancel()
        self._end = self._pulse = None
