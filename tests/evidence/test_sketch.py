"""Quantiles within the error that is stated."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mapiproxy.evidence.sketch import ERROR, Sketch

VALUES = st.lists(st.one_of(st.integers(0, 100), st.integers(0, 10_000_000)), min_size=1, max_size=300)


def sketch_of(values: list[int]) -> Sketch:
    sketch = Sketch()
    for value in values:
        sketch.add(value)
    return sketch


def exact(values: list[int], share: float) -> int:
    ordered = sorted(values)
    return ordered[max(1, -int(-share * len(ordered) // 1)) - 1]


@given(VALUES, st.floats(0.0, 1.0))
def test_every_quantile_is_within_the_error(values: list[int], share: float) -> None:
    true = exact(values, share)
    assert abs(sketch_of(values).quantile(share) - true) <= ERROR * true + 1e-6


@given(VALUES, VALUES)
def test_merging_is_as_if_one_had_seen_all(some: list[int], others: list[int]) -> None:
    merged = sketch_of(some)
    merged.merge(sketch_of(others))
    assert merged == sketch_of(some + others)


@given(VALUES, st.integers(0, 10_000_000))
def test_above_counts_what_is_surely_larger(values: list[int], limit: int) -> None:
    above = sketch_of(values).above(limit)
    assert sum(value > limit * (1 + 2.1 * ERROR) + 1 for value in values) <= above
    assert above <= sum(value > limit for value in values)


def test_of_nothing_there_is_no_quantile() -> None:
    assert (Sketch().quantile(0.5), Sketch().most, Sketch().above(0)) == (0.0, 0, 0)


def test_what_cannot_be_is_kept_within_bounds() -> None:
    sketch = sketch_of([-5, 10**15])
    assert (sketch.count, sketch.quantile(0.0), sketch.most) == (2, 0.0, 10**15)
    assert len(sketch._buckets) == 2


def test_memory_does_not_grow_with_values() -> None:
    assert len(sketch_of(list(range(0, 20_000_000, 997)))._buckets) < 430
