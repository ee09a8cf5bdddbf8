"""The same scenarios with our proxy and with other products in its place, and the table that comes of it.

All play on real sockets under the same conditions: the lab's time passes faster, and so do the time limits of
each product. What is judged is what clients and servers have seen; nobody is asked what it thinks of itself.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import evolve, frozen
from twisted.internet.defer import Deferred, gatherResults

from mapiproxy.lab.faster import FasterReactor
from mapiproxy.scenario.client_verbs import Close, Kill, Open
from mapiproxy.scenario.peers import Peer, why_not
from mapiproxy.scenario.playing import play
from mapiproxy.scenario.proxies import make_own_node
from mapiproxy.scenario.reading import Scenario
from mapiproxy.scenario.real import free_port, run_until_over
from mapiproxy.scenario.verdict import Played

OURS = "mapiproxy"
#: Seconds without service that somebody may notice. Shorter ones measure the machine at a high speed.
NOTICED = 5.0
#: What of the facts hurts people; in words for one, and for several.
_HARM = (
    ("wrong_answers", "1 WRONG ANSWER", "{} WRONG ANSWERS"),
    ("executed_twice", "1 Execute EXECUTED TWICE", "{} Executes EXECUTED TWICE"),
    ("anew", "1 context anew", "{} contexts anew"),
    ("executes_unknown", "1 Execute of unknown outcome", "{} Executes of unknown outcome"),
    ("mails_missed", "1 mail not told of", "{} mails not told of"),
    ("offline", "1 client cannot work at the end", "{} clients cannot work at the end"),
)
#: Who is asked how it went.
WITNESSES = ("clients", "servers")


@frozen(eq=False)
class Job:
    """A scenario with servers of a kind and a product in front."""

    scenario: Scenario
    kind: str
    product: str


@frozen
class Result:
    """What came of a job. *why*: why it was not played; *played* is ``None`` then."""

    job: Job
    played: Played | None = None
    why: str | None = None


def jobs_of(scenarios: Iterable[Scenario], kind: str | None, products: Sequence[str]) -> list[Job]:
    """Every scenario, with every kind of server it is for, with every product.

    The products of a row come one after the other, so that all meet the machine in the same mood.
    """
    return [
        Job(scenario, each, product)
        for scenario in scenarios
        for each in scenario.kinds
        if kind in (None, each)
        for product in products
    ]


def compare(
    reactor: Any, jobs: Sequence[Job], speed: float, at_once: int, told: Callable[[Result], None]
) -> list[Result]:
    """Play all jobs, several at a time; runs the reactor.

    :param speed: seconds of the lab in a real one.
    :param told: hears of each result when it is there.
    """
    results: list[Result] = []
    waiting = iter(jobs)

    async def worker() -> None:
        for job in waiting:
            results.append(await _play(reactor, job, speed))
            told(results[-1])

    async def all_of_them() -> None:
        await gatherResults([Deferred.fromCoroutine(worker()) for _ in range(at_once)], consumeErrors=True)

    run_until_over(reactor, all_of_them)
    order = {job: place for place, job in enumerate(jobs)}
    return sorted(results, key=lambda result: order[result.job])


async def _play(reactor: Any, job: Job, speed: float) -> Result:
    why = why_not(job.scenario)
    if why is not None:
        return Result(job, why=why)
    faster = FasterReactor(reactor, speed)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mapiproxy-scenario-") as folder:
        played = await play(
            job.scenario,
            job.kind,
            faster,
            Path(folder),
            wall=faster.seconds,
            free_port=free_port,
            mode="real",
            make_node=make_own_node if job.product == OURS else Peer(job.product, speed),
            witnesses=WITNESSES,
        )
    return Result(job, evolve(played, took=time.monotonic() - began))


def table_of(results: Sequence[Result]) -> list[list[str]]:
    """Head and rows: scenario, kind, then for each product what it came to."""
    products = list(dict.fromkeys(result.job.product for result in results))
    rows: dict[tuple[str, str], dict[str, Result]] = {}
    for result in results:
        rows.setdefault((result.job.scenario.name, result.job.kind), {})[result.job.product] = result
    table = [["scenario", "servers", *products]]
    for (name, kind), cells in sorted(rows.items()):
        if any(cell.played is not None for cell in cells.values()):
            table.append([name, kind, *(_cell(cells.get(product)) for product in products)])
    return table


def _cell(result: Result | None) -> str:
    """What the users had of it. Waits that are cut are not told: nobody notices a wait that is asked anew."""
    if result is None or result.played is None:
        return "-"
    played = result.played
    if played.error is not None:
        return "error"
    return harm_of(played.facts, contexts_of(result.job.scenario))


def contexts_of(scenario: Scenario) -> int | None:
    """How many contexts its people make if nothing goes wrong; ``None`` where they come and go."""
    if any(isinstance(step.verb, Kill | Open | Close) for step in scenario.steps):
        return None
    # One for each mailbox, and one for the address book.
    return sum(table.contexts + 1 for _, table in scenario.people)


def harm_of(facts: Mapping[str, Any], contexts: int | None) -> str:
    """``nothing``, or what was lost and how long somebody could not work.

    :param contexts: so many belong to it; those beyond were made anew.
    """
    anew = max(facts.get("contexts_lost", 0), facts.get("reconnects", 0))
    if contexts is not None:
        anew = facts.get("connects", 0) - contexts
    said = []
    for name, one, many in _HARM:
        count = anew if name == "anew" else facts.get(name, 0)
        if count > 0:
            said.append(one if count == 1 else many.format(count))
    outage = facts.get("outage_max", 0.0)
    if outage >= NOTICED:
        said.append(f"{round(outage)} s without service")
    return ", ".join(said) or "nothing"


def markdown(table: Sequence[Sequence[str]]) -> str:
    """For a README."""
    head, *rows = table
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)
