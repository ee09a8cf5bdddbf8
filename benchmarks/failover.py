"""A server is killed: how long until each of its sessions has a new context on the other one?

    python benchmarks/failover.py [--kind grommunio] [--sessions 200] [--seed 7]

A proxy with TLS in front and two lab servers behind it, each a process; the sessions are played in this
process, each with an open NotificationWait on a connection of its own. One server gets SIGKILL. Each of its
sessions sees its wait broken and connects with its old cookies, again and again (0.2 to 1 s apart) until that
succeeds. Counted from the SIGKILL to the end of each session's first Connect that the other server has in its
journal. The last line is JSON; the exit status is 1 if a session did not come back.

A connection that meets a full queue of a listening socket is tried again by the kernel after a second; how
many did, on this machine, is told as well, because such a second is neither the proxy's nor the server's.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.processes import Field, field  # noqa: E402
from support.soaking import Crowd, nap, percentile  # noqa: E402
from twisted.internet.defer import Deferred  # noqa: E402
from twisted.internet.threads import deferToThread  # noqa: E402

from mapiproxy.lab.errors import LabError  # noqa: E402
from mapiproxy.lab.session import Waiting  # noqa: E402

OPTIONS = ("--pending-period", "2", "--wait-length", "120")
#: Nobody is given up earlier, in seconds.
LIMIT = 60.0


def overflows() -> int:
    """Connections that met a full queue since the machine started."""
    names, values = (
        line.split()
        for line in Path("/proc/net/netstat").read_text().splitlines()
        if line.startswith("TcpExt")
    )
    return int(dict(zip(names, values, strict=True))["ListenOverflows"])


async def hold(crowd: Crowd, client: Any, opened: list[str]) -> None:
    """Wait; when that is broken, connect, and wait again."""
    while not crowd.stopping:
        waiting: Waiting = client.start_wait()
        waiting.opened.addCallback(lambda _: opened.append(client.user.login))
        try:
            await waiting.done
        except LabError:
            await crowd._come_back(client)


async def run(reactor: Any, made: Field, asked: argparse.Namespace) -> dict[str, Any]:
    """The whole of it; returns the summary."""
    crowd = Crowd(reactor, made, made.users, asked.seed)
    await crowd.connect_all()
    homes = {login: (backend or "").partition(".")[0] for _, login, backend in crowd.books.connects}
    opened: list[str] = []
    holding = [Deferred.fromCoroutine(hold(crowd, client, opened)) for client in crowd.clients]
    while len(set(opened)) < asked.sessions:
        await nap(reactor, 0.05)
    victim = sorted(made.labs)[asked.seed % 2]
    lost = {login for login, name in homes.items() if name == victim}
    # A moment without handshakes, so that only the failover is measured.
    await nap(reactor, 1.0)
    crowd.books.connects.clear()
    crowd.books.ends.clear()
    overflowed = overflows()
    killed_at = reactor.seconds()
    made.labs[victim].process.kill()
    firsts: dict[str, float] = {}
    while lost - set(firsts) and reactor.seconds() - killed_at < LIMIT:
        await nap(reactor, 0.05)
        for at, login, backend in crowd.books.connects:
            if (backend or "").partition(".")[0] != victim:
                firsts.setdefault(login, at - killed_at)
    await deferToThread(made.labs[victim].process.wait)
    survivors = {line["login"] for line in made.events("connect") if line["server"] != victim}
    ends = dict(crowd.books.ends.most_common())
    crowd.stopping = True
    await crowd.close()
    for each in holding:
        await each
    times = [firsts[login] * 1000 for login in lost if login in firsts]
    return {
        "kind": made.kind,
        "sessions": asked.sessions,
        "lost": len(lost),
        "ends": ends,
        "p50_ms": round(percentile(times, 0.5), 1),
        "p99_ms": round(percentile(times, 0.99), 1),
        "max_ms": round(max(times, default=0.0), 1),
        "overflows": overflows() - overflowed,
        "disturbed": sorted(set(firsts) - lost),
        "missing": sorted(lost - set(firsts)),
        "unwritten": sorted(lost - survivors),
    }


def as_text(summary: dict[str, Any]) -> str:
    return (
        f"failover, {summary['kind']}: {summary['lost']} of {summary['sessions']} sessions lost their "
        f"server; "
        f"a new context on the other after p50 {summary['p50_ms']} ms, p99 {summary['p99_ms']} ms, "
        f"max {summary['max_ms']} ms\n"
        f"  came back: {summary['lost'] - len(summary['missing'])}; "
        f"sessions of the other server that connected anew: {len(summary['disturbed'])}\n"
        f"  connections that met a full queue: {summary['overflows']}\n"
        "  how calls ended: " + "; ".join(f"{count} {name}" for name, count in summary["ends"].items())
    )


def main() -> None:
    from twisted.internet import task

    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--kind", choices=("exchange", "grommunio"), default="grommunio")
    parse.add_argument("--sessions", type=int, default=200)
    parse.add_argument("--seed", type=int, default=7)
    asked = parse.parse_args()
    # In /tmp, whatever TMPDIR is: the name of a socket has to be short.
    folder = Path(tempfile.mkdtemp(prefix="failover", dir="/tmp"))
    summaries: list[dict[str, Any]] = []

    async def all_of_it(reactor: Any) -> None:
        summaries.append(await run(reactor, made, asked))

    try:
        with field(asked.kind, folder, asked.sessions, *OPTIONS) as made:
            try:
                task.react(lambda reactor: Deferred.fromCoroutine(all_of_it(reactor)))
            except SystemExit as stopped:
                if stopped.code:
                    raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    summary = summaries[0]
    print(as_text(summary))
    print(json.dumps(summary))
    raise SystemExit(1 if summary["missing"] or summary["unwritten"] or not summary["lost"] else 0)


if __name__ == "__main__":
    main()
