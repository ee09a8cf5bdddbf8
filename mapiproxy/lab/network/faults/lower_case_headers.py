"""lower_case_headers: a proxy that came from HTTP/2 and writes every header's name in lower case."""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from mapiproxy.lab.network.faults.editing import EditsHeads, edited, named
from mapiproxy.lab.network.pieces import Direction
from mapiproxy.lab.network.reading import words


@frozen
class LowerCaseHeaders(EditsHeads):
    """Names that fit one of *names* are written in lower case; values stay."""

    direction: ClassVar[Direction] = Direction.BOTH

    names: tuple[str, ...] = words(("*",))

    def edit(self, raw: bytes) -> bytes:
        return edited(
            raw, lambda name, value: (name.lower() if named(name, self.names) else name, value)
        )
