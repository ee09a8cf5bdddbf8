"""Is it slow, and where? What takes the time of the slow requests, against what others get.

Pure functions over summarised evidence. A request that takes long by its nature is never slow.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from attrs import frozen

from mapiproxy.evidence.findings import BACKEND, CLIENT, PROXY, Finding, many
from mapiproxy.evidence.gathering import Evidence, Slow
from mapiproxy.evidence.moments import show_ms
from mapiproxy.evidence.shares import PLACES, Shares

#: What people call slow, in ms.
SLOW_MS = 1000
#: Less than this is not slow, whatever others get.
_FLOOR_MS = 300
_TIMES_OTHERS = 3.0
#: So many requests make a quantile that is worth comparing with.
ENOUGH = 20
#: The place that takes more than this share is where it is slow.
_MOST = 0.5

_WHOSE = {"client": CLIENT, "connect": BACKEND, "backend": BACKEND, "proxy": PROXY}


@frozen
class Threshold:
    """From how many ms on a request is slow; ``others`` is their p95 where that decided."""

    ms: float
    others: float | None = None


def threshold_of(evidence: Evidence) -> Threshold:
    """A second; or less, where everybody else is much faster."""
    me, others = evidence.me.times, evidence.others.times
    if me.count >= ENOUGH and others.count >= ENOUGH:
        usual = others.quantile(0.95)
        relative = max(_FLOOR_MS, _TIMES_OTHERS * usual)
        if relative < SLOW_MS and me.quantile(0.95) >= relative:
            return Threshold(relative, usual)
    return Threshold(SLOW_MS)


def slow(evidence: Evidence) -> Iterator[Finding]:
    """The slow requests, if there are any."""
    threshold = threshold_of(evidence)
    worst = [each for each in evidence.details.slowest if each.total >= threshold.ms]
    if not worst:
        return
    count = max(len(worst), evidence.me.times.above(threshold.ms))
    place, text = describe(worst)
    text += f", {count} of {many(evidence.me.times.count, 'request')}"
    if threshold.others is not None:
        text += f" (others' p95 is {show_ms(threshold.others)})"
    backend = Counter(each.backend for each in worst).most_common(1)[0][0]
    of = evidence.me.times.count
    yield Finding("slow", place, text, count, of, 2.0, backend, threshold=threshold.ms)


def describe(worst: list[Slow]) -> tuple[str, str]:
    """Whose time it was, and ``backend EXCH1 2.2 s of 2.3 s (Execute)``; of the mean of slow requests."""
    total = Shares()
    for each in worst:
        total = total + each.shares
    sums = dict(zip(PLACES, total.parts, strict=True))
    mean = sum(each.total for each in worst) / len(worst)
    place = max(PLACES, key=lambda name: sums[name])
    spent = sums[place] / len(worst)
    sort = Counter(each.sort for each in worst).most_common(1)[0][0]
    backend = Counter(each.backend for each in worst).most_common(1)[0][0] or "?"
    if sums[place] < _MOST * max(1, sum(each.total for each in worst)):
        parts = ", ".join(f"{name} {show_ms(sums[name] / len(worst))}" for name in PLACES if sums[name])
        return _WHOSE[place], f"no single place: {parts} of {show_ms(mean)} ({sort})"
    words = {
        "client": "client or its path",
        "connect": f"reaching backend {backend} (dialling, TLS)",
        "backend": f"backend {backend}",
        "proxy": "the proxy itself",
    }[place]
    return _WHOSE[place], f"{words} {show_ms(spent)} of {show_ms(mean)} ({sort})"
