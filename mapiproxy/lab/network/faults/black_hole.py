"""black_hole: whatever comes disappears, and nobody is told."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from attrs import define, frozen

from mapiproxy.lab.network.faults.base import At, Due, Fault, State
from mapiproxy.lab.network.pieces import Arrival, Cut, Direction, Item
from mapiproxy.lab.network.reading import choice, duration


@define
class _Hole(State):
    counting: bool = False


@frozen
class BlackHole(Fault):
    """Bytes and ends are swallowed; after *timeout*, if there is one, the connection ends.

    A stream with a hole cannot go on: when the rule is removed, connections that lost something are ended.
    *end* says how: ``close`` or ``reset``.
    """

    timeout: float | None = duration(None)
    end: str = choice(("close", "reset"), "close")

    direction: ClassVar[Direction] = Direction.BOTH

    def begin(self) -> _Hole:
        return _Hole()

    def take(self, state: _Hole, item: Arrival, at: At) -> Iterable[Due]:
        state.caught = True
        if self.timeout is not None and not state.counting:
            state.counting = True
            return ((at.now + self.timeout, Cut(self.end)),)
        return ()

    def release(self, state: _Hole) -> Iterable[Item]:
        return (Cut(self.end),) if state.caught else ()
