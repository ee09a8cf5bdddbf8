"""limit_data: the connection is closed when so many bytes have passed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from attrs import define, frozen

from mapiproxy.lab.network.faults.base import At, Due, Fault, State, leaves
from mapiproxy.lab.network.pieces import Arrival, Cut, Direction, Piece
from mapiproxy.lab.network.reading import size


@define
class _Counted(State):
    passed: int = 0


@frozen
class LimitData(Fault):
    """*size* bytes of the stream pass, then both sides are closed."""

    direction: ClassVar[Direction] = Direction.TO_CLIENT

    size: int = size()

    def begin(self) -> _Counted:
        return _Counted()

    def take(self, state: _Counted, item: Arrival, at: At) -> Iterable[Due]:
        if state.caught:
            return ()
        if not isinstance(item, Piece) or state.passed + len(item.data) < self.size:
            state.passed += len(item.data) if isinstance(item, Piece) else 0
            return leaves(item, at)
        first, _ = item.split(self.size - state.passed)
        state.passed = self.size
        state.caught = True
        return ((at.now, first), (at.now, Cut("close")))
