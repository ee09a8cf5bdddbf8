"""reset: the connection is reset, at a byte or at a phase."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from attrs import define, frozen

from mapiproxy.lab.network.faults.base import At, Due, Fault, State, leaves
from mapiproxy.lab.network.pieces import Arrival, Cut, Direction, Piece
from mapiproxy.lab.network.reading import choice, duration, size


@define
class _Counted(State):
    passed: int = 0


@frozen
class Reset(Fault):
    """RST instead of the first struck byte; or after *after_bytes* of them, and after *delay*.

    *side*: who is reset, ``client``, ``server`` or ``both``.
    """

    direction: ClassVar[Direction] = Direction.TO_CLIENT

    after_bytes: int | None = size(None)
    delay: float = duration(0.0)
    side: str = choice(("client", "server", "both"), "both")

    def begin(self) -> _Counted:
        return _Counted()

    def take(self, state: _Counted, item: Arrival, at: At) -> Iterable[Due]:
        if state.caught:
            return ()
        if self.after_bytes is not None:
            left = self.after_bytes - state.passed
            if not isinstance(item, Piece) or len(item.data) < left:
                state.passed += len(item.data) if isinstance(item, Piece) else 0
                return leaves(item, at)
            state.caught = True
            return ((at.now, item.split(left)[0]), (at.now + self.delay, Cut("reset", self.side)))
        state.caught = True
        return ((at.now + self.delay, Cut("reset", self.side)),)
