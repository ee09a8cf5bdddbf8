"""Which backend holds which session: bounded, expiring, refreshed by use (reference M6).

A key is whatever the caller derives from a session cookie, here just bytes. An entry is not dropped while
a request of its session runs, because the server's own idle timer does not run then (MS-OXCMAPIHTTP
3.1.5.6; a NotificationWait alone may take longer than an entry's life).
"""

from __future__ import annotations

from itertools import islice

from attrs import define


@define
class Tie:
    """One session's home."""

    backend: str
    until: float
    calls: int = 0


class Ties:
    """Session key to backend name.

    :param limit: entries kept; beyond it the least recently used go first.
    """

    def __init__(self, limit: int = 200_000) -> None:
        self._limit = limit
        self._ties: dict[bytes, Tie] = {}
        self.evicted = 0

    def __len__(self) -> int:
        return len(self._ties)

    def find(self, key: bytes, now: float) -> str | None:
        """The backend's name, or ``None`` when the session is not known or has expired."""
        tie = self._ties.get(key)
        if tie is None:
            return None
        if tie.until < now and not tie.calls:
            del self._ties[key]
            return None
        return tie.backend

    def tie(self, key: bytes, backend: str, until: float) -> None:
        """Learn or refresh: an answer of *backend* showed that the session is its own."""
        tie = self._ties.pop(key, None)
        if tie is None or tie.backend != backend:
            tie = Tie(backend, until, tie.calls if tie is not None else 0)
            if len(self._ties) >= self._limit:
                self._ties.pop(next(iter(self._ties)))
                self.evicted += 1
        elif until > tie.until:
            tie.until = until
        self._ties[key] = tie

    def untie(self, key: bytes) -> None:
        """The session has ended, or the backend says that it does not exist."""
        self._ties.pop(key, None)

    def begin(self, key: bytes) -> None:
        """A request of this session runs: its entry must not expire meanwhile."""
        tie = self._ties.get(key)
        if tie is not None:
            tie.calls += 1

    def finish(self, key: bytes) -> None:
        """The request of :meth:`begin` is over."""
        tie = self._ties.get(key)
        if tie is not None and tie.calls:
            tie.calls -= 1

    def expire_some(self, now: float, most: int = 1000) -> int:
        """Drop what has outlived its time, from the least recently used on; called now and then.

        Looks at no more than *most* entries, so that a full table does not stop the proxy for a moment.
        Returns how many went.
        """
        gone = [
            key
            for key, tie in islice(self._ties.items(), most)
            if tie.until < now and not tie.calls
        ]
        for key in gone:
            del self._ties[key]
        return len(gone)
