"""One moment per connection, moved by what happens."""

from __future__ import annotations

from twisted.internet.task import Clock

from mapiproxy.exchange.actions import Timer
from mapiproxy.net.deadline import NEVER, Deadline
from mapiproxy.policy.rules import Timeouts


def deadline() -> tuple[Deadline, Clock]:
    clock = Clock()
    return Deadline(clock.seconds, Timeouts()), clock


def test_a_new_connection_has_as_long_as_a_head():
    assert deadline()[0].at == 30.0


def test_a_head_that_has_begun_keeps_its_moment():
    moment, clock = deadline()
    moment.await_request(begun=False)
    assert moment.at == 900.0
    clock.advance(10.0)
    moment.await_request(begun=True)
    clock.advance(5.0)
    moment.await_request(begun=True)

    assert moment.at == 40.0


def test_only_what_is_waited_for_moves_it():
    moment, clock = deadline()
    moment.arm(Timer.QUIET, 90.0)
    clock.advance(10.0)
    moment.moved(Timer.REQUEST)
    assert moment.at == 90.0
    moment.moved(Timer.QUIET)

    assert moment.at == 100.0


def test_a_stalled_peer_gets_its_own_time_and_then_the_old_wait_begins_anew():
    moment, clock = deadline()
    moment.arm(Timer.REQUEST, 60.0)
    moment.stall(Timer.QUIET)
    moment.stall(Timer.QUIET)
    assert (moment.timer, moment.at) == (Timer.QUIET, 300.0)
    clock.advance(100.0)
    moment.unstall()
    moment.unstall()

    assert (moment.timer, moment.at) == (Timer.REQUEST, 160.0)


def test_what_is_armed_while_stalled_counts():
    moment, _ = deadline()
    moment.arm(Timer.REQUEST, 60.0)
    moment.stall(Timer.STALL)
    moment.arm(Timer.ANSWER, 600.0)
    moment.unstall()

    assert (moment.timer, moment.at) == (Timer.ANSWER, 600.0)


def test_while_somebody_else_watches_it_rests():
    moment, _ = deadline()
    moment.rest()

    assert moment.at == NEVER
