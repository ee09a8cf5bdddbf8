"""Is it us, the client, the path or the server? One line, from summarised evidence.

A pure function: the same evidence gives the same verdict. What matters most is what concerns the largest
share of the requests, weighed by how bad it is; all else is told beside it.
"""

from __future__ import annotations

from typing import Any

from attrs import frozen

from mapiproxy.evidence.findings import (
    BACKEND,
    CLIENT,
    PATH,
    Finding,
    auth_loop,
    codes,
    failing,
    held_back,
    leaked,
    lost,
    many,
    moved,
    refused,
    stripped,
)
from mapiproxy.evidence.gathering import Crowd, Evidence
from mapiproxy.evidence.moments import show_ms
from mapiproxy.evidence.patterns import network_of
from mapiproxy.evidence.slowness import ENOUGH, slow

#: Fewer requests say nothing.
_FEW = 5
#: In the order that decides between findings that are as bad as each other.
_QUESTIONS = (stripped, auth_loop, refused, lost, failing, codes, slow, held_back, leaked, moved)

FINE, PROBLEM, NO_DATA = 0, 1, 2


@frozen
class Verdict:
    """What it is.

    :ivar exit_code: 0 fine, 1 a problem, 2 nothing to go by.
    :ivar word: ``slow``, ``lost``, ``refused``, ``fine``...; ``place`` client, path, proxy, backend or empty.
    :ivar line: the whole of it for a person; ``scope`` who else has it, or nothing.
    :ivar also: other findings that matter; ``notes`` those that do not by themselves.
    """

    exit_code: int
    word: str
    place: str
    line: str
    scope: str = ""
    also: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def as_plain(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "exit_code": self.exit_code,
            "verdict": self.word,
            "place": self.place or None,
            "line": self.line,
            "scope": self.scope or None,
            "also": list(self.also),
            "notes": list(self.notes),
        }


def judge(evidence: Evidence) -> Verdict:
    """The verdict on what has been gathered."""
    count = evidence.me.count
    if count == 0:
        return Verdict(NO_DATA, "no data", "", f"no data: nothing of {evidence.subject.text} in this window")
    findings = [finding for ask in _QUESTIONS for finding in ask(evidence)]
    problems = sorted(
        (finding for finding in findings if finding.matters), key=lambda each: -each.share * each.weight
    )
    notes = tuple(f"{each.word}: {each.text}" for each in findings if not each.matters)
    if not problems:
        if count < _FEW:
            line = f"not enough to say: {many(count, 'request')}"
            return Verdict(NO_DATA, "not enough", "", line, notes=notes)
        return Verdict(FINE, "fine", "", f"fine: {_fine(evidence)}", notes=notes)
    first = problems[0]
    scope, shared = _scope(first, evidence)
    # What a whole network has is the way that it comes by.
    place = PATH if first.place == CLIENT and shared else first.place
    also = tuple(f"{each.word}: {each.text}" for each in problems[1:])
    return Verdict(PROBLEM, first.word, place, f"{first.word}: {first.text}", scope, also, notes)


def _fine(evidence: Evidence) -> str:
    """``1 204 requests, Execute p95 41 ms``"""
    text = many(evidence.me.count, "request")
    types = [(name, crowd) for name, crowd in evidence.details.types.groups.items() if crowd.times.count]
    if types:
        name, crowd = max(types, key=lambda item: (item[1].times.count, item[0]))
        text += f", {name} p95 {show_ms(crowd.times.quantile(0.95))}"
    return text


def _scope(finding: Finding, evidence: Evidence) -> tuple[str, bool]:
    """Who else has it: everybody on that backend or in that network, or nobody; and whether they do."""
    clients = evidence.details.clients.groups
    network = evidence.networks[0] if clients else ""
    looks: list[tuple[str, Crowd | None]] = [("", evidence.others)]
    if finding.place != BACKEND:
        looks.insert(0, (f"in {network}", evidence.in_network.groups.get(network)))
    elif finding.backend:
        looks.insert(0, (f"on {finding.backend}", evidence.on_backend.groups.get(finding.backend)))
    for where, crowd in looks:
        if crowd is None or crowd.count < ENOUGH:
            continue
        theirs = _rate(finding, crowd)
        if theirs is None:
            continue
        who = f"others {where}".strip()
        same = theirs >= 0.02 and theirs >= finding.share / 3
        share = f"{theirs:.0%}" if theirs >= 0.01 or theirs == 0 else "under 1%"
        what = many(crowd.waits, "wait") if finding.waits else many(crowd.count, "request")
        figure = f"{share} of their {what}, here {finding.share:.0%}"
        if finding.threshold is not None and crowd.times.count:
            mine, other = (show_ms(times.quantile(0.95)) for times in (evidence.me.times, crowd.times))
            figure = f"p95 {other} of {many(crowd.count, 'request')}, here {mine}"
        if same:
            whole = f"everybody {where}".strip()
            return f"not only this user: {whole} has it ({figure})", True
        return f"only this user: {who} do not have it ({figure})", False
    if not finding.fates and finding.threshold is None:
        return "nobody to compare with: this is not counted for others", False
    return f"nobody to compare with: too few {'waits' if finding.waits else 'requests'} of others", False


def _rate(finding: Finding, crowd: Crowd) -> float | None:
    """Which share of a crowd's requests has the same trouble."""
    if finding.threshold is not None:
        return crowd.times.above(finding.threshold) / crowd.times.count if crowd.times.count else None
    if not finding.fates:
        return None
    if finding.waits:
        return sum(crowd.wait_fates[fate] for fate in finding.fates) / crowd.waits if crowd.waits else None
    return sum(crowd.fates[fate] for fate in finding.fates) / crowd.count


def other_backends(evidence: Evidence) -> list[tuple[str, Crowd, Crowd | None]]:
    """Backends of the subject: its rows there, and those of others."""
    groups = evidence.details.backends.groups
    return [(name, groups[name], evidence.on_backend.groups.get(name)) for name in evidence.backends]


def client_networks(evidence: Evidence) -> list[tuple[str, str, Crowd, Crowd | None]]:
    """Addresses of the subject with their networks: its rows from there, and those of others nearby."""
    found = []
    for client, crowd in evidence.details.clients.groups.items():
        network = network_of(client)
        found.append((client, network, crowd, evidence.in_network.groups.get(network)))
    return sorted(found, key=lambda each: (-each[2].count, each[0]))
