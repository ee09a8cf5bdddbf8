"""slicer: the stream comes in small slices, cut wherever it happens to be."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from attrs import frozen

from mapiproxy.lab.network.faults.base import At, Due, Fault
from mapiproxy.lab.network.pieces import Arrival, Direction, Piece
from mapiproxy.lab.network.reading import duration, size
from mapiproxy.settings.units import BadValue


@frozen
class Slicer(Fault):
    """Slices of *average* bytes, give or take *variation*, *delay* apart."""

    direction: ClassVar[Direction] = Direction.TO_CLIENT

    average: int = size()
    variation: int = size(0)
    delay: float = duration(0.0)

    def __attrs_post_init__(self) -> None:
        if self.variation >= self.average:
            raise BadValue("variation must be less than average")

    def take(self, state: Any, item: Arrival, at: At) -> Iterable[Due]:
        if not isinstance(item, Piece) or not item.data:
            yield at.now, item
            return
        due, rest = at.now, item
        while rest.data:
            length = self.average
            if self.variation:
                length = at.chance.randint(length - self.variation, length + self.variation)
            piece, rest = rest.split(length)
            yield due, piece
            due += self.delay
