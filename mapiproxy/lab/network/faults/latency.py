"""latency: everything arrives later, by a time that wavers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from attrs import frozen

from mapiproxy.lab.network.faults.base import At, Due, Fault
from mapiproxy.lab.network.pieces import Arrival, Direction
from mapiproxy.lab.network.reading import duration


@frozen
class Latency(Fault):
    """Each piece is *delay* late, give or take *jitter*; order is kept."""

    direction: ClassVar[Direction] = Direction.TO_CLIENT

    delay: float = duration()
    jitter: float = duration(0.0)

    def take(self, state: Any, item: Arrival, at: At) -> Iterable[Due]:
        late = self.delay + (at.chance.uniform(-self.jitter, self.jitter) if self.jitter else 0.0)
        return ((at.now + max(0.0, late), item),)
