"""Many Outlooks at once, and somebody who breaks something every second; with the books kept of both."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

from support.processes import Field
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.threads import deferToThread

from mapiproxy.lab.client import Address, OutlookClient
from mapiproxy.lab.errors import LabError
from mapiproxy.lab.step import Step
from mapiproxy.lab.users import LabUser

#: No call may take longer to end, well or badly, in seconds.
PATIENCE = 40.0


def nap(reactor: Any, seconds: float) -> Deferred[None]:
    waited: Deferred[None] = Deferred()
    reactor.callLater(seconds, waited.callback, None)
    return waited


class Books:
    """What the clients saw.

    :ivar ends: how calls ended, in words; ``strangers``: answers that belonged to somebody else.
    :ivar connects: (time, login, backend) of each Connect that succeeded.
    """

    def __init__(self) -> None:
        self.ends: Counter[str] = Counter()
        self.strangers: list[str] = []
        self.hangs: list[str] = []
        self.times: list[float] = []
        self.connects: list[tuple[float, str, str | None]] = []
        self.faults: Counter[str] = Counter()

    def note(self, step: Step, user: LabUser) -> None:
        if step.local:
            return
        if step.trouble is not None:
            self.ends[f"visible: {step.trouble.partition(':')[0]}"] += 1
            if "nothing came for" in step.trouble:
                self.hangs.append(f"{step.request_type} of {step.mailbox}: {step.trouble}")
            return
        self.ends["success" if step.ok else f"visible: status {step.status}, code {step.final_code}"] += 1
        if step.ok:
            if step.request_type == "Execute":
                self.times.append(step.total_ms or 0.0)
            self._check_owner(step, user)

    def _check_owner(self, step: Step, user: LabUser) -> None:
        assert step.head is not None
        echoed = (step.head.get(b"x-requestid") or b"").decode()
        if echoed != step.request_id:
            self.strangers.append(f"asked {step.request_id}, answered {echoed or 'nothing'}")
        if step.request_type == "Connect":
            if user.display_name.encode("utf-16-le") not in step.binary:
                self.strangers.append(f"a Connect of {user.login} was answered for another mailbox")
            self.connects.append((step.at + (step.total_ms or 0.0) / 1000, user.login, step.backend))


class Crowd:
    """Sessions that work until they are told to stop."""

    def __init__(self, reactor: Any, made: Field, users: list[LabUser], seed: int) -> None:
        self.books = Books()
        self.chance = random.Random(seed)
        self.stopping = False
        self._reactor = reactor
        self._made = made
        proxy = made.proxies[0]
        address = Address("127.0.0.1", proxy.port, "localhost", ca_file=proxy.folder / "ca.pem")
        self.clients = [
            OutlookClient(reactor, address, user, kind=made.kind, patience=PATIENCE,
                          watch=lambda step, user=user: self.books.note(step, user))
            for user in users
        ]  # fmt: skip

    async def connect_all(self) -> None:
        """Every client has a session."""
        for client in self.clients:
            step = await client.connect()
            step.check()

    def start(self, pace: float) -> Deferred[Any]:
        """Work; *pace* is the mean pause between two calls of a session, in seconds."""
        working = [Deferred.fromCoroutine(self._work(client, pace)) for client in self.clients]
        waiting = [Deferred.fromCoroutine(self._wait(client)) for client in self.clients]
        return DeferredList([*working, *waiting], fireOnOneErrback=True, consumeErrors=True)

    async def _work(self, client: OutlookClient, pace: float) -> None:
        while not self.stopping:
            await nap(self._reactor, self.chance.expovariate(1 / pace))
            call = self.chance.choices((client.execute, client.ping), (9, 1))[0]
            try:
                await call()
            except LabError:
                await self._come_back(client)

    async def _wait(self, client: OutlookClient) -> None:
        while not self.stopping:
            try:
                step = await client.start_wait().done
            except LabError:
                # The session's connection is of no use any more: connect at once, as Outlook does.
                await self._come_back(client)
                continue
            if not step.ok:
                # grommunio holds a wait that was cut off until its next PENDING (observed): no hurry.
                await nap(self._reactor, 1.0)

    async def _come_back(self, client: OutlookClient) -> None:
        """What the user sees as "trying to connect": again and again, with the old cookies."""
        while not self.stopping:
            try:
                if (await client.connect()).ok:
                    return
            except LabError:
                pass
            await nap(self._reactor, self.chance.uniform(0.2, 1.0))

    async def break_things(self, seconds: float) -> None:
        """A random fault each second."""
        faults = (self._reset_some, self._kill_one, self._freeze_one, self._reload, self._drain_one)
        until = self._reactor.seconds() + seconds
        while self._reactor.seconds() < until:
            fault = self.chance.choices(faults, (6, 1, 1, 1, 1))[0]
            self.books.faults[fault.__name__.strip("_")] += 1
            began = self._reactor.seconds()
            await fault()
            await nap(self._reactor, max(0.0, 1.0 - (self._reactor.seconds() - began)))

    async def _reset_some(self) -> None:
        for client in self.chance.sample(self.clients, max(1, len(self.clients) // 20)):
            if client.lines:
                await client.reset(self.chance.choice(list(client.lines)))

    async def _kill_one(self) -> None:
        lab = self.chance.choice(list(self._made.labs.values()))
        await deferToThread(lab.kill)
        await nap(self._reactor, self.chance.uniform(0.0, 2.0))
        await deferToThread(lab.start)

    async def _freeze_one(self) -> None:
        lab = self.chance.choice(list(self._made.labs.values()))
        lab.freeze()
        await nap(self._reactor, self.chance.uniform(0.5, 3.0))
        lab.thaw()

    async def _reload(self) -> None:
        reply = await deferToThread(self._made.ask, "reload")
        assert reply["ok"], reply

    async def _drain_one(self) -> None:
        name = self.chance.choice(list(self._made.labs))
        await deferToThread(self._made.ask, "drain", server=name)
        await nap(self._reactor, 1.0)
        await deferToThread(self._made.ask, "ready", server=name)

    async def close(self) -> None:
        self.stopping = True
        for client in self.clients:
            await client.close()


def percentile(values: list[float], share: float) -> float:
    """The value that so large a share of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
