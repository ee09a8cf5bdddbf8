"""Reads the HttpProxy log of a run: how often each value of each column, and of each key in GenericInfo.

The files are those that Exchange's tools would read; nothing here asks the proxy.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

#: What can be counted: columns with words or codes, and keys of GenericInfo. Not times, not ids.
COUNTED = (
    "Protocol", "AuthenticationType", "AuthenticatedUser", "ClientIpAddress", "ServerHostName", "HttpStatus",
    "BackEndStatus", "ErrorCode", "Method", "TargetServer", "RoutingType", "RoutedBy", "Backend",
    "X-ResponseCode", "LateResponseCode", "Retries", "MovedFrom", "Ending", "Phase", "Cause", "Verdict",
)  # fmt: skip
_KEYS = ("GenericInfo", "GenericErrors")


def log_lines(folder: Path) -> list[str]:
    """The data lines of all Mapi files, oldest file first."""
    lines: list[str] = []
    for file in sorted((folder / "Mapi").glob("HttpProxy_*.LOG")):
        text = file.read_text(encoding="utf-8-sig")
        whole = text[: text.rfind("\n") + 1]
        lines += [line for line in whole.splitlines() if line and not line.startswith("#")]
    return lines


def count_values(lines: Iterable[str]) -> dict[str, dict[str, int]]:
    """Name in COUNTED to value, to the number of lines with it; ``lines`` to their number."""
    counts: dict[str, Counter[str]] = {"lines": Counter(all=0)}
    header: list[str] = []
    for row in csv.reader(lines):
        if row and row[0] == "DateTime":
            header = row
            continue
        counts["lines"]["all"] += 1
        for name, value in _values(header, row):
            if value and name in COUNTED:
                counts.setdefault(name, Counter())[value] += 1
    return {name: dict(sorted(values.items())) for name, values in sorted(counts.items())}


def _values(header: list[str], row: list[str]) -> Iterator[tuple[str, str]]:
    for name, value in zip(header, row, strict=False):
        if name in _KEYS:
            for item in value.split(";"):
                key, _, rest = item.partition("=")
                yield key, rest
        else:
            yield name, value
