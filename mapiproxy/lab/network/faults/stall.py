"""stall: everything stops, nothing is lost; it goes on after a while, or when the rule is removed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from attrs import define, frozen

from mapiproxy.lab.network.faults.base import NEVER, At, Due, Fault, State
from mapiproxy.lab.network.pieces import Arrival, Direction
from mapiproxy.lab.network.reading import duration


@define
class _Waiting(State):
    until: float = -1.0
    of: object = None


@frozen
class Stall(Fault):
    """From the first struck byte on nothing moves for *delay*; without it, until the rule is removed.

    Once for each request that is struck, or once for the connection.
    """

    direction: ClassVar[Direction] = Direction.TO_CLIENT

    delay: float | None = duration(None)

    def begin(self) -> _Waiting:
        return _Waiting()

    def take(self, state: _Waiting, item: Arrival, at: At) -> Iterable[Due]:
        of = item.place.exchange or item.place.connection
        if state.until < 0 or (of is not state.of and item.place.phase and at.now >= state.until):
            state.until = NEVER if self.delay is None else at.now + self.delay
            state.of = of
        return ((max(at.now, state.until), item),)
