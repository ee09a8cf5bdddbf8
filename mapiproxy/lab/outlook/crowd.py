"""Many Outlooks in one process: started one after the other, with one book for all.

What they share is what does not tell one from another: the chance, the TLS context, the listener.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IDelayedCall

from mapiproxy.lab.dialing import Address, tls_for
from mapiproxy.lab.happening import Tell, tell_nobody
from mapiproxy.lab.outlook.book import Book, summed
from mapiproxy.lab.outlook.process import Outlook
from mapiproxy.lab.outlook.profile import CACHED, Profile
from mapiproxy.lab.outlook.receipts import Receipts
from mapiproxy.lab.users import LabUser, Users

#: So many are closed at a time.
_AT_ONCE = 500


class Crowd:
    """As many Outlooks as there are users.

    :param profiles: taken in turn, so ``(CACHED, CACHED, ONLINE)`` makes every third one work online.
    :param sources: addresses to come from, taken in turn; none: whichever the system takes.
    :param known: whom mailboxes that a user opens besides belong to; ``None``: nobody opens others.
    :param further: anything else that :class:`Outlook` takes.
    :raise DialFailed: the address's CA file cannot be read.
    """

    def __init__(
        self,
        reactor: Any,
        address: Address,
        users: Sequence[LabUser],
        *,
        random: random.Random,
        profiles: Sequence[Profile] = (CACHED,),
        sources: Sequence[str] = (),
        known: Users | None = None,
        tell: Tell = tell_nobody,
        receipts: Receipts | None = None,
        **further: Any,
    ) -> None:
        self._reactor = reactor
        self._starting: IDelayedCall | None = None
        self._begun = 0.0
        self._within = 0.0
        self.started = 0
        tls = tls_for(address) if address.tls else None
        self.outlooks = [
            Outlook(
                reactor,
                address,
                user,
                random=random,
                profile=profiles[number % len(profiles)],
                tell=tell,
                mailboxes=_others(user, known),
                source=sources[number % len(sources)] if sources else None,
                tls=tls,
                receipts=receipts,
                **further,
            )
            for number, user in enumerate(users)
        ]

    def start(self, within: float = 0.0) -> None:
        """All of them start, evenly spread over so many seconds."""
        self._begun, self._within = self._reactor.seconds(), within
        self._go_on()

    def _go_on(self) -> None:
        self._starting = None
        passed = self._reactor.seconds() - self._begun
        share = 1.0 if self._within <= 0 else min(passed / self._within, 1.0)
        due = max(int(len(self.outlooks) * share), min(1, len(self.outlooks)))
        while self.started < due:
            outlook = self.outlooks[self.started]
            self.started += 1
            if not outlook.ended:
                outlook.start()
        if self.started < len(self.outlooks):
            delay = max(self._within / len(self.outlooks), 0.02)
            self._starting = self._reactor.callLater(delay, self._go_on)

    @property
    def ready(self) -> int:
        """How many have their own mailbox open."""
        return sum(outlook.ready for outlook in self.outlooks)

    def book(self) -> Book:
        """The sum of all books."""
        return summed([outlook.book for outlook in self.outlooks])

    def each(self, event: Callable[[Outlook], object]) -> None:
        """The same happens to all of them that run: ``crowd.each(Outlook.hibernate)``."""
        for outlook in self.outlooks:
            if outlook.began and not outlook.ended:
                event(outlook)

    async def close(self) -> None:
        """All of them are closed in order, some at a time."""
        self._stop_starting()
        for first in range(0, len(self.outlooks), _AT_ONCE):
            some = [outlook for outlook in self.outlooks[first : first + _AT_ONCE] if outlook.began]
            closing: list[Deferred[None]] = [outlook.close() for outlook in some]
            await DeferredList(closing, consumeErrors=True)

    def kill(self) -> None:
        """All of them crash."""
        self._stop_starting()
        self.each(Outlook.kill)

    def _stop_starting(self) -> None:
        if self._starting is not None and self._starting.active():
            self._starting.cancel()
        self._starting = None


def _others(user: LabUser, known: Users | None) -> list[LabUser]:
    if known is None:
        return []
    return [found for login in user.opens if (found := known.find_login(login)) is not None]
