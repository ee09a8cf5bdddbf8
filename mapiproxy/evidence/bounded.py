"""Groups by a key that strangers choose, in bounded memory.

When there are too many groups the small ones are folded into one row of others, and a key that comes back
begins anew, knowing how much it may have lost. So every key with more than its share is there, and no
figure is larger than the truth (lossy counting).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

#: Groups that are kept; below it is made room when there are more.
LIMIT = 16_384


class Group(Protocol):
    """What can be grouped: has a count, and takes in another."""

    count: int

    def merge(self, other: Any, /) -> None: ...


K = TypeVar("K")
G = TypeVar("G", bound=Group)


class Bounded(Generic[K, G]):
    """At most *limit* groups, and one for all the others.

    :ivar groups: those that are kept; their figures are never more than the truth.
    :ivar others: what was folded away; ``folds`` how many groups that were (one that came back again counts
        again).
    """

    def __init__(self, make: Callable[[], G], limit: int = LIMIT) -> None:
        self.groups: dict[K, G] = {}
        self.others = make()
        self.folds = 0
        self._missed: dict[K, int] = {}
        self._floor = 0
        self._make = make
        self._limit = limit

    def __getitem__(self, key: K) -> G:
        """The group of a key, made if there is none."""
        group = self.groups.get(key)
        if group is None:
            if len(self.groups) >= self._limit:
                self._fold()
            group = self.groups[key] = self._make()
            if self._floor:
                self._missed[key] = self._floor
        return group

    def missed(self, key: K) -> int:
        """How many of this key's may be among the others, at most."""
        return self._missed.get(key, 0)

    def _fold(self) -> None:
        """Fold away the smaller half, or all that are not larger than its largest."""
        counts = sorted(group.count + self._missed.get(key, 0) for key, group in self.groups.items())
        floor = counts[len(counts) // 2]
        for key in [k for k, group in self.groups.items() if group.count + self._missed.get(k, 0) <= floor]:
            self.others.merge(self.groups.pop(key))
            self._missed.pop(key, None)
            self.folds += 1
        self._floor = max(self._floor, floor)
