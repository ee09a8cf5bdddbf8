"""When does mail come? Messages for the mailboxes of a lab server, at given times or again and again.

One timer for all mailboxes, so thousands of them cost little. What a message does is backend.py's business.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from twisted.internet.interfaces import IDelayedCall

from mapiproxy.lab.backend import LabBackend
from mapiproxy.lab.delivery import Clock
from mapiproxy.lab.users import LabUser


class Serving(Protocol):
    """As much of a lab server as a postman must know."""

    backend: LabBackend
    clock: Clock


class Postman:
    """Brings mail to one server."""

    def __init__(self, server: Serving) -> None:
        self._server = server
        self._timer: IDelayedCall | None = None
        self._appointments: set[IDelayedCall] = set()
        self._round: Sequence[LabUser] = ()
        self._began = 0.0
        self._step = 0.0
        self._brought = 0

    def bring(self, login: str) -> None:
        """A message for this mailbox, now. :raise KeyError: nobody is called so."""
        self._server.backend.deliver(self._find(login), self._server.clock.seconds())

    def bring_at(self, seconds: float, login: str) -> None:
        """A message in so many seconds from now. :raise KeyError: nobody is called so."""
        owner = self._find(login)

        def come() -> None:
            self._appointments.discard(timer)
            self._server.backend.deliver(owner, self._server.clock.seconds())

        timer = self._server.clock.callLater(seconds, come)
        self._appointments.add(timer)

    def bring_every(self, seconds: float, owners: Sequence[LabUser] | None = None) -> None:
        """A message for each mailbox every so many seconds, one mailbox after the other.

        :param owners: whose; ``None``: everybody's.
        """
        self._cancel()
        self._round = tuple(self._server.backend.users) if owners is None else tuple(owners)
        self._began, self._brought = self._server.clock.seconds(), 0
        if self._round:
            self._step = seconds / len(self._round)
            self._arm()

    def stop(self) -> None:
        """No more mail."""
        self._cancel()
        for timer in self._appointments:
            timer.cancel()
        self._appointments.clear()

    def _find(self, login: str) -> LabUser:
        found = self._server.backend.users.find_login(login)
        if found is None:
            raise KeyError(f"there is no mailbox of {login}")
        return found

    def _arm(self) -> None:
        due = self._began + (self._brought + 1) * self._step
        # Thousands of mailboxes: several at a time rather than a timer for each.
        delay = max(due - self._server.clock.seconds(), 0.01)
        self._timer = self._server.clock.callLater(delay, self._go)

    def _go(self) -> None:
        now = self._server.clock.seconds()
        while self._began + (self._brought + 1) * self._step <= now:
            self._server.backend.deliver(self._round[self._brought % len(self._round)], now)
            self._brought += 1
        self._arm()

    def _cancel(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
