"""What came of playing a scenario: the verdict, in a line, and everything that leads to it.

Plain values, made by the player and read by the reports. Nothing in it differs between two runs with the same
seed but ``took``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import asdict, frozen

from mapiproxy.lab.happening import Happening
from mapiproxy.scenario.axis import show_length
from mapiproxy.scenario.judging import Finding


@frozen
class Played:
    """One scenario, played once.

    :ivar lanes: lane to the part of the stage (drawing.GROUPS).
    :ivar skipped: names of what could not be looked at (with ``--target``: servers and proxy).
    :ivar error: why it could not be played to its end, if so.
    :ivar took: seconds on the wall.
    """

    name: str
    title: str
    why: str
    causes: tuple[str, ...]
    kind: str
    seed: int
    time: str
    duration: float
    findings: tuple[Finding, ...]
    facts: Mapping[str, Any]
    happenings: tuple[Happening, ...]
    lanes: Mapping[str, str]
    skipped: tuple[str, ...] = ()
    error: str | None = None
    took: float = 0.0

    def group_of(self, lane: str) -> str:
        """The part of the stage that a lane belongs to: of ``alice/wait`` that of ``alice``."""
        return self.lanes.get(lane) or self.lanes.get(lane.partition("/")[0], "client")

    @property
    def ok(self) -> bool:
        """Whether everything was as expected."""
        return self.error is None and all(finding.ok for finding in self.findings)

    @property
    def failed(self) -> tuple[Finding, ...]:
        """What was not."""
        return tuple(finding for finding in self.findings if not finding.ok)

    @property
    def summary(self) -> str:
        """``ok: 0 reconnects, 3 of 9 waits cut, longest outage 1.2s``."""
        if self.error is not None:
            return f"ERROR: {self.error}"
        if not self.ok:
            first = self.failed[0]
            more = f" (and {len(self.failed) - 1} more)" if len(self.failed) > 1 else ""
            return f"FAILED: {first.name}: expected {first.expected}, got {first.got}{more}"
        return "ok: " + told(self.facts)

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "name": self.name,
            "title": self.title,
            "why": self.why,
            "causes": list(self.causes),
            "kind": self.kind,
            "seed": self.seed,
            "time": self.time,
            "duration": self.duration,
            "ok": self.ok,
            "summary": self.summary,
            "error": self.error,
            "took": round(self.took, 2),
            "expectations": [asdict(finding) for finding in self.findings],
            "skipped": list(self.skipped),
            "facts": {key: value for key, value in self.facts.items() if key != "marks"},
            "timeline": [asdict(each) for each in self.happenings],
        }


def told(facts: Mapping[str, Any]) -> str:
    """What a person asks first: were there new sessions, were calls lost, for how long was it not usable?"""
    parts = [_count(facts.get("reconnects", 0), "reconnect")]
    if facts.get("waits_lost"):
        parts.append(f"{facts['waits_lost']} of {facts.get('waits', 0)} waits cut")
    if facts.get("executes_unknown"):
        parts.append(f"{_count(facts['executes_unknown'], 'Execute')} with unknown outcome")
    codes = facts.get("codes") or {}
    if codes:
        parts.append("codes " + ", ".join(f"{code} ({count}x)" for code, count in sorted(codes.items())))
    statuses = facts.get("statuses") or {}
    if statuses:
        parts.append("HTTP " + ", ".join(f"{code} ({count}x)" for code, count in sorted(statuses.items())))
    outage = facts.get("outage_max", 0.0)
    parts.append(f"longest outage {show_length(outage)}" if outage else "no outage")
    if facts.get("offline"):
        parts.append(f"{_count(facts['offline'], 'client')} cannot work at the end")
    return ", ".join(parts)


def _count(number: int, word: str) -> str:
    return f"{number} {word}" + ("" if number == 1 else "s")
