"""What only a client's touch shows: signs of life in time, a session that outlives its connections, one
server for all of it, and the address book.

A NotificationWait is where proxies that keep answers back, or are in a hurry, are found out.
"""

from __future__ import annotations

from typing import Any

from mapiproxy.lab import bodies
from mapiproxy.selftest.diagnosis import explain_loss, explain_step
from mapiproxy.selftest.session import Session
from mapiproxy.selftest.trail import Stage, Trail, Trouble
from mapiproxy.selftest.waiting import AT_ONCE, Wait, begin, judge, quiet_of

#: A wait that ends within so many seconds, because of an event, says little; nor will many of them.
_SHORT, _AGAIN = 1.0, 3


class Touch:
    """The stages that follow a logon.

    :param watch: seconds to watch the wait, or ``None`` for until its first PENDING.
    """

    def __init__(self, reactor: Any, trail: Trail, session: Session, watch: float | None) -> None:
        self._reactor = reactor
        self._trail = trail
        self._session = session
        self._watch = watch

    async def play(self) -> None:
        """Stages Wait, Reconnect, Reconnect (wait), AddressBook, Routing. :raise Trouble:"""
        with self._trail.stage("Execute") as stage:
            step = await self._session.execute()
            stage.text = "the inbox can be read"
            if step.first_ms is not None:
                stage.text += f", in {step.first_ms:.0f} ms"
        with self._trail.stage("Wait", unhurried=True) as stage:
            wait = await self._watch_a_wait(stage)
        with self._trail.stage("Reconnect") as stage:
            await self._cut("call", "an idle connection was cut")
            stage.text = "an idle connection was cut, and the session went on with the same cookies"
        with self._trail.stage("Reconnect (wait)") as stage:
            await self._lose_a_wait(wait, stage)
        await self._ask_the_address_book()
        with self._trail.stage("Routing") as stage:
            self._judge_routing(stage)

    # The wait.

    async def _watch_a_wait(self, stage: Stage) -> Wait:
        """The last of as many waits as it takes: servers end each after five minutes (reference 7)."""
        limit = quiet_of(self._session.period) if self._watch is None else self._watch
        self._session.client.wait_patience = limit + 600
        end = self._reactor.seconds() + limit
        short = count = 0
        while True:
            wait = begin(self._reactor, self._session)
            await self._opened(wait, min(AT_ONCE, limit))
            try:
                await self._session.execute(what="beside the wait")
            except Trouble as trouble:
                text = f"an Execute beside the wait: {trouble.text}"
                raise Trouble(text, trouble.grade) from trouble.__cause__
            await self._until(wait, end)
            now = self._reactor.seconds()
            judge(wait, now, self._session, stage)
            count += 1
            short += now - wait.began < _SHORT
            enough = bool(wait.pendings) if self._watch is None else now >= end
            if not wait.over or enough or short >= _AGAIN:
                break
        if count > 1:
            stage.text = f"{count} waits, the last: {stage.text}"
        return wait

    async def _opened(self, wait: Wait, seconds: float) -> None:
        end = self._reactor.seconds() + seconds
        while not wait.words and not wait.over and self._reactor.seconds() < end:
            await wait.change(self._reactor, end - self._reactor.seconds())

    async def _until(self, wait: Wait, end: float) -> None:
        """Until the wait has shown what it should, is over or silent, or time is up."""
        while not wait.over and not (self._watch is None and wait.pendings):
            left = min(end, wait.heard + quiet_of(self._session.period)) - self._reactor.seconds()
            if left <= 0:
                return
            await wait.change(self._reactor, left)

    # Cuts.

    async def _cut(self, line: str, what: str) -> None:
        """Reset a connection; an Execute with the same cookies must succeed on whatever comes after."""
        await self._session.client.reset(line)
        try:
            await self._session.execute(what=f"after {what}")
        except Trouble as trouble:
            raise Trouble(
                f"{what}, and the session, which is cookies and no connection, did not go on: {trouble.text}",
                trouble.grade,
            ) from trouble.__cause__

    async def _lose_a_wait(self, wait: Wait, stage: Stage) -> None:
        if wait.over:
            wait = begin(self._reactor, self._session)
            await self._opened(wait, AT_ONCE)
        await self._cut("wait", "the connection of a wait was cut")
        await self._settled(wait)
        stage.text = "the connection of a wait was cut, and the session went on with the same cookies"
        again = begin(self._reactor, self._session)
        await self._opened(again, AT_ONCE)
        # A refusal begins like any answer; after another call its end has come as well.
        await self._session.execute(what="beside the wait after it")
        if again.lost is not None:
            text = explain_loss(again.lost, "NotificationWait")
            raise Trouble(f"the wait after it: {text}") from again.lost
        if again.step is not None and again.step.error == bodies.EC_REJECTED and again.step.final_code == 0:
            stage.text += "; the server still holds the wait that was lost (until its next PENDING)"
        elif again.step is not None:
            wrong = explain_step(again.step, self._session.kind)
            if wrong:
                raise Trouble(f"the wait after it: {wrong}")
        elif not again.words:
            raise Trouble(
                "the wait after it shows no sign of life, expected PROCESSING: something keeps the "
                "answer back, or the wait that was cut is still held"
            )
        await self._session.client.reset("wait")
        await self._settled(again)

    async def _settled(self, wait: Wait) -> None:
        """Until a wait whose connection was cut has noticed. :raise Trouble: it does not."""
        end = self._reactor.seconds() + self._trail.patience
        while not wait.over:
            left = end - self._reactor.seconds()
            if left <= 0:
                raise Trouble("a wait could not be cut: its connection is still being made")
            await wait.change(self._reactor, left)

    # The rest.

    async def _ask_the_address_book(self) -> None:
        with self._trail.stage("AddressBook") as stage:
            call = self._session.call
            await call("Bind", bodies.bind_request(), endpoint="nspi", line="nspi")
            await call("QueryRows", bodies.query_rows_request(1), endpoint="nspi", line="nspi")
            await call("Unbind", bodies.UNBIND_REQUEST, endpoint="nspi", line="nspi")
            stage.text = "Bind, a query and Unbind"

    def _judge_routing(self, stage: Stage) -> None:
        """One server behind, one session; front ends may take turns (exchange reference 4.1)."""
        seen = self._session.seen
        told: dict[str, list[str]] = {}
        for each in seen:
            for key, name in each:
                told.setdefault(key, []).append(name.lower())
        said = []
        for key, names in told.items():
            different = list(dict.fromkeys(names))
            said.append(f"{key}: {', '.join(different)}")
            if len(different) > 1 and key != "X-FEServer":
                stage.warn(
                    f"answers of one session came from {' and '.join(different)} ({key}), expected one "
                    "server: affinity is missing, or the database has just moved"
                )
        what = "; ".join(said) or "the server does not name itself, but it knew the session each time"
        stage.text = f"{len(seen)} answers, {what}"
