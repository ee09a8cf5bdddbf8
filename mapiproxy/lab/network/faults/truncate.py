"""truncate: an answer stops in the middle, and the connection is closed as if all were well."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from attrs import define, evolve, frozen

from mapiproxy.lab.network.faults.base import At, Due, Fault, State, leaves
from mapiproxy.lab.network.pieces import Arrival, Cut, Direction, Exchange, Piece, rechunked
from mapiproxy.lab.network.reading import size, switch
from mapiproxy.settings.units import BadValue


@define
class _Cutting(State):
    answer: Exchange | None = None
    passed: int = 0
    over: bool = False
    closed: bool = False


@frozen
class Truncate(Fault):
    """The answer ends after *size* bytes of its body, or where the rule's phase begins.

    Then the connection is closed in order. With *proper_end* a chunked answer gets its last chunk and the
    connection stays: a well-formed lie, as a careless proxy tells it when its server dies (reference 5.3).
    """

    direction: ClassVar[Direction] = Direction.TO_CLIENT
    directions: ClassVar[tuple[Direction, ...]] = (Direction.TO_CLIENT,)
    per_request: ClassVar[bool] = True
    finishes: ClassVar[bool] = True

    size: int | None = size(None)
    proper_end: bool = switch(False)

    def __attrs_post_init__(self) -> None:
        if self.proper_end and self.size is None:
            raise BadValue("proper_end needs size, for it has to begin with the answer's head")

    def begin(self) -> _Cutting:
        return _Cutting()

    def take(self, state: _Cutting, item: Arrival, at: At) -> Iterable[Due]:
        if state.closed:
            return ()
        if not isinstance(item, Piece):
            return leaves(item, at)
        if self.size is None:
            return self._close(state, at)
        place = item.place
        if place.head:
            state.answer, state.passed, state.over = place.exchange, 0, False
        if place.exchange is None or place.exchange is not state.answer:
            return leaves(item, at)
        lies = self.proper_end and place.exchange.chunked
        state.caught = lies and not place.last
        if state.over:
            return ((at.now, evolve(item, data=b"", payload=b"")),)
        left = self.size - state.passed
        if len(item.payload) < left or place.last:
            state.passed += len(item.payload)
            return leaves(rechunked(item) if lies else item, at)
        state.over = True
        first = item.split(left)[0] if item.payload == item.data else item
        if not lies:
            return ((at.now, first), *self._close(state, at))
        end = evolve(item, data=b"0\r\n\r\n", payload=b"")
        return ((at.now, rechunked(first)), (at.now, end))

    def _close(self, state: _Cutting, at: At) -> tuple[Due, ...]:
        state.closed = state.caught = True
        return ((at.now, Cut("close")),)
