"""slow_close: the end of a connection is passed on late."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from attrs import frozen

from mapiproxy.lab.network.faults.base import At, Due, Fault, leaves
from mapiproxy.lab.network.pieces import Arrival, Direction, Fin
from mapiproxy.lab.network.reading import duration


@frozen
class SlowClose(Fault):
    """FIN is *delay* late; bytes are not."""

    direction: ClassVar[Direction] = Direction.TO_CLIENT
    at_phases: ClassVar[bool] = False

    delay: float = duration()

    def take(self, state: Any, item: Arrival, at: At) -> Iterable[Due]:
        if isinstance(item, Fin):
            return ((at.now + self.delay, item),)
        return leaves(item, at)
