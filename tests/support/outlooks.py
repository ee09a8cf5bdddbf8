"""Outlooks against lab servers in a network in memory, with books to look into."""

from __future__ import annotations

import random
from typing import Any

from attrs import evolve
from support.memorynet import MemoryNet

from mapiproxy.lab.dialect import LabOptions
from mapiproxy.lab.dialing import Address
from mapiproxy.lab.faults import Fault
from mapiproxy.lab.happening import Happening
from mapiproxy.lab.outlook import CACHED, Book, Outlook, Profile, Receipts
from mapiproxy.lab.requests import LabRequest
from mapiproxy.lab.server import LabServer
from mapiproxy.lab.users import LabUser, crowd_users

USERS = crowd_users(5)
ANNA = USERS.find_login("u00001@example.test")
TEAM = USERS.find_login("team001@example.test")
assert ANNA is not None
assert TEAM is not None

#: Does nothing by itself for an hour: what happens in a test is what the test does.
QUIET: Profile = evolve(
    CACHED, name="quiet", think=1e9, send_receive=0.0, look_up=0.0, opening=(1, 1), sync=(1, 1), sends=0.0
)


class Place:
    """One server, and as many Outlooks as are made."""

    def __init__(self, kind: str = "exchange", **options: Any) -> None:
        options.setdefault("pending_period", 30.0)
        self.net = MemoryNet()
        self.kind = kind
        self.told: list[Happening] = []
        self.receipts = Receipts()
        self.server = LabServer(kind, "ONE", USERS, LabOptions(mark=True, **options), self.net)
        self.port = self.server.start()

    def outlook(self, user: LabUser = ANNA, **given: Any) -> Outlook:
        given.setdefault("profile", QUIET)
        made = Outlook(
            self.net,
            Address("127.0.0.1", self.port, tls=False),
            user,
            random=random.Random(1),
            tell=self.told.append,
            kind=self.kind,
            receipts=self.receipts,
            **given,
        )
        return made

    def started(self, **given: Any) -> Outlook:
        """One that has opened its mailbox and waits."""
        made = self.outlook(**given)
        made.start()
        self.net.run(5.0)
        assert made.ready
        return made

    def next_meets(self, fault: Fault, call: str = "Execute") -> None:
        """The next request of that type meets a fault."""

        def once(request: LabRequest) -> Fault | None:
            if request.text(b"x-requesttype") != call:
                return None
            self.server.on_request = None
            return fault

        self.server.on_request = once

    def act(self, outlook: Outlook) -> None:
        """The user does something: one Execute."""
        own(outlook).work_alarm.ring()

    def wrong(self, outlook: Outlook) -> list[str]:
        """What must not be."""
        return outlook.book.faults() + self.receipts.compare(self.server.backend.executions)

    def requests(self, call: str | None = None) -> list[Happening]:
        return [each for each in self.told if each.kind == "request" and call in (None, each.label)]


def own(outlook: Outlook) -> Any:
    """The session of the own mailbox."""
    return outlook._sessions[0]


def counts(book: Book, *names: str) -> tuple[Any, ...]:
    return tuple(getattr(book, name) for name in names)
