"""Groups by a key that strangers choose."""

from __future__ import annotations

from random import Random

from attrs import define
from hypothesis import given
from hypothesis import strategies as st

from mapiproxy.evidence.bounded import Bounded


@define
class Count:
    count: int = 0

    def merge(self, other: Count) -> None:
        self.count += other.count


def grouped(keys: list[int], limit: int) -> Bounded[int, Count]:
    groups: Bounded[int, Count] = Bounded(Count, limit)
    for key in keys:
        groups[key].count += 1
        assert len(groups.groups) <= limit
    return groups


@given(st.lists(st.integers(0, 30), max_size=300), st.integers(2, 12))
def test_nothing_is_lost_and_no_figure_exceeds_the_truth(keys: list[int], limit: int) -> None:
    groups = grouped(keys, limit)

    assert sum(group.count for group in groups.groups.values()) + groups.others.count == len(keys)
    for key, group in groups.groups.items():
        assert group.count <= keys.count(key) <= group.count + groups.missed(key)


def test_a_heavy_key_is_there_whenever_it_comes() -> None:
    """A thousand strangers first: room is made for whoever asks more often than they do."""
    random = Random(7)
    keys = list(range(1000)) + [7777 if random.random() < 0.2 else random.randrange(10_000) for _ in range(5000)]
    groups = grouped(keys, 50)

    assert max(groups.groups, key=lambda key: groups.groups[key].count) == 7777
    assert groups.groups[7777].count > 0.9 * keys.count(7777)
    assert groups.folds > 0


def test_few_keys_are_exact() -> None:
    groups = grouped([1, 2, 2], 10)

    assert ({key: group.count for key, group in groups.groups.items()}, groups.folds) == ({1: 1, 2: 2}, 0)
    assert (groups.missed(1), groups.others.count) == (0, 0)
