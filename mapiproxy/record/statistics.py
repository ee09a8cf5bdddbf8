"""How many exchanges, of which kind, with which outcome, and how long did they take?

Everything is added up in plain numbers when an exchange is over, log or no log, and read when somebody
asks. :meth:`Statistics.add` is on the way of every request: what is rare may cost, what is usual may not.
The time is an argument.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

from mapiproxy.record.builds import Builds
from mapiproxy.record.ending import Ending
from mapiproxy.record.histogram import BOUNDS, FINE, WAIT_BOUNDS, Histogram
from mapiproxy.record.ledger import Ledger
from mapiproxy.record.outcome import error_code
from mapiproxy.record.phases import Phase, moments_of
from mapiproxy.record.recent import Executes, Hour
from mapiproxy.record.series import WAITS, Labels, folded, is_ping, is_plain, labels_of, may_ping, wait_of

#: So many counts of requests are kept apart; what comes beyond is folded together.
MOST_SERIES = 5000
#: So many combinations are known by sight.
_CACHED = 20_000

#: What of an exchange is measured. ``overhead``: all that was not waiting for the backend.
PHASES = ("calculate", "connect", "request", "processing", "answer", "overhead", "total")

#: Outcomes that are the fault of neither client nor operator (record/outcome.py).
FAILURES = frozenset(
    ("BackendDisconnect", "BackendProtocolError", "BackendTimeout", "ConnectFailed", "ServiceUnavailable")
)
#: Outcomes that are no refusal of ours.
_NOT_OURS = frozenset(("", "ClientDisconnect", "Shutdown"))
_LOST = frozenset(("BackendDisconnect", "BackendProtocolError", "BackendTimeout"))

_DONE = Ending.DONE
_FIRST = BOUNDS[0]

Place = tuple[str, str, str]


class Flow:
    """What goes to one virtual directory of one backend; without a backend, what we answered ourselves.

    :ivar buckets: durations of requests, by the bounds ``BOUNDS``, for each of :data:`PHASES`; ``seconds``
        their sums; ``waits``: durations of what waits.
    :ivar pulses: PENDINGs that came through.
    :ivar outcomes: ErrorCodes of what did not end well.
    :ivar connect: it could not be reached; ``response``: it was lost, hung, or answered with a 5xx;
        ``denied``: nobody was asked.
    :ivar retries: requests that it failed and that were tried again; ``redispatches``: elsewhere.
    """

    __slots__ = (
        "buckets", "bytes_in", "bytes_out", "connect", "denied", "executes", "failed", "outcomes", "pulses",
        "redispatches", "response", "retries", "seconds", "waits",
    )  # fmt: skip

    def __init__(self) -> None:
        self.buckets = tuple([0] * (len(BOUNDS) + 1) for _ in PHASES)
        self.seconds = [0.0] * len(PHASES)
        self.waits = {name: Histogram(WAIT_BOUNDS) for name in WAITS}
        self.executes = Executes()
        self.outcomes: Counter[str] = Counter()
        self.bytes_in = self.bytes_out = self.pulses = 0
        self.connect = self.response = self.denied = self.failed = 0
        self.retries = self.redispatches = 0


class Series:
    """Requests with the same labels.

    :ivar wait: which kind of wait they all are; ``query``: that of each has to tell.
    :ivar bad: the answer itself may be a failure.
    """

    __slots__ = ("bad", "count", "execute", "flow", "query", "wait")

    def __init__(self, labels: Labels, flow: Flow) -> None:
        self.count = 0
        self.flow = flow
        self.wait = wait_of(labels)
        self.query = may_ping(labels)
        self.execute = labels.request_type == "Execute"
        self.bad = not labels.status or labels.status >= "4"


class Gauges(NamedTuple):
    """What is open now."""

    waits: int
    sessions: int


class Statistics:
    """All that is counted, since the process began.

    :param now: the caller's clock, which does not jump.
    :ivar series: requests by labels; ``flows``: the rest by (virtual directory, pool, backend).
    """

    def __init__(self, now: float = 0.0, most: int = MOST_SERIES) -> None:
        self.series: dict[Labels, Series] = {}
        self.flows: dict[Place, Flow] = {}
        self.builds = Builds()
        self._build_of = self.builds.cell
        self.hour = Hour(now)
        self._most = most
        self._known: dict[tuple[object, ...], Series] = {}
        self._before = (0, 0)

    def add(self, ledger: Ledger) -> None:
        """Count an exchange that is over."""
        key = (
            ledger.request_type, ledger.backend, ledger.status,
            ledger.late_response_code or ledger.response_code, ledger.protocol, ledger.method, ledger.pool,
        )  # fmt: skip
        series = self._known.get(key)
        if series is None:
            series = self._find(key, ledger)
        series.count += 1
        flow = series.flow
        flow.bytes_in += ledger.request_bytes
        flow.bytes_out += ledger.response_bytes
        self._build_of(ledger.client_application or ledger.user_agent)[0] += 1
        if series.bad or ledger.misses is not None or ledger.ending is not _DONE:
            _blame(self, flow, ledger)
        if series.wait is not None or series.query:
            wait = series.wait or ("ping" if is_ping(ledger.query) else None)
            if wait is not None:
                _add_wait(flow, wait, ledger)
                return

        began = ledger.head_at
        routed = ledger.routed_at
        connected = ledger.connected_at
        asked = ledger.request_ended_at
        answered = ledger.answer_at
        done = ledger.answer_ended_at
        ended = ledger.ended_at
        if routed is None or connected is None or asked is None or answered is None or done is None:
            _add_broken(series, ledger)
            return
        if not began <= routed <= connected <= asked <= answered <= done <= ended:
            _add_broken(series, ledger)
            return
        # Written out, because a loop costs twice as much; nearly all that is our own is in the first bucket.
        calculate, connect, request, processing, answer, overhead, total = flow.buckets
        seconds = flow.seconds
        spent = routed - began
        seconds[0] += spent
        calculate[0 if spent <= _FIRST else bisect_left(BOUNDS, spent)] += 1
        spent += ended - done
        seconds[5] += spent
        overhead[0 if spent <= _FIRST else bisect_left(BOUNDS, spent)] += 1
        spent = connected - routed
        seconds[1] += spent
        connect[0 if spent <= _FIRST else bisect_left(BOUNDS, spent)] += 1
        spent = asked - connected
        seconds[2] += spent
        request[0 if spent <= _FIRST else bisect_left(BOUNDS, spent)] += 1
        spent = answered - asked
        seconds[3] += spent
        processing[bisect_left(BOUNDS, spent)] += 1
        spent = done - answered
        seconds[4] += spent
        answer[0 if spent <= _FIRST else bisect_left(BOUNDS, spent)] += 1
        spent = ended - began
        seconds[6] += spent
        total[bisect_left(BOUNDS, spent)] += 1
        if series.execute:
            flow.executes.now[bisect_left(FINE, spent)] += 1

    def tick(self, now: float, gauges: Callable[[], Gauges]) -> None:
        """Called about once a second; *gauges* is asked when a step of the time series is over."""
        if not self.hour.is_due(now):
            return
        executes = [
            over
            for each in self.flows.values()
            if (over := each.executes.turn()) is not None
        ]
        requests = sum(each.count for each in self.series.values())
        errors = sum(each.failed for each in self.flows.values())
        before, self._before = self._before, (requests, errors)
        open_now = gauges()
        self.hour.turn(
            now,
            executes,
            requests=requests - before[0],
            errors=errors - before[1],
            waits=open_now.waits,
            sessions=open_now.sessions,
        )

    def requests(self) -> Iterator[tuple[Labels, int]]:
        """(labels, how many requests)."""
        return ((labels, each.count) for labels, each in self.series.items())

    def flow(self, vdir: str, pool: str, backend: str) -> Flow:
        """That of a place, made when there was none."""
        place = (vdir, pool, backend)
        flow = self.flows.get(place)
        if flow is None:
            flow = self.flows[place] = Flow()
        return flow

    def _find(self, key: tuple[object, ...], ledger: Ledger) -> Series:
        labels = labels_of(ledger)
        series = self.series.get(labels)
        if series is None and len(self.series) >= self._most:
            labels = folded(labels)
            series = self.series.get(labels)
        if series is None:
            series = self.series[labels] = Series(labels, self.flow(*labels[:3]))
        if is_plain(ledger) and len(self._known) < _CACHED:
            self._known[key] = series
        return series


def _blame(statistics: Statistics, flow: Flow, ledger: Ledger) -> None:
    """What went wrong, and with whom."""
    for miss in ledger.misses or ():
        whose = flow
        if miss.backend != ledger.backend:
            vdir, pool, _ = labels_of(ledger)[:3]
            whose = statistics.flow(vdir, pool, miss.backend)
        if miss.reached:
            whose.response += 1
        else:
            whose.connect += 1
        if miss.then is not None:
            whose.retries += 1
            whose.redispatches += miss.then != miss.backend
    late = ledger.ending is Ending.TIMED_OUT
    code = error_code(ledger, moments_of(ledger)[0] if late else Phase.ANSWER)
    if code:
        flow.outcomes[code] += 1
    if ledger.backend is None:
        flow.denied += code not in _NOT_OURS
    elif code in _LOST or (ledger.backend_status or 0) >= 500:
        flow.response += 1
    flow.failed += code in FAILURES or (ledger.backend_status or 0) >= 500


def _add_wait(flow: Flow, wait: str, ledger: Ledger) -> None:
    """How long somebody waited, however it ended."""
    if ledger.backend is not None:
        flow.waits[wait].add(max(0.0, ledger.ended_at - ledger.head_at))
        flow.pulses += ledger.pulses


def _add_broken(series: Series, ledger: Ledger) -> None:
    """The phases that were completed, of an exchange that was broken off, or in no order."""
    _, end, routed, connected, asked, answered, done = moments_of(ledger)
    flow = series.flow
    before = 0
    for index, moment in enumerate((routed, connected, asked, answered, done)):
        if moment is None:
            return
        _put(flow, index, moment - before)
        before = moment
    assert routed is not None
    assert done is not None
    _put(flow, 5, end - done + routed)
    _put(flow, 6, end)
    if series.execute:
        flow.executes.now[bisect_left(FINE, end / 1e6)] += 1


def _put(flow: Flow, phase: int, microseconds: int) -> None:
    flow.buckets[phase][bisect_left(BOUNDS, microseconds / 1e6)] += 1
    flow.seconds[phase] += microseconds / 1e6
