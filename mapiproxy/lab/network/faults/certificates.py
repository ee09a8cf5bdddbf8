"""Other certificates than the client expects: what faults of the TLS handshake have in common."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from attrs import frozen

from mapiproxy.lab.network.faults.base import At, Due, Fault
from mapiproxy.lab.network.pieces import Arrival, Direction, Present


@frozen
class ShowsCertificate(Fault):
    """The device shows another certificate than its own; see tls.py for which there are."""

    direction: ClassVar[Direction] = Direction.TO_SERVER
    directions: ClassVar[tuple[Direction, ...]] = (Direction.TO_SERVER,)
    phase: ClassVar[str | None] = "tls"
    certificate: ClassVar[str] = ""

    def take(self, state: Any, item: Arrival, at: At) -> Iterable[Due]:
        return ((at.now, Present(self.certificate)), (at.now, item))
