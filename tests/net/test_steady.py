"""Timers when the clock is set."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from twisted.internet.epollreactor import EPollReactor
from twisted.internet.task import Clock

from mapiproxy.net.steady import make_steady


def test_timers_are_measured_by_the_clock_that_cannot_be_set() -> None:
    reactor = EPollReactor()
    assert make_steady(reactor)
    before = time.monotonic()
    call = reactor.callLater(5, lambda: None)
    assert before + 5 <= call.getTime() <= time.monotonic() + 5
    call.reset(7)
    assert call.getTime() <= time.monotonic() + 7


def test_a_reactor_that_has_timers_or_is_none_of_twisteds_stays_as_it_is() -> None:
    reactor = EPollReactor()
    reactor.callLater(5, lambda: None)
    assert not make_steady(reactor)
    assert abs(reactor.seconds() - time.time()) < 60
    assert not make_steady(Clock())


SET_BACK = """
import os, signal, time
real, ahead = time.time, [0.0]
time.time = lambda: real() + ahead[0]
from twisted.internet import reactor
from mapiproxy.net.steady import make_steady
if {steady}:
    assert make_steady(reactor)
reactor.callLater(0.02, reactor.stop)
ahead[0] = -3600.0
signal.signal(signal.SIGALRM, lambda *_: os.write(1, b"still waits") and os._exit(0))
signal.setitimer(signal.ITIMER_REAL, {patience})
reactor.run()
print("came")
"""


@pytest.mark.parametrize(("steady", "patience", "end"), [(True, 20, "came"), (False, 0.5, "still waits")])
def test_a_timer_comes_though_the_clock_was_put_back_by_an_hour(steady: bool, patience: float, end: str) -> None:
    """The second case is what Twisted does by itself: the reason for all this."""
    program = SET_BACK.format(steady=steady, patience=patience)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == end, done.stderr
