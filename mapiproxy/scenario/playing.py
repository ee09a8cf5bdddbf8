"""Plays a scenario: puts up the stage, lets the timeline happen, judges, and takes everything down again.

``play`` is a coroutine on any reactor; :func:`play_virtually` plays a scenario of minutes in a second.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Container, Sequence
from pathlib import Path
from typing import Any

from attrs import evolve
from twisted.internet.defer import CancelledError, Deferred

from mapiproxy.lab.happening import Happening
from mapiproxy.lab.virtual import VirtualReactor
from mapiproxy.scenario.facts import gather
from mapiproxy.scenario.judging import judge
from mapiproxy.scenario.leftovers import left_over
from mapiproxy.scenario.proxies import make_own_node
from mapiproxy.scenario.reading import Scenario
from mapiproxy.scenario.stage import Stage
from mapiproxy.scenario.target import Target
from mapiproxy.scenario.verbs import Step
from mapiproxy.scenario.verdict import Played

#: Whose books tell how it went.
WITNESSES = ("clients", "servers", "proxy")
#: After the end, before anything is looked at: what was decided is written down.
_SETTLE = 2.0
#: How long taking down may take in virtual time, looking at what is left behind included.
_STRIKE = 8000.0


def play_virtually(scenario: Scenario, kind: str, seed: int | None = None) -> Played:
    """Play it in virtual time; the same seed gives the same timeline."""
    began = time.monotonic()
    reactor = VirtualReactor()
    with tempfile.TemporaryDirectory(prefix="mapiproxy-scenario-") as folder:
        playing = play(
            scenario,
            kind,
            reactor,
            Path(folder),
            seed,
            wall=reactor.seconds,
            free_port=reactor.free_port,
            mode="virtual",
        )
        played = reactor.run(playing, limit=scenario.duration + _SETTLE + _STRIKE + 60)
    return evolve(played, took=time.monotonic() - began)


class _Run:
    """The steps of one run, and what went wrong with them."""

    def __init__(self, stage: Stage) -> None:
        self.troubles: list[str] = []
        self._stage = stage
        self._timers: list[Any] = []
        self._going: list[Deferred[None]] = []

    def schedule(self, steps: Sequence[Step]) -> None:
        """Each at its time; those of one moment in the order of the file."""
        for step in steps:
            self._timers.append(self._stage.reactor.callLater(step.at, self._begin, step))

    def open(self, scenario: Scenario) -> None:
        """Everybody starts Outlook: not all in the same moment, as nobody does."""
        for name, table in scenario.people:
            delay = table.opens + self._stage.chance(f"{name}/opens").uniform(0, 1)
            self._timers.append(self._stage.reactor.callLater(delay, self._stage.people[name].open))

    def _begin(self, step: Step) -> None:
        self._stage.marks.setdefault(step.name, self._stage.now)
        going = Deferred.fromCoroutine(step.verb.act(self._stage))
        self._going.append(going)

        def failed(failure: Any) -> None:
            if failure.check(CancelledError) is None:
                self.troubles.append(
                    f"line {step.line}, {step.word}: {failure.type.__name__}: {failure.getErrorMessage()}"
                )

        going.addErrback(failed)

    def stop(self) -> None:
        """No more steps."""
        for timer in self._timers:
            if timer.active():
                timer.cancel()


async def play(
    scenario: Scenario,
    kind: str,
    reactor: Any,
    folder: Path,
    seed: int | None = None,
    *,
    wall: Callable[[], float],
    free_port: Callable[[], int],
    mode: str,
    target: Target | None = None,
    make_node: Callable[..., Any] = make_own_node,
    witnesses: Container[str] = WITNESSES,
) -> Played:
    """Play it once with servers of a *kind*.

    :param folder: for certificates, configuration and logs.
    :param target: a proxy that is not ours: only its clients can be asked then.
    :param make_node: what stands in the proxy's place (stage.py).
    :param witnesses: whose word counts: those of ``clients``, ``servers``, ``proxy`` that there are.
    """
    seed = scenario.seed if seed is None else seed
    happenings: list[Happening] = []
    stage = Stage(
        scenario, kind, reactor, folder, seed,
        wall=wall, free_port=free_port, tell=happenings.append, target=target, make_node=make_node,
    )  # fmt: skip
    run = _Run(stage)
    facts: dict[str, Any] = {}
    try:
        stage.set_up()
        run.open(scenario)
        run.schedule(scenario.steps)
        await stage.pause(scenario.duration)
        run.stop()
        await stage.pause(_SETTLE)
        facts = gather(stage, stage.said.errors)
    except CancelledError:
        run.troubles.append("it was stopped before its end")
    except Exception as error:
        run.troubles.append(f"{type(error).__name__}: {error}")
    finally:
        run.stop()
        over = stage.now
        run.troubles += await stage.strike()
    facts["left"] = await left_over(stage, reactor)
    facts["left_open"] = len(facts["left"])
    facts["proxy_errors"] = len(stage.said.errors)
    witnesses = ("clients",) if target is not None else witnesses
    expected = [each for each in scenario.expected[kind] if each.who in witnesses]
    skipped = [each for each in scenario.expected[kind] if each not in expected]
    findings = judge(expected, facts) if "codes" in facts else ()
    return Played(
        name=scenario.name,
        title=scenario.title,
        why=scenario.why,
        causes=scenario.causes,
        kind=kind,
        seed=seed,
        time=mode,
        duration=scenario.duration,
        findings=findings,
        facts=facts,
        happenings=in_order(happenings, stage.began, over),
        lanes=stage.lanes(),
        skipped=tuple(each.name for each in skipped),
        error="; ".join(run.troubles) or None,
    )


def _order(each: Happening) -> tuple[float, str, str, str, str]:
    return each.at, each.lane, each.kind, each.label, each.detail


def in_order(happenings: Sequence[Happening], began: float, over: float) -> tuple[Happening, ...]:
    """By time, from 0 at the beginning; what happened because all was taken down is left out."""
    moved = []
    for each in happenings:
        at, until = round(each.at - began, 4), None
        if each.until is not None:
            until = round(each.until - began, 4)
        if at >= round(over, 4):
            continue
        if until is not None and until >= round(over, 4):
            each = evolve(each, outcome="ok", detail="not over at the end")
            until = round(over, 4)
        moved.append(evolve(each, at=at, until=until))
    return tuple(sorted(moved, key=_order))
