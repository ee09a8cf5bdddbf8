"""What all the sessions of one Outlook process share."""

from __future__ import annotations

import random
import uuid

from attrs import define, field

from mapiproxy.lab.caller import APPLICATION, USER_AGENT
from mapiproxy.lab.dialing import Address
from mapiproxy.lab.happening import Happening, Tell, tell_nobody
from mapiproxy.lab.outlook.book import Book
from mapiproxy.lab.outlook.owntime import OwnTime
from mapiproxy.lab.outlook.profile import Profile
from mapiproxy.lab.outlook.receipts import Receipts
from mapiproxy.lab.outlook.service import Service
from mapiproxy.lab.outlook.uplink import Uplink
from mapiproxy.lab.users import LabUser


def guid_of(chance: random.Random) -> str:
    """As Outlook writes them."""
    return "{" + str(uuid.UUID(int=chance.getrandbits(128), version=4)).upper() + "}"


@define(eq=False)
class Desk:
    """One process of one user.

    :ivar kind: which servers are expected: their numbers of X-ResponseCode.
    :ivar lab: the servers are the lab's own: GUIDs of mailboxes and times of messages are known.
    :ivar authorization: what each request says of the user; ``None``: the connections see to that.
    :ivar client_info: of X-ClientInfo, the same for all sessions.
    :ivar fields: the lines of a request's head that are always the same.
    """

    user: LabUser
    address: Address
    kind: str
    lab: bool
    profile: Profile
    chance: random.Random
    time: OwnTime
    uplink: Uplink
    book: Book
    service: Service
    tell: Tell
    receipts: Receipts | None
    authorization: str | None = field(repr=False)
    client_info: str = field(init=False)
    fields: bytes = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.client_info = guid_of(self.chance)
        lines = [
            f"Host: {self.address.authority}",
            "Content-Type: application/mapi-http",
            f"User-Agent: {USER_AGENT}",
            f"X-ClientInfo: {self.client_info}:1",
            f"X-ClientApplication: {APPLICATION}",
        ]
        if self.authorization is not None:
            lines.append(f"Authorization: {self.authorization}")
        self.fields = "".join(f"{line}\r\n" for line in lines).encode("latin-1")

    @property
    def who(self) -> str:
        return self.user.login.partition("@")[0]

    def happened(
        self,
        at: float,
        lane: str,
        kind: str,
        label: str,
        outcome: str = "ok",
        until: float | None = None,
        detail: str = "",
    ) -> None:
        """Tell it, if anybody listens."""
        if self.tell is not tell_nobody:
            self.tell(
                Happening(
                    at=at, lane=lane, kind=kind, label=label, outcome=outcome, until=until, detail=detail
                )
            )

    def mean(self, seconds: float) -> float:
        """A time of this mean, as people have them."""
        return self.chance.expovariate(1 / seconds)

    def count(self, bounds: tuple[int, int]) -> int:
        return self.chance.randint(*bounds)
