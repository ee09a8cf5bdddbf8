"""Plays scenarios on real sockets and in real time, on this machine or against a proxy elsewhere.

One reactor, one scenario after the other. What they have is what virtual ones have, but for the clock.
"""

from __future__ import annotations

import socket
import tempfile
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from attrs import evolve
from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from mapiproxy.lab.server import LOOPBACK
from mapiproxy.scenario.playing import play
from mapiproxy.scenario.reading import Scenario
from mapiproxy.scenario.target import Target
from mapiproxy.scenario.verdict import Played


def play_really(
    reactor: Any,
    rounds: Sequence[tuple[Scenario, str]],
    seed: int | None,
    begin: Callable[[Scenario, str], None],
    end: Callable[[Played], None],
    skip: Callable[[Scenario, str, str], None],
    target: Target | None = None,
) -> list[Played]:
    """Run the reactor until all have been played that can be.

    Ctrl-C ends the one that is being played, takes everything down, and plays no more.
    """
    done: list[Played] = []
    stopping: list[bool] = []

    async def all_of_them() -> None:
        for scenario, kind in rounds:
            if stopping:
                return
            why = why_not(scenario, target)
            if why is not None:
                skip(scenario, kind, why)
                continue
            begin(scenario, kind)
            began = time.monotonic()
            with tempfile.TemporaryDirectory(prefix="mapiproxy-scenario-") as folder:
                played = await play(
                    scenario, kind, reactor, Path(folder), seed,
                    wall=time.time, free_port=free_port, mode="real", target=target,
                )  # fmt: skip
            done.append(evolve(played, took=time.monotonic() - began))
            end(done[-1])

    run_until_over(reactor, all_of_them, stopping)
    return done


def run_until_over(
    reactor: Any, what: Callable[[], Coroutine[Any, Any, None]], stopping: list[bool] | None = None
) -> None:
    """Run the reactor until the coroutine is over. Ctrl-C cancels it, and waits until it has taken all down.

    :param stopping: gets an element when Ctrl-C has come.
    """
    stopping = [] if stopping is None else stopping
    failures: list[Failure] = []
    over: Deferred[None] = Deferred()

    def begin_all() -> None:
        playing = Deferred.fromCoroutine(what())

        def stop() -> Deferred[None]:
            stopping.append(True)
            playing.cancel()
            return over

        trigger = reactor.addSystemEventTrigger("before", "shutdown", stop)

        def ended(result: object) -> None:
            if isinstance(result, Failure):
                failures.append(result)
            over.callback(None)
            if not stopping:
                reactor.removeSystemEventTrigger(trigger)
                reactor.stop()

        playing.addBoth(ended)

    reactor.callWhenRunning(begin_all)
    reactor.run()
    for failure in failures:
        if not stopping or failure.check(CancelledError) is None:
            failure.raiseException()


def why_not(scenario: Scenario, target: Target | None) -> str | None:
    """Why it cannot be played here, or ``None``."""
    if scenario.time == "virtual":
        return "needs virtual time"
    if target is None:
        return None
    for step in scenario.steps:
        if step.verb.ours:
            return f"its step {step.name} needs servers and a proxy of its own"
    if any(device.place == "server-side" for device in scenario.devices):
        return "has a device behind the proxy"
    if len(scenario.people) > len(target.users):
        return f"needs {len(scenario.people)} accounts, not {len(target.users)}"
    return None


def free_port() -> int:
    """A port on loopback that nobody has now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
