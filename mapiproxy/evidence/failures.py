"""Which failures are in a log, how many of each, since when, and for example where?

A group is what happened at one backend in one way. Bounded, whatever strangers make the log say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import define, field, frozen

from mapiproxy.backends.kind import Kind
from mapiproxy.evidence.bounded import Bounded
from mapiproxy.evidence.explaining import explain, name_code
from mapiproxy.evidence.fate import Fate, fate_of, is_plainly_fine
from mapiproxy.evidence.moments import stamp
from mapiproxy.evidence.row import Row

#: Kinds of failure that are told apart, and request ids that each of them is shown with.
LIMIT = 1000
EXAMPLES = 3
#: Users that are counted for each; beyond that it is "so many, and more".
MOST_USERS = 200


@frozen
class Failure:
    """A way to fail, at one backend (empty: none was chosen)."""

    fate: Fate
    backend: str
    status: int | None
    backend_status: int | None
    error_code: str
    code: int | None
    ending: str
    phase: str


@define
class Failures:
    """Rows that failed in one way.

    :ivar first: when, milliseconds since 1970; ``last`` likewise.
    :ivar examples: request ids, the newest last.
    :ivar said: the last sentence in GenericErrors.
    """

    count: int = 0
    first: int | None = None
    last: int | None = None
    examples: list[str] = field(factory=list)
    said: str = ""
    users: set[str] = field(factory=set)

    def add(self, row: Row) -> None:
        """Count one row."""
        self.count += 1
        if self.first is None or row.at < self.first:
            self.first = row.at
        if self.last is None or row.at >= self.last:
            self.last = row.at
        self.examples = [*self.examples[-(EXAMPLES - 1) :], row.request_id]
        self.said = row.error or self.said
        if len(self.users) < MOST_USERS:
            self.users.add(row.user.lower() or row.mailbox or row.client)

    def merge(self, other: Failures) -> None:
        """Take in all that another one has counted."""
        self.count += other.count
        moments = [each for each in (self.first, other.first) if each is not None]
        self.first = min(moments, default=None)
        self.last = max((each for each in (self.last, other.last) if each is not None), default=None)
        if len(self.users) < MOST_USERS:
            self.users |= other.users


class FailureList:
    """All failures of a log.

    :ivar rows: how many rows were looked at; ``challenges`` how many were a 401.
    """

    def __init__(self, kinds: Mapping[str, Kind] | None = None, kind: Kind | None = None) -> None:
        """:param kinds: of backends, by name; ``kind`` that of all others."""
        self.rows = 0
        self.challenges = 0
        self.groups: Bounded[Failure, Failures] = Bounded(Failures, LIMIT)
        self._kinds = kinds or {}
        self._kind = kind

    def read(self, rows: Iterable[Row]) -> None:
        """Look at rows."""
        for row in rows:
            self.rows += 1
            if is_plainly_fine(row):
                continue
            fate = fate_of(row)
            if fate is Fate.FINE:
                continue
            if fate is Fate.CHALLENGE:
                self.challenges += 1
                continue
            key = Failure(
                fate,
                row.backend[:64],
                row.status,
                row.backend_status,
                row.error_code[:64],
                row.code or None,
                row.ending[:32],
                row.phase[:32],
            )
            self.groups[key].add(row)

    def ranked(self) -> list[tuple[Failure, Failures]]:
        """The most frequent first."""
        return sorted(self.groups.groups.items(), key=lambda item: (-item[1].count, str(item[0])))

    def explain(self, failure: Failure) -> str:
        """One line on one of them."""
        return explain(
            failure.fate,
            failure.status,
            failure.backend_status,
            failure.error_code,
            failure.code,
            failure.phase,
            self.kind_of(failure.backend),
        )

    def kind_of(self, backend: str) -> Kind | None:
        """What kind of server it is, as far as that is known."""
        return self._kinds.get(backend, self._kind)

    def as_plain(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "rows": self.rows,
            "challenges": self.challenges,
            "failures": [
                {
                    "count": group.count,
                    "what": failure.fate.value,
                    "backend": failure.backend or None,
                    "status": failure.status,
                    "backend_status": failure.backend_status,
                    "error_code": failure.error_code or None,
                    "response_code": failure.code,
                    "meaning": failure.code and name_code(failure.code, self.kind_of(failure.backend)),
                    "ending": failure.ending,
                    "phase": failure.phase or None,
                    "first": None if group.first is None else stamp(group.first),
                    "last": None if group.last is None else stamp(group.last),
                    "users": len(group.users),
                    "request_ids": group.examples,
                    "said": group.said or None,
                    "explanation": self.explain(failure),
                }
                for failure, group in self.ranked()
            ],
            "others": self.groups.others.count,
        }
