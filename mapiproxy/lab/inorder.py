"""A set that keeps the order in which things came to it.

Where a run has to be the same each time, nothing may depend on where Python happened to put an object.
"""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")


class InOrder(dict[T, None]):
    """As much of a set as the laboratory needs: add, discard, len, in, and iteration in order."""

    def add(self, thing: T) -> None:
        self[thing] = None

    def discard(self, thing: T) -> None:
        self.pop(thing, None)
