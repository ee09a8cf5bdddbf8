"""half_open: one direction dies without a word, the other goes on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from attrs import frozen

from mapiproxy.lab.network.faults.base import At, Due, Fault, State
from mapiproxy.lab.network.pieces import Arrival, Cut, Direction, Item


@frozen
class HalfOpen(Fault):
    """From the first struck byte on, bytes, FIN and RST of this direction are swallowed.

    When the rule is removed, connections that lost something are reset.
    """

    direction: ClassVar[Direction] = Direction.TO_CLIENT
    directions: ClassVar[tuple[Direction, ...]] = (Direction.TO_CLIENT, Direction.TO_SERVER)

    def take(self, state: State, item: Arrival, at: At) -> Iterable[Due]:
        state.caught = True
        return ()

    def release(self, state: Any) -> Iterable[Item]:
        return (Cut("reset"),) if state.caught else ()
