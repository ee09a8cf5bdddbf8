"""Many sessions, a random fault each second: does anything execute twice, get lost unseen, or go astray?

    python benchmarks/soak.py [--kind grommunio] [--sessions 200] [--seconds 600] [--seed 1] [--pace 1.0]

A proxy with TLS in front and three lab servers behind it, each a process; the sessions are played in
this process. Each session logs on, executes (some of that changes its mailbox), pings, and has a
NotificationWait open on a connection of its own; what it loses it takes up again as Outlook does. Once a
second something is broken: client connections are reset, a server gets SIGKILL and comes back, a server
stands still (SIGSTOP) for one to three seconds, a server is drained, the configuration is read again, or
nothing happens. Faults overlap, but one server is always left alone.

What is compared afterwards is the clients' book and the servers' journal (which survives SIGKILL). The last
line is JSON; the exit status is 1 if anything in ``wrong`` is not empty.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.processes import Field, field  # noqa: E402
from support.soaking import PATIENCE, Books, Crowd, nap, percentile  # noqa: E402
from twisted.internet.defer import Deferred  # noqa: E402
from twisted.internet.threads import deferToThread  # noqa: E402

from mapiproxy.lab.codes import gone_codes  # noqa: E402
from mapiproxy.lab.errors import LabError  # noqa: E402
from mapiproxy.lab.step import Step  # noqa: E402
from mapiproxy.lab.users import LabUser  # noqa: E402

OPTIONS = ("--pending-period", "1", "--execute-delay", "0.01")
#: Each is met once before any is met again.
BAG = ("reset", "reset", "kill", "freeze", "reset", "kill", "drain", "reload", "freeze", "pause")
#: Attempts of a session to be well again when nothing is broken any more.
LAST_ATTEMPTS = 5


class Ledger(Books):
    """What the clients asked and got, in enough detail to be compared with the servers' journal.

    :ivar asked: X-RequestId → login; ``executed``: those of Executes that were answered with success.
    :ivar connected: X-RequestId → server, of Connects that were.
    :ivar durations: request type → milliseconds of each call, however it ended.
    :ivar unexpected: answers that no rule allows.
    """

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.asked: dict[str, str] = {}
        self.executed: list[str] = []
        self.connected: dict[str, str] = {}
        self.durations: defaultdict[str, list[float]] = defaultdict(list)
        self.unexpected: list[str] = []
        self._codes = {0, *gone_codes(kind)}

    def note(self, step: Step, user: LabUser) -> None:
        if step.local:
            return
        super().note(step, user)
        self.asked[step.request_id] = user.login
        if step.total_ms is not None:
            self.durations[step.request_type].append(step.total_ms)
        what = f"{step.request_type} {step.request_id} of {user.login}"
        if step.trouble is not None:
            # A frame that is whole around an answer that is not: what nobody may be given.
            if step.trouble.startswith("BadAnswer"):
                self.unexpected.append(f"{what}: {step.trouble}")
            return
        if step.final_code == 0 and step.error:
            # A wait that another wait is in the way of, for one.
            self.ends[f"visible: error 0x{step.error:X} in the body"] += 1
            self.ends[f"visible: status {step.status}, code 0"] -= 1
        self._judge(step, what)
        if step.ok and step.request_type == "Execute":
            self.executed.append(step.request_id)
        elif step.ok and step.request_type == "Connect":
            self.connected[step.request_id] = step.backend or ""

    def _judge(self, step: Step, what: str) -> None:
        assert step.head is not None
        echoed = step.head.get(b"x-requestid")
        # Refusals need not say to what they belong; if they do, it has to be right.
        if not step.ok and echoed is not None and echoed.decode() != step.request_id:
            self.strangers.append(f"{what}: the answer is to {echoed.decode()}")
        if step.status == 503:
            if step.head.get(b"retry-after") is None or step.final_code is not None:
                self.unexpected.append(f"{what}: a 503 without Retry-After, or with a code")
        elif step.status != 200 or step.final_code not in self._codes:
            self.unexpected.append(f"{what}: status {step.status}, code {step.final_code}")


class Storm(Crowd):
    """The sessions, and the faults that they live through."""

    books: Ledger

    def __init__(self, reactor: Any, made: Field, seed: int) -> None:
        super().__init__(reactor, made, made.users, seed)
        self.books = Ledger(made.kind)
        self.troubled: set[str] = set()
        self.unwell: list[str] = []

    async def connect_all(self) -> None:
        for client in self.clients:
            (await client.connect()).check()
            (await client.logon()).check()

    async def _work(self, client: Any, pace: float) -> None:
        while not self.stopping:
            await nap(self._reactor, self.chance.expovariate(1 / pace))
            change, ping = self.chance.random() < 0.1, self.chance.random() < 0.1
            try:
                await (client.ping() if ping else client.execute(change=change))
            except LabError:
                await self._come_back(client)

    async def break_things(self, seconds: float) -> None:
        """One fault each second, some of which last longer than that; all are over in the end."""
        until = self._reactor.seconds() + seconds
        bag: list[str] = []
        under_way: list[Deferred[None]] = []
        while self._reactor.seconds() < until:
            bag = bag or self.chance.sample(BAG, len(BAG))
            fault = bag.pop()
            under_way.append(Deferred.fromCoroutine(self._fault(fault)))
            await nap(self._reactor, 1.0)
        for deferred in under_way:
            await deferred

    async def _fault(self, name: str) -> None:
        alone: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
            "reset": self._reset_some, "reload": self._reload,
        }  # fmt: skip
        of_a_server: dict[str, Callable[[str], Coroutine[Any, Any, None]]] = {
            "kill": self._kill, "freeze": self._freeze, "drain": self._drain,
        }  # fmt: skip
        free = sorted(set(self._made.labs) - self.troubled)
        if name in of_a_server and len(free) < 2:
            name = "pause"
        self.books.faults[name] += 1
        if name in alone:
            await alone[name]()
        elif name in of_a_server:
            victim = self.chance.choice(free)
            self.troubled.add(victim)
            await of_a_server[name](victim)
            self.troubled.remove(victim)

    async def _kill(self, name: str) -> None:
        lab = self._made.labs[name]
        await deferToThread(lab.kill)
        await nap(self._reactor, self.chance.choice((0.0, self.chance.uniform(0.0, 3.0))))
        await deferToThread(lab.start)

    async def _freeze(self, name: str) -> None:
        self._made.labs[name].freeze()
        await nap(self._reactor, self.chance.uniform(1.0, 3.0))
        self._made.labs[name].thaw()

    async def _drain(self, name: str) -> None:
        await deferToThread(self._made.ask, "drain", server=name)
        await nap(self._reactor, self.chance.uniform(1.0, 3.0))
        await deferToThread(self._made.ask, "ready", server=name)

    async def settle(self) -> None:
        """Nothing is broken any more: each session must be able to go on, soon."""
        for client in self.clients:
            for _ in range(LAST_ATTEMPTS):
                try:
                    if (await client.execute()).ok:
                        break
                except LabError:
                    pass
                await nap(self._reactor, 0.3)
            else:
                self.unwell.append(client.user.login)


def compare(books: Ledger, made: Field) -> dict[str, list[str]]:
    """What must not be, by kind: each list has to be empty."""
    executions = made.events("execute")
    times = Counter(line["request_id"] for line in executions)
    servers = {line["request_id"]: line["server"] for line in made.events("connect")}
    said = "".join(made.proxies[0].said)
    return {
        "executed twice": [each for each, count in times.items() if count > 1],
        "success without execution": [each for each in books.executed if each not in times],
        "executed for another": [
            line["request_id"] for line in executions if books.asked.get(line["request_id"]) != line["login"]
        ],
        "connected elsewhere than said": [
            each for each, name in books.connected.items()
            if servers.get(each, "nowhere") != name.partition(".")[0]
        ],
        "answers of others": books.strangers,
        "answers that no rule allows": books.unexpected,
        "hangs": books.hangs,
        "the proxy complained": [
            line for line in said.splitlines() if "Traceback" in line or "Unhandled" in line
        ],
    }  # fmt: skip


async def run(reactor: Any, made: Field, asked: argparse.Namespace) -> dict[str, Any]:
    """The whole of it; returns the summary."""
    storm = Storm(reactor, made, asked.seed)
    books = storm.books
    await storm.connect_all()
    before = len(books.connects)
    working = storm.start(asked.pace)
    ended: list[Any] = []
    working.addBoth(ended.append)
    await storm.break_things(asked.seconds)
    storm.stopping = True
    until = reactor.seconds() + PATIENCE + 5.0
    while not ended and reactor.seconds() < until:
        await nap(reactor, 0.05)
    recoveries = len(books.connects) - before
    await deferToThread(made.revive)
    if ended:
        await storm.settle()
    status = await deferToThread(made.ask, "status")
    await storm.close()
    wrong = compare(books, made)
    wrong["sessions that were not well again"] = storm.unwell
    wrong["sessions that never ended"] = [] if ended else [f"not all after {PATIENCE + 5.0:g} s"]
    if ended and not isinstance(ended[0], list):
        wrong["the sessions broke"] = [ended[0].getTraceback()]
    wrong["the proxy ended"] = await deferToThread(ended_proxies, made)
    return {
        "kind": made.kind,
        "sessions": asked.sessions,
        "seconds": asked.seconds,
        "seed": asked.seed,
        "faults": dict(books.faults),
        "calls": sum(books.ends.values()),
        "ends": dict((+books.ends).most_common()),
        "executions": len(made.events("execute")),
        "recoveries": recoveries,
        "times_ms": {
            name: {"count": len(values), "p50": round(percentile(values, 0.5), 1),
                   "p99": round(percentile(values, 0.99), 1), "max": round(max(values), 1)}
            for name, values in sorted(books.durations.items())
        },
        "proxy": {**status["pools"][0], "most_resident_mib": made.proxies[0].most_resident() >> 20},
        "wrong": {name: found for name, found in wrong.items() if found},
    }  # fmt: skip


def ended_proxies(made: Field) -> list[str]:
    """Whether the proxy is the one that was started, and still runs."""
    return [] if Path(f"/proc/{made.proxies[0].pid}/status").exists() else ["the proxy is gone"]


def as_text(summary: dict[str, Any]) -> str:
    lines = [
        f"soak, {summary['kind']}: {summary['sessions']} sessions, {summary['seconds']:g} s, "
        f"seed {summary['seed']}",
        "  faults: " + ", ".join(f"{name} {count}" for name, count in summary["faults"].items()),
        f"  calls: {summary['calls']}, of which "
        + "; ".join(f"{count} {name}" for name, count in summary["ends"].items()),
        f"  Executes on the servers: {summary['executions']}; Connects after losses: {summary['recoveries']}",
    ]
    lines += [
        f"  {name}: {row['count']} times, p50 {row['p50']} ms, p99 {row['p99']} ms, at most {row['max']} ms"
        for name, row in summary["times_ms"].items()
    ]
    lines += [
        f"  WRONG, {name}: {len(found)}, the first: {found[0]}" for name, found in summary["wrong"].items()
    ]
    return "\n".join(lines if summary["wrong"] else [*lines, "  nothing wrong"])


def main() -> None:
    from twisted.internet import task

    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--kind", choices=("exchange", "grommunio"), default="grommunio")
    parse.add_argument("--sessions", type=int, default=200)
    parse.add_argument("--seconds", type=float, default=600.0)
    parse.add_argument("--seed", type=int, default=1)
    parse.add_argument("--pace", type=float, default=1.0, help="mean seconds between two calls of a session")
    parse.add_argument("--wait", type=float, default=10.0, help="seconds that a NotificationWait lasts")
    asked = parse.parse_args()
    # In /tmp, whatever TMPDIR is: the name of a socket has to be short.
    folder = Path(tempfile.mkdtemp(prefix="soak", dir="/tmp"))
    summaries: list[dict[str, Any]] = []

    async def all_of_it(reactor: Any) -> None:
        summaries.append(await run(reactor, made, asked))

    try:
        options = (*OPTIONS, "--wait-length", f"{asked.wait}")
        with field(asked.kind, folder, asked.sessions, *options, servers=3) as made:
            try:
                task.react(lambda reactor: Deferred.fromCoroutine(all_of_it(reactor)))
            except SystemExit as stopped:
                if stopped.code:
                    raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(as_text(summaries[0]))
    print(json.dumps(summaries[0]))
    raise SystemExit(1 if summaries[0]["wrong"] else 0)


if __name__ == "__main__":
    main()
