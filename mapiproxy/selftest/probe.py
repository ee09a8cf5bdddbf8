"""A probe from beginning to end, and what is to be told of it.

The self-test knocks; the deep test logs on; the client touch point does all that Outlook needs.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from traceback import extract_tb
from typing import Any

from attrs import frozen
from twisted.internet.defer import TimeoutError

from mapiproxy.lab.client import OutlookClient
from mapiproxy.net.trust import Trust
from mapiproxy.selftest.door import Door
from mapiproxy.selftest.entry import Entry
from mapiproxy.selftest.mailbox import Directory
from mapiproxy.selftest.reaching import Resolve, Route, resolve
from mapiproxy.selftest.session import Session
from mapiproxy.selftest.target import Plan, Probe
from mapiproxy.selftest.touching import Touch
from mapiproxy.selftest.trail import Grade, Stage, Trail, Trouble


@frozen
class Outcome:
    """What a probe came to. Times in epoch seconds.

    :ivar error: what is wrong, with the stage in front; empty when nothing is.
    :ivar exception: what the libraries below had to say about it; empty for a judgement of our own.
    """

    plan: Plan
    start: float
    end: float
    grade: Grade
    stages: tuple[Stage, ...]
    error: str = ""
    exception: str = ""

    @property
    def result(self) -> str:
        """As Exchange says it: a warning has succeeded."""
        return "Succeeded" if self.grade < Grade.CRITICAL else "Failed"


    @property
    def refused(self) -> bool:
        """Whether name and password were tried, and not taken."""
        last = self.stages[-1] if self.stages else None
        return last is not None and last.name == "Authentication" and last.text.startswith("401")


def not_again(plan: Plan, refused: Outcome) -> Outcome:
    """The outcome of a probe that is left out, because a password that is wrong locks an account."""
    text = f"not tried: the password was refused by {refused.plan.target.url}, and accounts get locked"
    return Outcome(plan, refused.end, refused.end, Grade.UNKNOWN, (), text)


async def run(
    plan: Plan,
    reactor: Any,
    watch: Callable[[Stage, bool], None] | None = None,
    resolve: Resolve = resolve,
) -> Outcome:
    """Run one probe; never raises. Nothing is left open.

    :param watch: sees stages begin and end (see :class:`Trail`).
    :param resolve: looks up names.
    """
    trail = Trail(reactor, plan.timeout, watch)
    began = reactor.seconds()
    exception = ""
    try:
        await _Probing(plan, reactor, trail, resolve).run()
    except Trouble:
        exception = _show(trail.cause)
    except Exception as fault:  # of our own: it must not look like one of the server
        exception = f"{_show(fault)} ({_place(fault)})"
    error = "; ".join(trail.complaints)
    return Outcome(
        plan, began, reactor.seconds(), trail.grade, tuple(trail.stages), _plain(error), exception
    )


class _Probing:
    def __init__(self, plan: Plan, reactor: Any, trail: Trail, resolve: Resolve) -> None:
        self._plan = plan
        self._reactor = reactor
        self._trail = trail
        trust = Trust(off=True) if plan.insecure else Trust(plan.ca_file)
        self._route = Route(reactor, plan.target, trust, plan.timeout, resolve)

    async def run(self) -> None:
        """:raise Trouble:"""
        plan, trail, route = self._plan, self._trail, self._route
        line = await route.walk(trail)
        offer = await Door(trail, route, line).knock(plan.kind)
        if plan.probe is Probe.SELF_TEST:
            return
        client = await Entry(self._reactor, trail, route, plan, offer).enter()
        try:
            account = await Directory(trail, route, plan, client).find(offer.kind)
            session = Session(trail, client, account, offer.kind, plan.kind)
            await session.connect()
            if plan.probe is Probe.CTP:
                await Touch(self._reactor, trail, session, plan.wait).play()
            await session.disconnect()
        finally:
            _drop(client)


def _drop(client: OutlookClient) -> None:
    """Abort what is open: an orderly close could wait for a peer that is stuck."""
    for line in list(client.lines.values()):
        line.abort()
    client.lines.clear()


def _place(error: Exception) -> str:
    """File and line in which an exception was raised."""
    *_, last = extract_tb(error.__traceback__)
    return f"{Path(last.filename).name}:{last.lineno}"


def _show(cause: BaseException | None) -> str:
    """Type and text of an exception; the text of a timeout is a bare tuple."""
    if cause is None:
        return ""
    text = "" if isinstance(cause, TimeoutError) else _plain(str(cause))
    return f"{type(cause).__name__}: {text}" if text else type(cause).__name__


def _plain(text: str) -> str:
    """One line that a terminal obeys in nothing."""
    return "".join(each if each.isprintable() else " " for each in text)
