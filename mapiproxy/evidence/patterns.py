"""Is there a rule in when things broke? A device that drops idle connections drops them at the same age.

Pure arithmetic over durations and rows of outcomes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, ip_address

from attrs import frozen

#: So many losses at the same age, and such a share of all, are no coincidence.
LEAST = 4
_SHARE = 0.6
#: Below this it is no idle limit, in milliseconds.
_SHORTEST = 5_000
#: What breaks within so many ms of each other breaks for one reason.
_TOGETHER = 50


@frozen
class Regular:
    """Losses at a near-constant age.

    :ivar ms: the age in the middle; ``spread`` how far the others are from it, at most.
    :ivar count: of these losses; ``of`` all.
    """

    ms: int
    spread: int
    count: int
    of: int


def regular(ages: Sequence[int]) -> Regular | None:
    """The age at which most of these losses happened, if there is one.

    The window is 2 s or 4 % wide, whichever is more: devices look at their tables every second or so.
    """
    ordered = sorted(ages)
    best: tuple[int, int] | None = None
    start = 0
    for end, age in enumerate(ordered):
        while age - ordered[start] > max(2000, age // 25):
            start += 1
        if ordered[start] >= _SHORTEST and (best is None or end - start > best[1] - best[0]):
            best = start, end
    if best is None:
        return None
    members = ordered[best[0] : best[1] + 1]
    if len(members) < LEAST or len(members) < _SHARE * len(ordered):
        return None
    middle = members[len(members) // 2]
    return Regular(middle, max(middle - members[0], members[-1] - middle), len(members), len(ordered))


def events_of(losses: Iterable[tuple[int, int]]) -> list[int]:
    """Of losses (moment, age) the ages, one for each moment."""
    found: list[int] = []
    before: int | None = None
    for at, age in sorted(losses):
        if before is None or at - before > _TOGETHER:
            found.append(age)
        before = at
    return found


@frozen
class Run:
    """Refusals in a row, without anything else between them; moments in milliseconds since 1970."""

    count: int
    first: int
    last: int


def longest_run(answers: Iterable[tuple[int, bool]]) -> Run | None:
    """The longest row of refusals among (moment, whether it was one)."""
    best: Run | None = None
    count = first = 0
    for at, refused in sorted(answers):
        if not refused:
            count = 0
            continue
        first = at if count == 0 else first
        count += 1
        if best is None or count > best.count:
            best = Run(count, first, at)
    return best


def network_of(client: str) -> str:
    """The network that an address is taken to be in: /24, or /64; the text itself if it is no address."""
    try:
        address = ip_address(client)
    except ValueError:
        return client
    if isinstance(address, IPv4Address):
        return f"{IPv4Address(int(address) >> 8 << 8)}/24"
    whole = int(address) >> 64 << 64
    return f"{type(address)(whole)}/64"
