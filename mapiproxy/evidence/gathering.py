"""What do the rows of a window say about somebody, and about everybody else? Summed up in one pass.

Bounded: of the rows themselves only the slowest are kept, and, for a while, those that name nobody.
Judges nothing.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from heapq import heappush, heappushpop

from attrs import define, field, frozen

from mapiproxy.evidence.bounded import Bounded
from mapiproxy.evidence.failures import FailureList
from mapiproxy.evidence.fate import Fate, fate_of
from mapiproxy.evidence.patterns import network_of
from mapiproxy.evidence.row import Row, number
from mapiproxy.evidence.shares import PLACES, Shares, shares_of
from mapiproxy.evidence.sketch import Sketch
from mapiproxy.evidence.subject import Subject
from mapiproxy.mapi.vocabulary import CREATING

#: Slowest requests, losses, moves and answers that are kept.
_SLOWEST = 200
_LOSSES = 2000
_MOVES = 200
_ANSWERS = 20_000
#: Nameless rows that wait for somebody to be known by their mailbox.
_NAMELESS = 5000
#: A wait this long should have had a PENDING, whatever the server's period (15 or 30 s).
SILENT_MS = 65_000
#: Requests of a session that cannot be without its cookie.
_WITHIN = frozenset(("Execute", "Disconnect", "NotificationWait", "Unbind"))
_LOST = frozenset((Fate.CLIENT_LOST, Fate.BACKEND_LOST, Fate.BACKEND_SILENT, Fate.BROKEN))


@define
class Crowd:
    """A group of rows.

    :ivar times: of requests that do not take long by their nature, in ms.
    :ivar waits: how many of the others there are; ``wait_fates`` how it went for those.
    """

    count: int = 0
    waits: int = 0
    wait_fates: Counter[Fate] = field(factory=Counter)
    times: Sketch = field(factory=Sketch)
    fates: Counter[Fate] = field(factory=Counter)

    def add(self, row: Row, fate: Fate, wait: bool) -> None:
        """Count one row."""
        self.count += 1
        self.fates[fate] += 1
        if wait:
            self.waits += 1
            self.wait_fates[fate] += 1
        elif fate not in _LOST:
            self.times.add(row.total)

    def merge(self, other: Crowd) -> None:
        """Take in another one."""
        self.count += other.count
        self.fates.update(other.fates)
        self.waits += other.waits
        self.wait_fates.update(other.wait_fates)
        self.times.merge(other.times)


@define
class Phases:
    """Where the time went, by place."""

    sketches: dict[str, Sketch] = field(factory=lambda: {place: Sketch() for place in PLACES})

    def add(self, shares: Shares) -> None:
        """Count one request."""
        for place, ms in zip(PLACES, shares.parts, strict=True):
            self.sketches[place].add(ms)


@frozen(order=True)
class Slow:
    """One of the slowest requests."""

    total: int
    at: int
    request_id: str
    sort: str
    backend: str
    shares: Shares = field(order=False)


@frozen
class Loss:
    """A connection that broke under a request that was ``ms`` old."""

    fate: Fate
    ms: int
    at: int
    sort: str
    wait: bool
    phase: str
    backend: str
    client: str


@define
class Details:
    """What is kept of the subject alone."""

    phases: Phases = field(factory=Phases)
    slowest: list[Slow] = field(factory=list)
    losses: deque[Loss] = field(factory=lambda: deque(maxlen=_LOSSES))
    failures: FailureList = field(factory=FailureList)
    types: Bounded[str, Crowd] = field(factory=lambda: Bounded(Crowd, 64))
    backends: Bounded[str, Crowd] = field(factory=lambda: Bounded(Crowd, 64))
    clients: Bounded[str, Crowd] = field(factory=lambda: Bounded(Crowd, 256))
    agents: Counter[str] = field(factory=Counter)
    answers: deque[tuple[tuple[str, str], int, bool]] = field(factory=lambda: deque(maxlen=_ANSWERS))
    moves: deque[tuple[int, str, str]] = field(factory=lambda: deque(maxlen=_MOVES))
    moved: int = 0
    addresses_changed: int = 0
    retries: int = 0
    stripped: int = 0
    cookieless: int = 0
    reconnects: int = 0
    within: int = 0
    waits: int = 0
    silent_waits: int = 0
    first: int | None = None
    last: int | None = None
    homes: dict[tuple[str, str, str], str] = field(factory=dict)


class Evidence:
    """All that is known of a window.

    :ivar me: the rows of the subject; ``others`` all the rest.
    :ivar on_backend: the others by backend; ``in_network`` by the client's network.
    """

    def __init__(self, subject: Subject, failures: FailureList | None = None) -> None:
        self.subject = subject
        self.me = Crowd()
        self.details = Details() if failures is None else Details(failures=failures)
        self.others = Crowd()
        self.other_phases = Phases()
        self.on_backend: Bounded[str, Crowd] = Bounded(Crowd, 256)
        self.in_network: Bounded[str, Crowd] = Bounded(Crowd, 2048)
        self._nameless: deque[Row] = deque()

    def read(self, rows: Iterable[Row], since: int | None = None) -> None:
        """Take rows in; from those before *since* only names are learnt. To be followed by finish()."""
        subject = self.subject
        for row in rows:
            mine = subject.names(row)
            if mine:
                subject.learn(row)
            if since is not None and row.at < since:
                continue
            if mine:
                self._mine(row)
            elif row.user:
                self._other(row)
            else:
                self._nameless.append(row)
                if len(self._nameless) > _NAMELESS:
                    self._settle(self._nameless.popleft())

    def finish(self) -> None:
        """Decide whose the rows are that name nobody."""
        while self._nameless:
            self._settle(self._nameless.popleft())

    @property
    def backends(self) -> list[str]:
        """Those that the subject used, the most used first; without the empty one."""
        groups = self.details.backends.groups
        return sorted((name for name in groups if name), key=lambda name: -groups[name].count)

    @property
    def networks(self) -> list[str]:
        """Those that the subject came from, the most used first."""
        counts: Counter[str] = Counter()
        for client, crowd in self.details.clients.groups.items():
            counts[network_of(client)] += crowd.count
        return [name for name, _ in counts.most_common()]

    def _settle(self, row: Row) -> None:
        (self._mine if self.subject.owns(row) else self._other)(row)

    def _other(self, row: Row) -> None:
        fate, wait = fate_of(row), row.is_wait
        self.others.add(row, fate, wait)
        self.on_backend[row.backend].add(row, fate, wait)
        self.in_network[network_of(row.client)].add(row, fate, wait)
        if not wait and fate not in _LOST:
            self.other_phases.add(shares_of(row))

    def _mine(self, row: Row) -> None:
        details, fate, wait, sort = self.details, fate_of(row), row.is_wait, row.sort
        backend = row.backend
        for crowd in (self.me, details.types[sort], details.backends[backend], details.clients[row.client]):
            crowd.add(row, fate, wait)
        if len(details.agents) < 50 or row.agent in details.agents:
            details.agents[row.agent] += 1
        details.failures.read((row,))
        details.first = row.at if details.first is None else min(details.first, row.at)
        details.last = row.at if details.last is None else max(details.last, row.at)
        # Of each program by itself: a telephone with an old password is not alone at its owner's address.
        program = row.client, row.client_instance or row.protocol
        details.answers.append((program, row.at, fate is Fate.CHALLENGE))
        details.retries += number(row.info(b"Retries") or b"") or 0
        details.addresses_changed += row.info(b"MovedFrom") is not None
        if fate in _LOST:
            details.losses.append(Loss(fate, row.total, row.at, sort, wait, row.phase, backend, row.client))
        elif not wait:
            shares = shares_of(row)
            details.phases.add(shares)
            slow = Slow(row.total, row.at, row.request_id, sort, backend, shares)
            push = heappush if len(details.slowest) < _SLOWEST else heappushpop
            push(details.slowest, slow)
        self._session(row, fate, wait, sort, backend)

    def _session(self, row: Row, fate: Fate, wait: bool, sort: str, backend: str) -> None:
        """What a MAPI request tells of its session."""
        details = self.details
        details.stripped += row.lost_headers
        endpoint = row.endpoint
        if not endpoint or fate is Fate.CHALLENGE:
            return
        if row.ours and sort in _WITHIN:
            details.within += 1
            details.cookieless += row.info(b"MapiSession") is None
        key = row.client_instance, endpoint, row.mailbox
        if row.ours and sort in CREATING and row.info(b"MapiSession") is None and key in details.homes:
            details.reconnects += 1
        if wait and row.ours:
            details.waits += 1
            details.silent_waits += row.total > SILENT_MS and row.info(b"Pendings") is None
        if not backend:
            return
        before = details.homes.get(key)
        if before is not None and before != backend:
            details.moved += 1
            details.moves.append((row.at, before, backend))
        if before is not None or len(details.homes) < 1000:
            details.homes[key] = backend
