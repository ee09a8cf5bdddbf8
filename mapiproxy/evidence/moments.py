"""When was that? DateTime of the log as milliseconds since 1970, and back, and lengths of time for people.

All is UTC, as the log is. What time it is now is an argument of whoever needs it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

_ISO = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)?(?:Z|[+-]\d\d:?\d\d)?")
_LENGTH = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
#: ``2023-01-06T01:00:04.`` and the milliseconds that it is; begun anew when it is full.
_seconds: dict[bytes, int] = {}
_MOST_SECONDS = 4096
#: ``124Z``: what is behind it.
_RESTS = {b"%03dZ" % rest: rest for rest in range(1000)}
_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def parse_stamp(value: bytes) -> int | None:
    """A DateTime such as ``2023-01-06T01:00:04.124Z``; ``None`` if it is none."""
    try:
        # Rows come in bursts: the second of this one has nearly always been read before.
        return _seconds[value[:20]] + _RESTS[value[20:]]
    except KeyError:
        pass
    at = _any_stamp(value)
    rest = _RESTS.get(value[20:])
    if at is not None and rest is not None and value[19:20] == b".":
        if len(_seconds) >= _MOST_SECONDS:
            _seconds.clear()
        _seconds[value[:20]] = at - rest
    return at


def _any_stamp(value: bytes) -> int | None:
    try:
        return parse_iso(value.decode("ascii"))
    except ValueError:
        return None


def parse_iso(text: str) -> int:
    """A date and a time as people and logs write them; UTC unless it says otherwise.

    :raise ValueError: it is none.
    """
    if not _ISO.fullmatch(text):
        raise ValueError(f"{text!r} is no time; write it like 2026-11-27T14:00 (UTC)")
    when = datetime.fromisoformat(text)
    when = when.replace(tzinfo=UTC) if when.tzinfo is None else when
    return round(when.timestamp() * 1000)


def parse_length(text: str) -> int | None:
    """``5m``, ``-5m``, ``1h30m`` in milliseconds; ``None`` if it is no length of time."""
    bare = text.removeprefix("-")
    parts = _LENGTH.findall(bare)
    if not parts or "".join(number + unit for number, unit in parts) != bare:
        return None
    return round(sum(float(number) * _MS[unit] for number, unit in parts)) or None


def stamp(ms: int) -> str:
    """As in the log: ISO 8601 with milliseconds and ``Z``."""
    whole, rest = divmod(ms, 1000)
    try:
        return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03}Z"
    except (ValueError, OverflowError, OSError):
        return "1970-01-01T00:00:00.000Z"


def show_clock(ms: int) -> str:
    """``15:26:47``"""
    return stamp(ms)[11:19]


def show_moment(ms: int) -> str:
    """``2024-01-24 15:26:47``"""
    return stamp(ms)[:19].replace("T", " ")


def show_ms(ms: float) -> str:
    """``41 ms``, ``2.2 s``, ``5m00s``, ``3 days``: as much as a person wants to know."""
    if ms < 999.5:
        return f"{ms:.0f} ms"
    if ms < 119_950:
        return f"{ms / 1000:.1f} s"
    whole = round(ms / 1000)
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    if whole < 172_800:
        return f"{whole // 3600}h{whole % 3600 // 60:02}m"
    return f"{whole // 86_400} days"
