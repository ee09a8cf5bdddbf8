"""Many sessions, a random fault each second, and no harm done; and how fast a lost server is replaced.

Small here; with MAPIPROXY_LONG=1 it is 200 sessions for ten minutes for each kind, and prints its figures
(``MAPIPROXY_LONG=1 python -m pytest -s tests/test_soak.py``).
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from support.processes import field
from support.soaking import Crowd, nap, percentile
from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.trial.unittest import TestCase

LONG = bool(os.environ.get("MAPIPROXY_LONG"))
SESSIONS = 200 if LONG else 12
SECONDS = float(os.environ.get("MAPIPROXY_SOAK_SECONDS", "600")) if LONG else 6.0
PACE = 1.0 if LONG else 0.1
OPTIONS = ("--pending-period", "2", "--wait-length", "20", "--execute-delay", "0.01")


class SoakCase(TestCase):
    timeout = SECONDS + 180

    def made(self, kind: str) -> Any:
        # Not trial's own folder: the name of a socket has to be short.
        folder = Path(tempfile.mkdtemp(prefix="soak"))
        self.addCleanup(shutil.rmtree, folder)
        context = field(kind, folder, SESSIONS, *OPTIONS)
        made = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return made

    @inlineCallbacks
    def soak(self, kind: str) -> Any:
        made = self.made(kind)
        crowd = Crowd(reactor, made, made.users, seed=20261124)
        yield Deferred.fromCoroutine(crowd.connect_all())
        working = crowd.start(PACE)
        yield Deferred.fromCoroutine(crowd.break_things(SECONDS))
        crowd.stopping = True
        yield nap(reactor, 1.0)
        yield Deferred.fromCoroutine(crowd.close())
        yield working
        books, executions = crowd.books, made.executions()
        print(f"\nsoak {kind}: {SESSIONS} sessions, {SECONDS:g} s")
        print(f"  faults: {dict(books.faults)}")
        print(f"  calls: {sum(books.ends.values())}: {dict(books.ends.most_common())}")
        print(f"  Executes on the servers: {sum(executions.values())}, more than once: "
              f"{sum(count > 1 for count in executions.values())}")  # fmt: skip
        print(f"  Execute: p50 {percentile(books.times, 0.5):.0f} ms, p99 {percentile(books.times, 0.99):.0f} ms")
        print(f"  proxy: {made.ask('status')['pools'][0]}")

        self.assertEqual([each for each, count in executions.items() if count > 1], [])
        self.assertEqual(books.strangers, [])
        self.assertEqual(books.hangs, [])
        self.assertGreater(books.ends["success"], SESSIONS * 3)

    def test_nothing_is_executed_twice_or_answered_to_another_by_grommunio(self) -> Any:
        return self.soak("grommunio")

    def test_nothing_is_executed_twice_or_answered_to_another_by_exchange(self) -> Any:
        return self.soak("exchange")

    @inlineCallbacks
    def test_every_session_of_a_killed_server_has_a_context_elsewhere_soon(self) -> Any:
        made = self.made("grommunio")
        crowd = Crowd(reactor, made, made.users, seed=7)
        yield Deferred.fromCoroutine(crowd.connect_all())
        homes = {login: backend for _, login, backend in crowd.books.connects}
        victim = made.labs[next(iter(made.labs))]
        lost = {login for login, backend in homes.items() if backend == victim.name}
        working = crowd.start(PACE)
        yield nap(reactor, 2.0)
        crowd.books.connects.clear()
        killed_at = reactor.seconds()
        victim.kill()
        while True:
            yield nap(reactor, 0.1)
            there = {login for _, login, backend in crowd.books.connects if backend != victim.name}
            if lost <= there or reactor.seconds() - killed_at > 30:
                break
        firsts: dict[str, float] = {}
        for at, login, _ in crowd.books.connects:
            firsts.setdefault(login, at - killed_at)
        times = [firsts[login] for login in lost if login in firsts]
        yield Deferred.fromCoroutine(crowd.close())
        yield working
        print(f"\nfailover: {len(lost)} of {SESSIONS} sessions lost their server; a new context after "
              f"p50 {percentile(times, 0.5) * 1000:.0f} ms, p99 {percentile(times, 0.99) * 1000:.0f} ms, "
              f"the last after {max(times, default=0.0) * 1000:.0f} ms")  # fmt: skip

        self.assertTrue(lost)
        self.assertEqual(lost - set(firsts), set())
        self.assertLess(max(times), 30)
