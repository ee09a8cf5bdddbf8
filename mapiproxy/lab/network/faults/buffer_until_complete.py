"""buffer_until_complete: a proxy that holds an answer until it has all of it, or so much."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from attrs import define, field, frozen

from mapiproxy.lab.network.faults.base import At, Due, Fault, State
from mapiproxy.lab.network.pieces import Arrival, Direction, Item, Piece
from mapiproxy.lab.network.reading import size


@define
class _Buffer(State):
    held: list[Item] = field(factory=list)
    bytes: int = 0


@frozen
class BufferUntilComplete(Fault):
    """Nothing leaves before the message has ended, or the buffer has *size* bytes; then all at once."""

    direction: ClassVar[Direction] = Direction.TO_CLIENT

    per_request: ClassVar[bool] = True
    at_phases: ClassVar[bool] = False

    size: int = size(64 * 1024)

    def begin(self) -> _Buffer:
        return _Buffer()

    def take(self, state: _Buffer, item: Arrival, at: At) -> Iterable[Due]:
        state.held.append(item)
        if isinstance(item, Piece):
            state.bytes += len(item.data)
            state.caught = True
            if not item.place.last and state.bytes < self.size:
                return ()
        return [(at.now, each) for each in self.release(state)]

    def release(self, state: _Buffer) -> Iterable[Item]:
        held, state.held, state.bytes, state.caught = state.held, [], 0, False
        return held
