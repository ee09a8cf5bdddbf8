"""An Outlook-like session from Connect to Disconnect, with a firewall that cuts in.

The script: log on, read while a NotificationWait pends, let an event end it, PING, lose an idle
connection and a waiting one and carry on with the same cookies, ask the address book, leave. Each
request becomes a row (a Step) that says whether it went as the script wants it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred, TimeoutError

from mapiproxy.lab import bodies
from mapiproxy.lab.client import OutlookClient
from mapiproxy.lab.errors import LabError
from mapiproxy.lab.session import Waiting
from mapiproxy.lab.step import Step

#: What is wrong with a step, in words; empty when nothing is.
Check = Callable[[Step], str]


def _fine(step: Step) -> str:
    try:
        step.check()
    except LabError as error:
        return str(error)
    return ""


def _woken(step: Step) -> str:
    return _fine(step) or ("" if step.event_pending else "the wait ended without an event")


def _cut(step: Step) -> str:
    return "" if step.trouble is not None else "the wait should have been cut"


def _woken_or_held(step: Step) -> str:
    """A server may hold the wait whose client went away (grommunio: until its next PENDING)."""
    return "" if step.error == bodies.EC_REJECTED else _woken(step)


@define
class Verdict:
    """How it went. *surprises* are the steps that were not as expected, and other mishaps."""

    steps: list[Step] = field(factory=list)
    surprises: list[str] = field(factory=list)

    @property
    def ok(self) -> bool:
        return not self.surprises


class Conversation:
    """Plays the script once, with one client.

    :param client: not yet connected; its ``watch`` is taken over.
    :param on_step: sees each row when it is complete, ``expected`` set.
    :param pulse_patience: how long to wait for a PENDING to show, in seconds.
    :param event_patience: how long an event may take to end a wait.
    """

    def __init__(
        self,
        client: OutlookClient,
        reactor: Any,
        on_step: Callable[[Step], None] | None = None,
        *,
        pulse_patience: float = 3.0,
        event_patience: float = 10.0,
        held_patience: float = 35.0,
    ) -> None:
        self.verdict = Verdict()
        self._client = client
        self._reactor = reactor
        self._on_step = on_step
        self._pulse_patience = pulse_patience
        self._event_patience = event_patience
        self._held_patience = held_patience
        self._checks: dict[str, Check] = {}
        client.watch = self._mind

    async def play(self) -> Verdict:
        """The whole script; never raises: what went wrong is in the verdict."""
        client = self._client
        try:
            # Without these two the rest would say the same over and over.
            (await client.connect()).check()
            (await client.logon()).check()
            await client.register()
            await client.execute()
            await self._work_beside_a_wait()
            await client.ping()
            await client.reset("call")
            await client.execute()
            await self._lose_a_wait()
            await self._ask_the_address_book()
            await client.disconnect()
        except LabError as error:
            self.verdict.surprises.append(f"the script ended early: {error}")
        finally:
            await client.close()
        return self.verdict

    async def _work_beside_a_wait(self) -> None:
        client = self._client
        self._checks["NotificationWait"] = _woken
        waiting = client.start_wait()
        await waiting.opened
        await client.execute()
        await client.execute()
        await self._within(waiting.pulsed, self._pulse_patience)
        await self._raise_event(waiting)

    async def _lose_a_wait(self) -> None:
        client = self._client
        self._checks["NotificationWait"] = _cut
        waiting = client.start_wait()
        await waiting.opened
        await client.reset("wait")
        await self._settled(waiting)
        await client.execute()
        self._checks["NotificationWait"] = _woken_or_held
        for _ in range(3):
            waiting = client.start_wait()
            await waiting.opened
            await client.execute()
            if not await self._within(waiting.done, 0.2):
                await self._raise_event(waiting)
                return
            await self._settled(waiting)
            if self._last("NotificationWait").error != bodies.EC_REJECTED:
                return
            # The old wait is still held on the server: it goes with its next PENDING.
            await self._pause(min(self._period() * 1.1, self._held_patience))
        self.verdict.surprises.append("the server never let go of the wait that had been cut")

    async def _raise_event(self, waiting: Waiting) -> None:
        await self._client.execute(change=True)
        if not await self._within(waiting.done, self._event_patience):
            self.verdict.surprises.append("an event did not end the wait")
            self._checks["NotificationWait"] = _cut
            await self._client.reset("wait")
        await self._settled(waiting)
        await self._client.fetch()

    async def _ask_the_address_book(self) -> None:
        await self._client.bind()
        await self._client.query_rows()
        await self._client.get_props()
        await self._client.unbind()

    # Waiting.

    async def _within(self, deferred: Deferred[Any], seconds: float) -> bool:
        """Whether *deferred* fires in time; its result stays with it."""
        here: Deferred[None] = Deferred()

        def tell(result: Any) -> Any:
            if not here.called:
                here.callback(None)
            return result

        deferred.addBoth(tell)
        here.addTimeout(seconds, self._reactor)
        try:
            await here
        except (TimeoutError, CancelledError):
            return False
        return True

    async def _settled(self, waiting: Waiting) -> None:
        """The wait is over; how, its row has said already."""
        over: Deferred[None] = Deferred()

        def swallow(result: Any) -> None:
            over.callback(None)

        waiting.done.addBoth(swallow)
        await over

    async def _pause(self, seconds: float) -> None:
        over: Deferred[None] = Deferred()
        self._reactor.callLater(seconds, over.callback, None)
        await over

    def _last(self, request_type: str) -> Step:
        steps = self.verdict.steps
        return next(step for step in reversed(steps) if step.request_type == request_type)

    def _period(self) -> float:
        """X-PendingPeriod as the server last said it, in seconds."""
        for step in reversed(self.verdict.steps):
            period = step.head.get(b"x-pendingperiod") if step.head is not None else None
            if period is not None and period.isdigit():
                return int(period) / 1000
        return 30.0

    def _mind(self, step: Step) -> None:
        """Compare a finished step with what the script wants at this point."""
        self.verdict.steps.append(step)
        wrong = "" if step.local else self._checks.get(step.request_type, _fine)(step)
        if wrong:
            step.expected = False
            step.note = wrong
            self.verdict.surprises.append(wrong)
        elif step.error == bodies.EC_REJECTED:
            step.note = "the server still holds the wait that was cut"
        elif step.trouble is not None:
            step.note = "cut, as planned"
        elif step.event_pending:
            step.note = "an event ended the wait"
        if self._on_step is not None:
            self._on_step(step)
