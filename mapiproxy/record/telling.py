"""Statistics as people ask for them: per backend, per virtual directory, and an hour as time series.

Plain values that JSON can hold. What is meant for a time series database is in ``admin/metrics.py``.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from attrs import define, field

from mapiproxy.record.histogram import merge, quantile
from mapiproxy.record.recent import STEP, as_ms
from mapiproxy.record.statistics import Statistics

#: The backend of what we answered ourselves.
NOBODY = "-"

Plain = dict[str, Any]


@define
class _Sum:
    """All virtual directories of one backend."""

    requests: int = 0
    codes: Counter[str] = field(factory=Counter)
    errors: Counter[str] = field(factory=Counter)
    retries: int = 0
    redispatches: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    executes: list[list[int]] = field(factory=list)

    def told(self) -> Plain:
        counts = merge(self.executes) if self.executes else []
        return {
            "requests": self.requests,
            "errors": {kind: self.errors[kind] for kind in ("connect", "response", "denied")},
            "retries": self.retries,
            "redispatches": self.redispatches,
            "execute": {
                "count": sum(counts),
                "p50_ms": as_ms(quantile(counts, 0.5)),
                "p95_ms": as_ms(quantile(counts, 0.95)),
            },
            "codes": {code: self.codes[code] for code in sorted(self.codes, key=_by_number)},
            "bytes_in": self.bytes_in,
            "bytes_out": self.bytes_out,
        }


def tell(statistics: Statistics, now: float, wall: float, servers: Iterable[tuple[str, str]] = ()) -> Plain:
    """The statistics.

    :param now: on the clock of the statistics, and *wall* the same moment in seconds since 1970.
    :param servers: (pool, server) that are to be told of even if nothing was asked of them.
    """
    sums: defaultdict[str, _Sum] = defaultdict(_Sum)
    vdirs: defaultdict[str, dict[str, int]] = defaultdict(lambda: {"requests": 0, "errors": 0})
    for pool, server in servers:
        sums[f"{pool}/{server}"] = _Sum()
    for labels, count in statistics.requests():
        found = sums[f"{labels.pool or NOBODY}/{labels.backend or NOBODY}"]
        found.requests += count
        if labels.code:
            found.codes[labels.code] += count
        vdirs[labels.vdir or NOBODY]["requests"] += count
    for (vdir, pool, server), flow in statistics.flows.items():
        found = sums[f"{pool or NOBODY}/{server or NOBODY}"]
        found.errors.update(connect=flow.connect, response=flow.response, denied=flow.denied)
        found.retries += flow.retries
        found.redispatches += flow.redispatches
        found.bytes_in += flow.bytes_in
        found.bytes_out += flow.bytes_out
        found.executes.append(flow.executes.recent())
        vdirs[vdir or NOBODY]["errors"] += flow.failed
    hour = statistics.hour
    return {
        "backends": {name: found.told() for name, found in sums.items()},
        "builds": dict(statistics.builds),
        "vdirs": dict(vdirs),
        "series": {"step": STEP, "end": round(wall - (now - hour.ended)), **hour.told()},
    }


def _by_number(code: str) -> tuple[bool, int]:
    return not code.isdigit(), int(code) if code.isdigit() else 0
