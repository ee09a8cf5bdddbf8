"""Could the user work? Outages from the first call that failed to the next that did not, and recoveries.

Time during which the machine slept is nobody's outage: the user was not there.
"""

from __future__ import annotations

from mapiproxy.lab.outlook.book import Book, Recovery


class Service:
    """Watches the user's own mailbox for one book. All times are seconds on the reactor's clock."""

    __slots__ = ("_awaited", "_book", "_here_since")

    def __init__(self, book: Book) -> None:
        self._book = book
        self._here_since = 0.0
        self._awaited: list[tuple[str, float]] = []

    def fails(self, since: float) -> None:
        """Something that the user waits for since then did not work."""
        if self._book.outage_open is None:
            self._book.outage_open = max(since, self._here_since)

    def works(self, began: float, now: float, slow: float) -> None:
        """An Execute was answered well; *slow*: how long that may have taken to be no outage."""
        began = max(began, self._here_since)
        if self._book.outage_open is not None:
            began, self._book.outage_open = min(began, self._book.outage_open), None
            self._book.outage(now - began)
        elif now - began > slow:
            self._book.outage(now - began)
        for label, over in self._awaited:
            self._book.recovered(Recovery(label, over, now - over))
        self._awaited.clear()
        self._book.unrecovered = 0

    def sleeps(self, now: float) -> None:
        """The machine sleeps: an outage that lasted until now is over for this time."""
        if self._book.outage_open is not None:
            self._book.outage(now - self._book.outage_open)
            self._book.outage_open = None

    def wakes(self, now: float) -> None:
        """The user is there again."""
        self._here_since = now

    def survives(self, label: str, now: float) -> None:
        """An event in the machine's life is over now; the next success tells how long recovering took."""
        self._awaited.append((label, now))
        self._book.unrecovered = len(self._awaited)
