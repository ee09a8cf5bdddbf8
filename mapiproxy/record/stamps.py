"""How the logs write moments: ISO 8601 in UTC with milliseconds (reference exchange-httpproxy 1.5, field 1).

All is whole milliseconds since 1970. The text of a second is made once; a line has six moments in it, nearly
always of one second.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from mapiproxy.record.ledger import Ledger
from mapiproxy.record.phases import end_of

#: ``.000Z`` to ``.999Z``.
MILLISECONDS = tuple(f".{number:03d}Z" for number in range(1000))


def end_ms(ledger: Ledger) -> int:
    """When the exchange ended, in milliseconds since 1970: what DateTime and the file's hour are made of."""
    return (int(ledger.wall * 1e6 + 0.5) + end_of(ledger)) // 1000


@lru_cache(maxsize=64)
def second(number: int) -> str:
    """``2024-01-24T15:26:47``; 1970 for what no date can be."""
    try:
        return datetime.fromtimestamp(number, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return "1970-01-01T00:00:00"


def stamp(milliseconds: int) -> str:
    """``2024-01-24T15:26:47.957Z``."""
    return second(milliseconds // 1000) + MILLISECONDS[milliseconds % 1000]
