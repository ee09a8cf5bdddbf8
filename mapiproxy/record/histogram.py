"""How long did things take? Counts of durations in buckets, and what can be read out of them.

Nothing here knows what was measured. Two sets of buckets are in use: a few, as a time series database
wants them, and many close ones, out of which a median or a 95th percentile is read.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate

#: Upper ends of the buckets of a request's phases, in seconds; the last bucket has none.
BOUNDS = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
)  # fmt: skip
#: The same for what waits by design: NotificationWait ends after five minutes, a Ping after up to an hour.
WAIT_BOUNDS = (0.1, 1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 240.0, 300.0, 360.0, 600.0, 1800.0, 3600.0)
#: Close ones, from 0.1 ms to 20 minutes, each a fifth above the one before: what is read out of them is
#: wrong by a tenth at most.
FINE = tuple(1e-4 * 1.2**step for step in range(90))


class Histogram:
    """Durations in buckets.

    :ivar counts: per bucket, one more than there are bounds; ``total``: the sum of all durations, seconds.
    """

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float] = BOUNDS) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, seconds: float) -> None:
        """Count one. A duration that is exactly a bound belongs below it."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total += seconds

    @property
    def count(self) -> int:
        """How many there were."""
        return sum(self.counts)

    def cumulative(self) -> list[tuple[float, int]]:
        """(upper end, how many took no longer), the last one with an infinite end."""
        return list(zip((*self.bounds, float("inf")), accumulate(self.counts), strict=True))


def quantile(counts: Sequence[int], share: float, bounds: Sequence[float] = FINE) -> float | None:
    """The duration that *share* of all did not exceed, in seconds; ``None`` when there are none.

    Within a bucket durations are taken to be spread evenly.
    """
    total = sum(counts)
    if not total:
        return None
    rank = share * total
    below = 0
    for index, count in enumerate(counts):
        if count and below + count >= rank:
            low = bounds[index - 1] if index else 0.0
            high = bounds[index] if index < len(bounds) else bounds[-1]
            return low + (high - low) * max(0.0, rank - below) / count
        below += count
    return bounds[-1]


def merge(many: Sequence[Sequence[int]]) -> list[int]:
    """Several histograms of the same buckets as one."""
    return [sum(column) for column in zip(*many, strict=True)]
