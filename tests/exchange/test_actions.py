"""Actions are values: two that ask for the same are equal, which is what scripts compare."""

from __future__ import annotations

from mapiproxy.exchange.actions import Arm, Finish, Timer, ToClient


def test_actions_that_ask_for_the_same_are_equal():
    assert Arm(Timer.QUIET, 90.0) == Arm(Timer.QUIET, 90.0)
    assert Finish(True, False) != Finish(True, True)
    assert ToClient(b"x") != ToClient(b"y")
