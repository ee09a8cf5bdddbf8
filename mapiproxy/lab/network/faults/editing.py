"""Heads, edited: what every fault that changes headers has in common.

Only the lines that are named change; all other bytes of the head stay as they are.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from attrs import evolve, frozen

from mapiproxy.lab.network.faults.base import At, Due, Fault, leaves
from mapiproxy.lab.network.pieces import Arrival, Piece

#: A header line's name and value → what stands there instead; ``None``: no line at all.
Edit = Callable[[bytes, bytes], "tuple[bytes, bytes] | None"]


def edited(raw: bytes, edit: Edit) -> bytes:
    """A head with each of its header lines given to *edit*."""
    first, *lines = raw[: raw.rindex(b"\r\n\r\n")].split(b"\r\n")
    out = [first]
    for line in lines:
        name, colon, rest = line.partition(b":")
        if not colon:
            out.append(line)
            continue
        value = rest.strip(b" \t")
        new = edit(name, value)
        if new == (name, value):
            out.append(line)
        elif new is not None:
            out.append(b"%b: %b" % new)
    return b"\r\n".join(out) + b"\r\n\r\n"


def named(name: bytes, patterns: Iterable[str]) -> bool:
    """Whether a header's name fits one of the patterns (``X-*``), in whatever case."""
    text = name.decode("latin-1").lower()
    return any(fnmatch.fnmatchcase(text, pattern.lower()) for pattern in patterns)


@frozen
class EditsHeads(Fault):
    """A fault that changes heads and leaves bodies alone."""

    per_request: ClassVar[bool] = True
    at_phases: ClassVar[bool] = False

    def take(self, state: Any, item: Arrival, at: At) -> Iterable[Due]:
        if isinstance(item, Piece) and item.place.head and item.place.exchange is not None:
            return ((at.now, evolve(item, data=self.edit(item.data))),)
        return leaves(item, at)

    def edit(self, raw: bytes) -> bytes:
        """The head that goes on instead."""
        raise NotImplementedError
