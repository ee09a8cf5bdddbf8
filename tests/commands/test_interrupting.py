"""Ctrl-C in the middle of something that is played in memory."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from twisted.internet.defer import Deferred

from mapiproxy.commands.interrupting import Interrupt


@pytest.fixture
def usual() -> Iterator[None]:
    """As in the foreground of a terminal, whatever the tests are run from."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def press(_: object = None) -> None:
    signal.raise_signal(signal.SIGINT)


@pytest.mark.usefixtures("usual")
def test_it_is_raised_and_noted() -> None:
    interrupt = Interrupt()
    with pytest.raises(KeyboardInterrupt), interrupt.noticed():
        press()

    assert interrupt.came
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("usual")
def test_it_is_noted_where_a_deferred_has_swallowed_it() -> None:
    interrupt = Interrupt()
    swallowed: list[object] = []
    with interrupt.noticed():
        deferred: Deferred[None] = Deferred()
        deferred.addCallback(press).addErrback(lambda failure: swallowed.append(failure.value))
        deferred.callback(None)

    assert len(swallowed) == 1
    assert interrupt.came


def test_who_ignores_it_goes_on_ignoring_it() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        interrupt = Interrupt()
        with interrupt.noticed():
            press()
        assert not interrupt.came
    finally:
        signal.signal(signal.SIGINT, before)
