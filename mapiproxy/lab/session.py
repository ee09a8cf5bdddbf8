"""What the lab's client keeps of a Session Context, and of a wait that pends."""

from __future__ import annotations

import uuid

from attrs import define, field
from twisted.internet.defer import Deferred, DeferredLock

from mapiproxy.lab import rops
from mapiproxy.lab.step import Step


def new_guid() -> str:
    """As Outlook writes them."""
    return "{" + str(uuid.uuid4()).upper() + "}"


@define
class Session:
    """The client's side of one Session Context.

    :ivar guid: of X-RequestId: constant for the context's life, its counter rises (R130, R1305).
    """

    endpoint: str
    guid: str = field(factory=new_guid)
    count: int = 0
    logon: rops.Logon | None = None
    lock: DeferredLock = field(factory=DeferredLock, repr=False)

    @property
    def path(self) -> bytes:
        return f"/mapi/{self.endpoint}/".encode("ascii")

    def renew(self) -> None:
        """Another context begins: another GUID, a counter from the start."""
        self.guid, self.count = new_guid(), 0

    def next_id(self) -> str:
        self.count += 1
        return f"{self.guid}:{self.count}"


@define
class Waiting:
    """A NotificationWait under way: what to wait for. All three fire in any case in the end.

    :ivar opened: when the server has said PROCESSING; *pulsed*: PENDING, for the first time.
    :ivar done: the step, or the typed error.
    """

    done: Deferred[Step]
    opened: Deferred[None] = field(factory=Deferred)
    pulsed: Deferred[None] = field(factory=Deferred)

    def word(self, word: str | None) -> None:
        """Told of each word, and of the end with ``None``."""
        reached = [self.opened] if word == "PROCESSING" else [self.opened, self.pulsed]
        for deferred in reached:
            if not deferred.called:
                deferred.callback(None)
