"""bandwidth: a line that carries so many bytes in a second."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from attrs import define, frozen

from mapiproxy.lab.network.faults.base import At, Due, Fault, State
from mapiproxy.lab.network.pieces import Arrival, Direction, Piece
from mapiproxy.lab.network.reading import size

#: Pieces leave at least so often, in seconds, so that a slow line trickles and does not burst.
_STEP = 0.1


@define
class _Line(State):
    free_at: float = 0.0


@frozen
class Bandwidth(Fault):
    """*rate* bytes in a second."""

    direction: ClassVar[Direction] = Direction.TO_CLIENT

    rate: int = size()

    def begin(self) -> _Line:
        return _Line()

    def take(self, state: _Line, item: Arrival, at: At) -> Iterable[Due]:
        state.free_at = max(state.free_at, at.now)
        if not isinstance(item, Piece) or not item.data:
            yield state.free_at, item
            return
        step = max(1, int(self.rate * _STEP))
        rest = item
        while rest.data:
            piece, rest = rest.split(step)
            state.free_at += len(piece.data) / self.rate
            yield state.free_at, piece
