"""mute_pending: PENDING does not get through, all else does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from attrs import define, evolve, frozen

from mapiproxy.lab.network.faults.base import At, Due, Fault, State, leaves
from mapiproxy.lab.network.pieces import Arrival, Direction, Exchange, Piece, rechunked
from mapiproxy.lab.network.reading import whole


@define
class _Muting(State):
    answer: Exchange | None = None


@frozen
class MutePending(Fault):
    """The PENDINGs of a chunked answer are left out, from the *first*-th on.

    An answer whose length was told before is passed as it is: it has no PENDING that was sent for its time.
    """

    direction: ClassVar[Direction] = Direction.TO_CLIENT
    directions: ClassVar[tuple[Direction, ...]] = (Direction.TO_CLIENT,)
    per_request: ClassVar[bool] = True
    at_phases: ClassVar[bool] = False
    finishes: ClassVar[bool] = True

    first: int = whole(1, 1)

    def begin(self) -> _Muting:
        return _Muting()

    def take(self, state: _Muting, item: Arrival, at: At) -> Iterable[Due]:
        if not isinstance(item, Piece):
            return leaves(item, at)
        place = item.place
        if place.head:
            state.answer = place.exchange
        if place.exchange is None or place.exchange is not state.answer or not place.exchange.chunked:
            # An answer that had begun before the rule keeps its chunks.
            return leaves(item, at)
        # To the end of the answer every piece has to come here, or its chunks would be of two kinds.
        state.caught = not place.last
        if place.phase == "pending" and place.number >= self.first:
            return ((at.now, evolve(item, data=b"", payload=b"")),)
        return leaves(rechunked(item), at)
