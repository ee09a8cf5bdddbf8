"""Durations in buckets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapiproxy.record.histogram import BOUNDS, FINE, WAIT_BOUNDS, Histogram, merge, quantile

DURATIONS = st.lists(st.floats(0, 2000, allow_nan=False), max_size=200)


@pytest.mark.parametrize("bounds", [BOUNDS, WAIT_BOUNDS, FINE])
def test_bounds_go_up(bounds: tuple[float, ...]) -> None:
    assert list(bounds) == sorted(set(bounds))
    assert bounds[0] > 0


@given(DURATIONS)
def test_every_duration_is_in_one_bucket_and_in_the_sum(durations: list[float]) -> None:
    histogram = Histogram()
    for each in durations:
        histogram.add(each)

    assert histogram.count == len(durations)
    assert histogram.total == pytest.approx(sum(durations))
    for end, count in histogram.cumulative():
        assert count == sum(each <= end for each in durations)


def test_nothing_has_no_median() -> None:
    assert quantile([0, 0, 0], 0.5, (1.0, 2.0)) is None


@given(st.lists(st.floats(0.001, 600), min_size=1, max_size=200), st.sampled_from([0.5, 0.95]))
def test_a_quantile_is_wrong_by_a_bucket_at_most(durations: list[float], share: float) -> None:
    histogram = Histogram(FINE)
    for each in durations:
        histogram.add(each)
    found = quantile(histogram.counts, share)
    true = sorted(durations)[max(0, -(-int(share * 1000 * len(durations)) // 1000) - 1)]

    assert found is not None
    assert true / 1.2001 <= found <= true * 1.2001


def test_what_took_longer_than_the_last_bound_counts_as_that() -> None:
    assert quantile([0, 0, 3], 0.5, (1.0, 2.0)) == 2.0


def test_histograms_are_merged_bucket_by_bucket() -> None:
    assert merge([[1, 2], [3, 4]]) == [4, 6]
