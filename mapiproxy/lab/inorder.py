"""A set that keeps the order in which things came to it.

Where a run has to be the same each time, nothing may depend on where Python happened to put an object.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, MutableSet
from typing import TypeVar

T = TypeVar("T")


class InOrder(MutableSet[T]):
    """Equal to any set of the same things."""

    __slots__ = ("_things",)

    def __init__(self, things: Iterable[T] = ()) -> None:
        self._things: dict[T, None] = dict.fromkeys(things)

    def __contains__(self, thing: object) -> bool:
        return thing in self._things

    def __iter__(self) -> Iterator[T]:
        return iter(self._things)

    def __len__(self) -> int:
        return len(self._things)

    def __repr__(self) -> str:
        return f"InOrder({[*self._things]})"

    def add(self, value: T) -> None:
        self._things[value] = None

    def discard(self, value: T) -> None:
        self._things.pop(value, None)
