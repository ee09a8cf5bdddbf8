"""Which client programs ask, in which builds? Counted by a name that is made of known words and numbers.

What a client says of itself is any text at all, so it is never kept as it came: a pattern takes a product
and a version out of it, and only so many different ones are remembered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

#: So many builds are told apart.
MOST = 50
#: So many texts are known by sight.
_CACHED = 1024
#: So much of a text is looked at.
_ENOUGH = 256

#: The rest: clients whose name is not known here, and builds that were too many.
OTHER = "other"
#: Clients that say nothing.
SILENT = "unknown"

#: Two to four numbers follow a name; of Outlook three are told (``16.0.17328``), User-Agent has no more.
_OUTLOOK = re.compile(r"(?<![\w-])Outlook[/ ](?:\d[\d.]* \()?(\d{1,3}\.\d{1,3}(?:\.\d{1,6})?)", re.ASCII)
_OTHERS = re.compile(
    r"(?<![\w-])(MacOutlook|Outlook-iOS|Outlook-Android|OutlookMobile|Thunderbird|DavMail|Evolution|MSRPC|"
    r"ExchangeServicesClient|Teams|Apple-iPhone\w{0,4}|Apple-iPad\w{0,4}|Android-Mail)(?:/(\d{1,4}(?:\.\d{1,6})?))?",
    re.ASCII,
)


def build_of(text: str | None) -> str:
    """``Outlook 16.0.17328`` of an X-ClientApplication or a User-Agent; never fails."""
    if not text:
        return SILENT
    text = text[:_ENOUGH]
    found = _OUTLOOK.search(text)
    if found is not None:
        return f"Outlook {found[1]}"
    found = _OTHERS.search(text)
    if found is not None:
        return f"{found[1]} {found[2]}" if found[2] else found[1]
    return OTHER


class Builds:
    """Requests by build.

    A table that is full gives up its rarest build for a new one, whose count goes to ``other``: invented
    builds drive each other out, and those that people really use stay.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._cells: dict[str, list[int]] = {}
        self._other = [0]
        self._seen: dict[str | None, list[int]] = {}

    def cell(self, text: str | None) -> list[int]:
        """The count that belongs to a client, as a list of one number, to be raised by the caller."""
        cell = self._seen.get(text)
        return self._find(text) if cell is None else cell

    def __iter__(self) -> Iterator[tuple[str, int]]:
        """(build, requests), the most frequent first, ``other`` at the end if there is any."""
        counts = ((name, cell[0]) for name, cell in self._cells.items())
        yield from sorted(counts, key=lambda pair: (-pair[1], pair[0]))
        if self._other[0]:
            yield OTHER, self._other[0]

    def _find(self, text: str | None) -> list[int]:
        name = build_of(text)
        if name == OTHER:
            return self._remember(text, self._other)
        cell = self._cells.get(name)
        if cell is None:
            if len(self._cells) >= self._most:
                rarest = min(self._cells, key=lambda each: self._cells[each][0])
                self._other[0] += self._cells.pop(rarest)[0]
                self._seen.clear()
            cell = self._cells[name] = [0]
        return self._remember(text, cell)

    def _remember(self, text: str | None, cell: list[int]) -> list[int]:
        if text is None or len(text) <= _ENOUGH:
            if len(self._seen) >= _CACHED:
                self._seen.clear()
            self._seen[text] = cell
        return cell
