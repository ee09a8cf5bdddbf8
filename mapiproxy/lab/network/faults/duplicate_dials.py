"""duplicate_dials: for one connection of a client, the server sees several attempts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from attrs import frozen

from mapiproxy.lab.network.faults.base import At, Due, Fault
from mapiproxy.lab.network.pieces import Arrival, DialMore, Direction
from mapiproxy.lab.network.reading import switch, whole


@frozen
class DuplicateDials(Fault):
    """*times* more connections are opened beside the one that is used.

    With *keep* they stay open, idle, until the client leaves; else they are closed at once.
    """

    direction: ClassVar[Direction] = Direction.TO_SERVER
    directions: ClassVar[tuple[Direction, ...]] = (Direction.TO_SERVER,)
    phase: ClassVar[str | None] = "connect"

    times: int = whole(1, 1, 100)
    keep: bool = switch(False)

    def take(self, state: Any, item: Arrival, at: At) -> Iterable[Due]:
        return ((at.now, DialMore(self.times, self.keep)), (at.now, item))
