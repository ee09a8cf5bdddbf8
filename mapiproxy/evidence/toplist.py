"""Who or what asks most, fails most, takes longest? A log of any length, summed up by one key.

Requests that take long by their nature (NotificationWait, channels of Outlook Anywhere, Ping of ActiveSync)
are counted apart: a wait of five minutes says nothing of how fast anything is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from attrs import define, field

from mapiproxy.evidence.bounded import LIMIT, Bounded
from mapiproxy.evidence.fate import GOOD, Fate, fate_of, is_plainly_fine
from mapiproxy.evidence.layout import LOOKED_AT
from mapiproxy.evidence.moments import stamp
from mapiproxy.evidence.row import Row, folded
from mapiproxy.evidence.sketch import ERROR, Sketch
from mapiproxy.policy.firewall import client_version

_USER, _TOTAL, _REQUEST_BYTES, _RESPONSE_BYTES = (
    LOOKED_AT.index(name)
    for name in ("AuthenticatedUser", "TotalRequestTime", "RequestBytes", "ResponseBytes")
)


@define
class Tally:
    """What is known of one group.

    :ivar count: all requests; ``waits`` those among them that take long by their nature.
    :ivar errors: neither fine nor a 401; ``challenges`` the 401s.
    :ivar times: latencies in ms without the waits; ``wait_times`` those of the waits.
    """

    count: int = 0
    errors: int = 0
    challenges: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    waits: int = 0
    times: Sketch = field(factory=Sketch)
    wait_times: Sketch = field(factory=Sketch)

    def add(self, row: Row) -> None:
        """Count one row."""
        values = row.values
        self.count += 1
        try:
            total, came = int(values[_TOTAL]), int(values[_REQUEST_BYTES])
            went = int(values[_RESPONSE_BYTES])
        except ValueError:  # empty, or a float of 2013
            total, came, went = row.total, row.request_bytes, row.response_bytes
        self.bytes_in += came
        self.bytes_out += went
        if row.is_wait:
            self.waits += 1
            self.wait_times.add(total)
        else:
            self.times.add(total)
        if is_plainly_fine(row):
            return
        fate = fate_of(row)
        if fate is Fate.CHALLENGE:
            self.challenges += 1
        elif fate not in GOOD:
            self.errors += 1

    def merge(self, other: Tally) -> None:
        """Take in all that another one has counted."""
        self.count += other.count
        self.errors += other.errors
        self.challenges += other.challenges
        self.bytes_in += other.bytes_in
        self.bytes_out += other.bytes_out
        self.waits += other.waits
        self.times.merge(other.times)
        self.wait_times.merge(other.wait_times)

    def as_plain(self) -> dict[str, Any]:
        """For JSON; times in milliseconds."""
        return {
            "count": self.count,
            "errors": self.errors,
            "challenges": self.challenges,
            "bytes_in": self.bytes_in,
            "bytes_out": self.bytes_out,
            "p50_ms": round(self.times.quantile(0.50)),
            "p95_ms": round(self.times.quantile(0.95)),
            "p99_ms": round(self.times.quantile(0.99)),
            "max_ms": self.times.most,
            "waits": self.waits,
            "wait_max_ms": self.wait_times.most,
        }


@lru_cache(maxsize=4096)
def build_of(agent: str) -> str:
    """The version of an Outlook, or what else calls itself what it does."""
    version = client_version(agent, None)
    return "Outlook " + ".".join(map(str, version)) if version is not None else agent[:60]


KEYS: dict[str, Callable[[Row], str]] = {
    "user": lambda row: folded(row.values[_USER]),
    "client": lambda row: row.client,
    "backend": lambda row: row.backend,
    "type": lambda row: row.sort,
    "mailbox": lambda row: row.mailbox,
    "build": lambda row: build_of(row.agent),
}
#: What a group without a value of its own is called.
UNNAMED = {
    "user": "(nobody)",
    "client": "(unknown)",
    "backend": "(none)",
    "type": "(unknown)",
    "mailbox": "(none)",
    "build": "(unknown)",
}


class TopList:
    """The groups of a log by one key, and their sum."""

    def __init__(self, by: str, limit: int = LIMIT) -> None:
        """:param by: one of :data:`KEYS`."""
        self.by = by
        self.all = Tally()
        self.first: int | None = None
        self.last: int | None = None
        self.groups: Bounded[str, Tally] = Bounded(Tally, limit)

    def read(self, rows: Iterable[Row]) -> None:
        """Count rows; their sum is made afterwards, by :meth:`finish`."""
        key_of = KEYS[self.by]
        groups = self.groups
        known = groups.groups
        first, last = self.first, self.last
        for row in rows:
            key = key_of(row)
            tally = known.get(key)
            (tally if tally is not None else groups[key]).add(row)
            at = row.at
            if first is None or last is None:
                first = last = at
            elif at > last:
                last = at
            elif at < first:
                first = at
        self.first, self.last = first, last

    def finish(self) -> None:
        """Sum up."""
        self.all = Tally()
        self.all.merge(self.groups.others)
        for tally in self.groups.groups.values():
            self.all.merge(tally)

    def top(self, most: int, order: str = "count") -> list[tuple[str, Tally]]:
        """The first *most* groups by ``count``, ``errors``, ``p95`` or ``bytes``, the largest first."""
        by = _ORDERS[order]
        ranked = sorted(self.groups.groups.items(), key=lambda item: (-by(item[1]), item[0]))
        return [(key or UNNAMED[self.by], tally) for key, tally in ranked[:most]]

    def rest(self, most: int, order: str = "count") -> tuple[int, Tally]:
        """How many groups the others are, at most, and what they are together."""
        shown = sorted(self.groups.groups.items(), key=lambda item: (-_ORDERS[order](item[1]), item[0]))
        others = Tally()
        others.merge(self.groups.others)
        for _, tally in shown[most:]:
            others.merge(tally)
        return self.groups.folds + len(shown[most:]), others

    def as_plain(self, most: int, order: str = "count") -> dict[str, Any]:
        """For JSON."""
        number, others = self.rest(most, order)
        return {
            "by": self.by,
            "from": None if self.first is None else stamp(self.first),
            "to": None if self.last is None else stamp(self.last),
            "quantile_error": ERROR,
            "all": self.all.as_plain(),
            "groups": [
                {
                    self.by: key,
                    "missed_at_most": self.groups.missed("" if key == UNNAMED[self.by] else key),
                    **tally.as_plain(),
                }
                for key, tally in self.top(most, order)
            ],
            "others": {"groups_at_most": number, "folded": self.groups.folds, **others.as_plain()},
        }


_ORDERS: dict[str, Callable[[Tally], float]] = {
    "count": lambda tally: tally.count,
    "errors": lambda tally: tally.errors,
    "p95": lambda tally: tally.times.quantile(0.95),
    "bytes": lambda tally: tally.bytes_in + tally.bytes_out,
}
ORDERS = tuple(_ORDERS)
