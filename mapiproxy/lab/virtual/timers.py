"""Virtual time: what is due next, and nothing in between.

A heap of calls, and a clock that jumps from one to the next. Calls that are due at the same moment are made
in the order in which they were asked for, so a run with the same input is the same run. Knows no network.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Coroutine
from itertools import count
from typing import Any, TypeVar

from twisted.internet.base import DelayedCall
from twisted.internet.defer import Deferred
from twisted.logger import Logger

T = TypeVar("T")

_log = Logger(namespace="mapiproxy.lab")


class Stuck(Exception):
    """What was waited for cannot come any more, or did not come in time."""


class Timers:
    """IReactorTime, and the loop that goes with it.

    :param start: what ``seconds`` says at first: seconds since 1970, because servers put dates into answers.
    """

    def __init__(self, start: float) -> None:
        self.start = self._now = start
        self._heap: list[tuple[float, int, DelayedCall]] = []
        self._number = count()

    def seconds(self) -> float:
        """The virtual moment."""
        return self._now

    def callLater(self, delay: float, callable: Callable[..., object], *args: Any, **kw: Any) -> DelayedCall:
        """As IReactorTime.callLater."""
        if delay < 0:
            raise ValueError(f"{delay} seconds from now is in the past")
        call = DelayedCall(
            self._now + delay, callable, args, kw, lambda cancelled: None, self._push, self.seconds
        )
        self._push(call)
        return call

    def getDelayedCalls(self) -> list[DelayedCall]:
        """What is still to come, in no order."""
        return list({id(call): call for _, _, call in self._heap if call.active()}.values())

    def advance(self, seconds: float) -> None:
        """Let so much time pass, and everything happen that is due in it."""
        until = self._now + seconds
        while self._step(until):
            pass
        self._now = until

    def run(self, what: Coroutine[Any, Any, T] | Deferred[T], limit: float = 3600.0) -> T:
        """Let time pass until *what* has its result, and return that, or raise what it raised.

        :param limit: virtual seconds that it may take.
        :raise Stuck: nothing is left that could bring it about, or the limit is reached.
        """
        waited = what if isinstance(what, Deferred) else Deferred.fromCoroutine(what)
        results: list[T] = []
        failures: list[BaseException] = []

        def fail(failure: Any) -> None:
            failures.append(failure.value)

        waited.addCallbacks(results.append, fail)
        until = self._now + limit
        while not results and not failures:
            if not self._step(until):
                due = any(call.active() for _, _, call in self._heap)
                why = f"nothing came within {limit:g} s" if due else "nothing is left that could happen"
                raise Stuck(why)
        if failures:
            raise failures[0]
        return results[0]

    def _push(self, call: DelayedCall) -> None:
        heapq.heappush(self._heap, (call.getTime(), next(self._number), call))

    def _step(self, until: float) -> bool:
        """Make the next call that is due by then; whether there was one."""
        while self._heap:
            due, _, call = self._heap[0]
            if not call.active():
                heapq.heappop(self._heap)
                continue
            if call.getTime() != due:  # it was put off, or (there is another entry) brought forward
                heapq.heappop(self._heap)
                if call.getTime() > due:
                    call.activate_delay()
                    self._push(call)
                continue
            if due > until:
                return False
            heapq.heappop(self._heap)
            self._now = max(self._now, due)
            call.called = 1
            try:
                call.func(*call.args, **call.kw)
            except Exception:  # as a real reactor: it is told, and the loop goes on
                _log.failure("unexpected error in {what!r}", what=call.func)
            return True
        return False
