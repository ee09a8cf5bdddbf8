"""Which sessions are there, where does each live, and what is known of it (reference M6)?

A session is known by what its cookies come to (a key, here just bytes) and, more weakly, by the GUID that
its client puts into X-RequestId. The table is bounded, entries expire, and every good answer refreshes
them. An entry does not expire while a request of its session runs, because the server's own idle timer
does not run then (MS-OXCMAPIHTTP 3.1.5.6; a NotificationWait alone may take longer than an entry's life).

A session that its backend has disowned stays in the table as *gone* until its time is over: a Connect
that still brings its cookies has to be told from one whose session lives (reference M7).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from enum import StrEnum
from itertools import islice

from attrs import define, field

#: What a client's GUID is looked up by: endpoint, GUID, mailbox. The mailbox takes part because there
#: are tools that use one GUID for everybody (reference N2).
Client = tuple[str, bytes, str]
#: A session's cookie may be given another value with each answer; so many old ones are still known.
_KEYS = 3


class State(StrEnum):
    """Whether a session can be used."""

    LIVE = "live"
    GONE = "gone"  # its backend says that there is no such session
    KILLED = "killed"  # an operator ended it here; its backend does not know


@define(eq=False)
class Session:
    """One Session Context, as far as a proxy sees it.

    :ivar keys: digests of its cookie, the newest last; never the cookie.
    :ivar until: when the entry may go, on the proxy's clock; ``began`` and ``used`` likewise.
    :ivar requests: how many came; ``calls`` of them run now.
    :ivar client_ip: where its client was last seen; for people, never for routing.
    :ivar route: the route cookie that its client was last given.
    """

    keys: list[bytes] = field(repr=lambda keys: keys[0].hex()[:8])
    backend: str
    endpoint: str
    until: float
    began: float = 0.0
    used: float = 0.0
    state: State = State.LIVE
    mailbox: str | None = None
    user: str | None = None
    application: str | None = None
    client: Client | None = field(default=None, repr=False)
    client_ip: str = ""
    requests: int = 0
    calls: int = 0
    moves: int = 0
    route: bytes | None = field(default=None, repr=False)

    @property
    def id(self) -> str:
        """What people call it: short, and no secret."""
        return self.keys[0].hex()[:16]


class Sessions:
    """The table.

    :param limit: entries kept; beyond it the least recently used go first.
    :ivar moved: how often a session was found to live on another backend than before.
    """

    def __init__(self, limit: int = 200_000) -> None:
        self._limit = limit
        self._by_key: dict[bytes, Session] = {}
        # By first key; in order of use, the least recently used first.
        self._all: dict[bytes, Session] = {}
        self._by_client: dict[Client, Session] = {}
        self._at: dict[str, int] = {}
        self.evicted = 0
        self.moved = 0

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Session]:
        """Sessions that are not gone; the least recently used first."""
        return (session for session in self._all.values() if session.state is State.LIVE)

    def __reversed__(self) -> Iterator[Session]:
        """The same; the last used first."""
        return (session for session in reversed(self._all.values()) if session.state is State.LIVE)

    # For those that look at all of a full table while requests wait: three times as fast as iterating.

    @property
    def live(self) -> int:
        """How many are not gone."""
        return [session.state for session in self._all.values()].count(State.LIVE)

    def ends(self) -> dict[str, list[float]]:
        """When those that are not gone expire, by backend."""
        found: defaultdict[str, list[float]] = defaultdict(list)
        live = State.LIVE
        for session in self._all.values():
            if session.state is live:
                found[session.backend].append(session.until)
        return found

    def at(self, backend: str) -> int:
        """How many entries live on that backend."""
        return self._at.get(backend, 0)

    def find(self, key: bytes, now: float) -> Session | None:
        """The entry, gone ones included, or ``None`` when it is not known or has expired."""
        session = self._by_key.get(key)
        if session is not None and session.until < now and not session.calls:
            self.drop(session)
            return None
        return session

    def find_client(self, client: Client, now: float) -> Session | None:
        """The live session whose requests carry this GUID for this mailbox."""
        session = self._by_client.get(client)
        if session is None or session.state is not State.LIVE:
            return None
        return self.find(session.keys[0], now)

    def find_id(self, start: str) -> list[Session]:
        """Sessions whose id begins like this; for people."""
        return [session for session in self if session.id.startswith(start.lower())]

    def learn(
        self, key: bytes, backend: str, endpoint: str, until: float, now: float, old: Session | None = None
    ) -> Session:
        """An answer of *backend* showed that the session *key* is its own.

        :param old: the session that the request belonged to, when *key* is a new value of its cookie.
        """
        session = self._by_key.get(key)
        if session is None and old is not None and old.state is State.LIVE and old.keys[0] in self._all:
            session = old
            self._add_key(session, key)
        if session is None:
            return self._create(key, backend, endpoint, until, now)
        if session.backend != backend:
            self._count(session.backend, -1)
            self._count(backend, 1)
            session.backend = backend
            session.moves += 1
            session.until = until
            self.moved += 1
        elif until > session.until:
            session.until = until
        session.state = State.LIVE
        session.used = now
        self._all[session.keys[0]] = self._all.pop(session.keys[0])
        return session

    def disown(self, key: bytes, backend: str, endpoint: str, until: float, now: float) -> None:
        """*backend* says that there is no such session. Believed only of the one that has it."""
        session = self._by_key.get(key)
        if session is None:
            session = self._create(key, backend, endpoint, until, now)
        if session.backend == backend:
            session.state = State.GONE

    def know_client(self, session: Session, client: Client) -> None:
        """Its requests carry this GUID from now on."""
        if session.client is not None and self._by_client.get(session.client) is session:
            del self._by_client[session.client]
        session.client = client
        self._by_client[client] = session

    def drop(self, session: Session) -> None:
        """It has ended; nobody will ask for it any more."""
        if self._all.pop(session.keys[0], None) is None:
            return
        for key in session.keys:
            if self._by_key.get(key) is session:
                del self._by_key[key]
        if session.client is not None and self._by_client.get(session.client) is session:
            del self._by_client[session.client]
        self._count(session.backend, -1)

    def expire_some(self, now: float, most: int = 1000) -> int:
        """Drop what has outlived its time, from the least recently used on; called now and then.

        Looks at no more than *most* entries, so that a full table does not stop the proxy for a moment.
        Returns how many went.
        """
        due = [s for s in islice(self._all.values(), most) if s.until < now and not s.calls]
        for session in due:
            self.drop(session)
        return len(due)

    def _create(self, key: bytes, backend: str, endpoint: str, until: float, now: float) -> Session:
        if len(self._all) >= self._limit:
            self.drop(next(iter(self._all.values())))
            self.evicted += 1
        session = Session([key], backend, endpoint, until, now, now)
        self._by_key[key] = self._all[key] = session
        self._count(backend, 1)
        return session

    def _add_key(self, session: Session, key: bytes) -> None:
        session.keys.append(key)
        self._by_key[key] = session
        if len(session.keys) > _KEYS:
            # The first names the entry, so it stays.
            oldest = session.keys.pop(1)
            if self._by_key.get(oldest) is session:
                del self._by_key[oldest]

    def _count(self, backend: str, by: int) -> None:
        self._at[backend] = self._at.get(backend, 0) + by
