"""Quantiles of latencies in little, bounded memory.

Buckets grow by a fixed factor, so that every quantile is told within :data:`ERROR` of its true value,
relatively, however many values there were. Zero has a bucket of its own; the largest value is exact.
"""

from __future__ import annotations

from math import log

from attrs import define, field

#: Relative error of a quantile, at most.
ERROR = 0.02
_BASE = (1 + ERROR) / (1 - ERROR)
_LOG_BASE = log(_BASE)
#: Buckets end here: 1.6e9 ms are more than two weeks.
_MOST_MS = 1_600_000_000


def _bucket(ms: int) -> int:
    """Bucket *n* is for values in (BASE**(n-1), BASE**n]."""
    return 1 + int(log(min(ms, _MOST_MS)) / _LOG_BASE)


#: Nearly all values are found here, which is faster than a logarithm.
_SMALL = [0, *(_bucket(ms) for ms in range(1, 4096))]


@define
class Sketch:
    """Latencies in whole milliseconds.

    :ivar count: how many; ``most`` the largest.
    """

    count: int = 0
    most: int = 0
    _buckets: dict[int, int] = field(factory=dict)

    def add(self, ms: int) -> None:
        """Negative values count as zero."""
        if ms < 4096:
            bucket = _SMALL[ms] if ms > 0 else 0
        else:
            bucket = _bucket(ms)
        buckets = self._buckets
        buckets[bucket] = buckets.get(bucket, 0) + 1
        self.count += 1
        if ms > self.most:
            self.most = ms

    def merge(self, other: Sketch) -> None:
        """Take in all that another one has seen."""
        for bucket, count in other._buckets.items():
            self._buckets[bucket] = self._buckets.get(bucket, 0) + count
        self.count += other.count
        self.most = max(self.most, other.most)

    def quantile(self, share: float) -> float:
        """The value that *share* (0 to 1) of all do not exceed; 0 without any."""
        rank = max(1, -int(-share * self.count // 1))
        seen = 0
        for bucket in sorted(self._buckets):
            seen += self._buckets[bucket]
            if seen >= rank:
                return min(_middle(bucket), self.most)
        return 0.0

    def above(self, ms: float) -> int:
        """How many were larger, but for those that share a bucket with *ms*."""
        limit = _bucket(max(1, int(ms))) if ms > 0 else 0
        return sum(count for bucket, count in self._buckets.items() if bucket > limit)


def _middle(bucket: int) -> float:
    """The value that is nowhere in the bucket further from the truth than the error."""
    return 2 * _BASE**bucket / (_BASE + 1) if bucket else 0.0
