"""Timers that do not mind when somebody sets the clock.

Twisted's reactor measures its timers by the clock of the wall. When that is put back by an hour, nothing that
is to happen later happens for an hour: no timeout, no probe, no flush of the log; put forward, every timeout
comes at once. A process of ours measures by a clock that cannot be set.
"""

from __future__ import annotations

import time
from typing import Any

from twisted.internet.base import ReactorBase


def make_steady(reactor: Any) -> bool:
    """Measure timers by the monotonic clock. To be done before there is any timer.

    :return: whether that could be done: not for a reactor that is made otherwise, or has timers.
    """
    if not isinstance(reactor, ReactorBase) or reactor.getDelayedCalls():
        return False
    reactor.seconds = time.monotonic
    return True
