"""From the replies to ``status``, ``servers`` and ``statistics`` to what the overview shows.

Replies of an older shape are coped with: what is not told is shown as not known. Must not know HTML.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from mapiproxy.backends.kind import Kind
from mapiproxy.mapi.vocabulary import Meaning, meaning_of
from mapiproxy.policy.support import classify_client

Plain = Mapping[str, Any]

#: Whom statistics name for what we answered ourselves.
NOBODY = "-"
#: What a state or a dot is worth; the style sheet has a colour for each, the text says it as well.
GOOD, FAIR, BAD, OFF = "good", "fair", "bad", "off"
#: Wide, in the bar of response codes; a code that came at all is seen.
BAR, LEAST = 100.0, 3.0
#: Client builds shown.
_MOST_BUILDS = 20

AGAIN = {
    "resent": "sent again unseen",
    "refused": "answered 503",
    "broken": "connections broken (outcome unknown)",
    "lost": "told code 10 (session lost)",
}


@frozen
class Code:
    """An X-ResponseCode, what it means on this kind of server, how often it came, and its part of the bar."""

    code: str
    name: str
    count: int
    tone: str
    left: float = 0.0
    wide: float = 0.0


@frozen
class Dot:
    """A virtual directory on one server."""

    name: str
    tone: str
    word: str


@frozen
class Check:
    """How long a probe took: ``short`` as ``1+3+2+0 ms``, ``long`` with the names of its stages."""

    short: str
    long: str


@frozen
class Row:
    """One server of the grid: what ``servers`` says, what is counted of it, codes and virtual directories."""

    at: Plain
    counted: Plain | None
    codes: tuple[Code, ...]
    dots: tuple[Dot, ...]
    tone: str
    word: str
    check: Check | None

    @property
    def vdirs(self) -> str:
        """``7 of 8 up``."""
        known = [dot for dot in self.dots if dot.tone != OFF]
        return f"{sum(dot.tone == GOOD for dot in known)} of {len(known)} up" if known else "none"

    @property
    def lacking(self) -> str:
        """Those that are down, by name, if others are up."""
        down = [dot.name for dot in self.dots if dot.tone == BAD]
        return ", ".join(down) if any(dot.tone == GOOD for dot in self.dots) else ""


@frozen
class Build:
    """Clients of one build."""

    name: str
    count: int
    verdict: str
    tone: str


def rows_of(servers: Sequence[Plain], status: Plain, statistics: Plain | None) -> dict[str, list[Row]]:
    """The grid, by pool."""
    backends = (statistics or {}).get("backends") or {}
    pools = {pool["name"]: pool for pool in status["pools"]}
    rows: dict[str, list[Row]] = {name: [] for name in pools}
    for at in servers:
        pool = pools.get(at["pool"])
        if pool is None:
            continue  # went away between two orders
        counted = backends.get(f"{at['pool']}/{at['name']}")
        codes = codes_of(counted.get("codes") or {}, Kind(pool["kind"])) if counted else ()
        dots = tuple(_dot(vdir, at["name"]) for vdir in pool["vdirs"])
        rows[at["pool"]].append(Row(at, counted, codes, dots, *_state(at), check_of(at["probe"])))
    return rows


def ours_of(pool: str, statistics: Plain | None) -> Plain | None:
    """What was counted for a pool without any server: our own answers."""
    found: Plain | None = ((statistics or {}).get("backends") or {}).get(f"{pool}/{NOBODY}")
    return found


def _state(at: Plain) -> tuple[str, str]:
    if not at["up"]:
        return BAD, "DOWN"
    if at["admin"] == "maint":
        return OFF, "MAINT"
    return (FAIR, "DRAIN") if at["admin"] == "drain" else (GOOD, "UP")


def _dot(vdir: Plain, server: str) -> Dot:
    if not vdir["enabled"]:
        return Dot(vdir["name"], OFF, "switched off")
    down = server in vdir["down"]
    return Dot(vdir["name"], BAD if down else GOOD, "down" if down else "up")


def check_of(probe: Plain | None) -> Check | None:
    """The last probe's stages; none for TLS where plain HTTP is spoken."""
    if probe is None:
        return None
    stages = [("connect", probe["connect_ms"]), ("TLS", probe["tls_ms"]),
              ("HTTP", probe["http_ms"]), ("body", probe["body_ms"])]  # fmt: skip
    if probe["tls_ms"] is None and probe["http_ms"] is not None:
        del stages[1]
    if all(ms is None for _, ms in stages):
        return Check("not reached", "nothing answered")
    shown = [(name, "-" if ms is None else f"{ms:.0f}") for name, ms in stages]
    return Check("+".join(ms for _, ms in shown) + " ms", ", ".join(f"{name} {ms} ms" for name, ms in shown))


def codes_of(counts: Mapping[str, int], kind: Kind) -> tuple[Code, ...]:
    """Codes by number, each with its part of a bar; small ones are widened so that they are seen."""
    total = sum(counts.values())
    if not total:
        return ()
    widths = {code: max(LEAST, BAR * count / total) for code, count in counts.items() if count}
    scale = BAR / sum(widths.values())
    found, left = [], 0.0
    for code in sorted(widths, key=lambda each: (not each.isdigit(), int(each) if each.isdigit() else 0)):
        meaning = meaning_of(int(code), kind) if code.isdigit() else None
        name = "not a code" if meaning is None else meaning.value
        wide = widths[code] * scale
        found.append(Code(code, name, counts[code], _tone(meaning), round(left, 2), round(wide, 2)))
        left += wide
    return tuple(found)


def _tone(meaning: Meaning | None) -> str:
    """Codes that are part of a session's ordinary life are no fault of anybody."""
    if meaning is Meaning.SUCCESS:
        return GOOD
    usual = (Meaning.CONTEXT_NOT_FOUND, Meaning.INVALID_CONTEXT_COOKIE, Meaning.INVALID_SEQUENCE)
    return FAIR if meaning in usual else BAD


def builds_of(statistics: Plain | None) -> tuple[list[Build], int]:
    """Client builds with the support matrix' verdict, the most frequent first; and how many more."""
    counts = (statistics or {}).get("builds") or {}
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    found = []
    for name, count in ordered[:_MOST_BUILDS]:
        known = classify_client(name, name)
        if known.within is None:
            found.append(Build(name, count, known.name, OFF))
        elif known.within:
            found.append(Build(name, count, "speaks MAPI/HTTP", GOOD))
        else:
            found.append(Build(name, count, known.advice, BAD))
    return found, max(0, len(ordered) - _MOST_BUILDS)


def warnings_of(status: Plain, servers: Sequence[Plain]) -> list[str]:
    """What should be said loudly, the worst first."""
    said = []
    for pool in status["pools"]:
        if not pool["up"]:
            said.append(f"pool {pool['name']}: no server is in service")
    down = (at for at in servers if not at["up"])
    said += [f"{at['pool']}/{at['name']} is DOWN: {at['why'] or 'nobody knows why'}" for at in down]
    said += (status.get("certificates") or {}).get("drift") or []
    if (status.get("last_reload") or {"ok": True})["ok"] is False:
        said.append("the last reload was refused: what ran before goes on running")
    late = status["lag"]["now"]
    if late > 0.5:
        said.append(f"the proxy itself is late by {late * 1000:.0f} ms: its machine or its log is slow")
    if status["stopping"]:
        said.append("the proxy is stopping")
    return said
