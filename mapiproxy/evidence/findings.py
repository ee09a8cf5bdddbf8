"""What is wrong for the subject, one finding per question? Pure functions over summarised evidence.

Each says whose doing it is, how many requests it concerns, and out of how many. Which of them is the
verdict is decided elsewhere.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator

from attrs import frozen

from mapiproxy.evidence.explaining import cause_of, name_code, name_status
from mapiproxy.evidence.failures import Failure, Failures
from mapiproxy.evidence.fate import Fate
from mapiproxy.evidence.gathering import Evidence, Loss
from mapiproxy.evidence.moments import show_clock, show_ms
from mapiproxy.evidence.patterns import LEAST, Run, events_of, longest_run, network_of, regular

#: Refusals in a row that are no handshake any more (policy/authloop.py says the same of live traffic).
_LOOP = 6
#: So long handshakes of many connections at once may take, in ms.
_BURST_MS = 10_000
#: Who is to look at it.
CLIENT, PATH, PROXY, BACKEND = "client", "path", "proxy", "backend"
#: Statuses with which the proxy says that the request itself was wrong.
_THEIR_FAULT = frozenset((400, 408, 413, 414, 417, 431, 501, 505))


@frozen
class Finding:
    """Something that is wrong.

    :ivar word: what sort of trouble it is; ``place`` whose: client, path (between client and proxy), proxy
        or backend.
    :ivar text: a line without word and without how many others have it.
    :ivar count: requests that it concerns, out of ``of``.
    :ivar weight: how bad it is if it concerns all of them.
    :ivar fates: how its rows count for others, to compare with.
    :ivar threshold: of a slow request, in ms; ``None`` if it is about something else.
    :ivar waits: whether it is about requests that take long by their nature, alone.
    """

    word: str
    place: str
    text: str
    count: int
    of: int
    weight: float
    backend: str = ""
    fates: frozenset[Fate] = frozenset()
    threshold: float | None = None
    waits: bool = False

    @property
    def share(self) -> float:
        return self.count / self.of if self.of else 0.0

    @property
    def matters(self) -> bool:
        """Whether it is more than what happens every day."""
        return (self.count >= 3 and self.share >= 0.05) or (self.count >= 2 and self.share >= 0.5)


def many(number: int, one: str, more: str | None = None) -> str:
    """``1 request``, ``1 204 requests``: a space between thousands."""
    text = f"{number:,}".replace(",", " ")
    return f"{text} {one if number == 1 else more or one + 's'}"


def refused(evidence: Evidence) -> Iterator[Finding]:
    """The proxy answered by itself: nobody was fit, or it did not want to."""
    for fate in (Fate.NO_BACKEND, Fate.REFUSED):
        for status, groups in _by(evidence, fate, lambda failure: failure.status):
            count, first, said = _sum(groups)
            unreachable = any(failure.error_code == "ConnectFailed" for failure, _ in groups)
            if fate is Fate.NO_BACKEND:
                place, what = BACKEND, "no backend could be reached" if unreachable else "no backend fit"
            elif status in _THEIR_FAULT:
                place, what = CLIENT, "the requests themselves"
            elif status == 500:
                codes = ", ".join(sorted({failure.error_code for failure, _ in groups} - {""})[:3])
                place, what = PROXY, f"the proxy itself failed, {codes}".removesuffix(", ")
            else:
                place, what = PROXY, "by the proxy's rules"
            text = f"{what} ({status}) since {show_clock(first)}, {_of(count, evidence.me.count)}"
            text += f": {said}" if said else ""
            yield Finding("refused", place, text, count, evidence.me.count, 3.0, fates=frozenset((fate,)))


def auth_loop(evidence: Evidence) -> Iterator[Finding]:
    """401 after 401 of one program without an answer in between."""
    programs: defaultdict[tuple[str, str], list[tuple[int, bool]]] = defaultdict(list)
    for program, at, refused in evidence.details.answers:
        programs[program].append((at, refused))
    loops = [
        (run, client, answers)
        for (client, _), answers in programs.items()
        if (run := longest_run(answers)) is not None and _is_loop(run, evidence)
    ]
    if not loops:
        return
    run, client, answers = max(loops, key=lambda loop: loop[0].count)
    more = f" and {len(loops) - 1} more" if len(loops) > 1 else ""
    took = show_ms(run.last - run.first)
    text = (
        f"{run.count} refusals in a row within {took} from {show_clock(run.first)}, client {client}{more}:"
        " credentials are refused (wrong password, locked account, Extended Protection),"
        " or something between breaks the handshake"
    )
    fates = frozenset((Fate.CHALLENGE,))
    challenges = sum(refused for _, refused in answers)
    yield Finding("401 loop", CLIENT, text, challenges, len(answers), 3.0, fates=fates)


def _is_loop(run: Run, evidence: Evidence) -> bool:
    """An Outlook that starts opens many connections, each with its handshake: that is none."""
    if run.count < _LOOP or run.last - run.first >= _BURST_MS:
        return run.count >= _LOOP
    return all(refused for _, at, refused in evidence.details.answers if at > run.last)


def stripped(evidence: Evidence) -> Iterator[Finding]:
    """Something in between takes headers or cookies away (complaints 38 and 39)."""
    details = evidence.details
    clients = _names(details.clients.groups)
    if details.stripped:
        text = (
            f"{_of(details.stripped, evidence.me.count)} came without X-RequestType and X-RequestId from"
            f" {clients} -> something between there and us strips X-* headers"
        )
        fates = frozenset((Fate.CODE, Fate.BACKEND_DENIED))
        yield Finding("stripped", PATH, text, details.stripped, evidence.me.count, 4.0, fates=fates)
    if details.cookieless:
        text = (
            f"{_of(details.cookieless, details.within)} within a session came without its cookie from"
            f" {clients} -> something between there and us strips Cookie"
        )
        yield Finding("stripped", PATH, text, details.cookieless, details.within, 4.0)


def lost(evidence: Evidence) -> Iterator[Finding]:
    """Connections that broke, by the side that broke; with the device that did it, if they show one."""
    for fate in (Fate.CLIENT_LOST, Fate.BACKEND_LOST, Fate.BROKEN, Fate.BACKEND_SILENT):
        losses = [loss for loss in evidence.details.losses if loss.fate is fate]
        if not losses:
            continue
        waits = [loss for loss in losses if loss.wait]
        events = events_of((loss.at, loss.ms) for loss in losses)
        # An Outlook that is closed ends its waits together, as they began.
        pattern = regular([loss.ms for loss in losses]) if regular(events) is not None else None
        backend = _most(loss.backend for loss in losses)
        network = _most(network_of(loss.client) for loss in losses)
        if pattern is not None and fate is not Fate.BACKEND_SILENT:
            limit = f"{pattern.ms / 1000:.0f} s"
            among = f", {pattern.count} of {pattern.of} losses" if pattern.count < pattern.of else ""
            waiting = "of waiting" if len(waits) * 2 >= len(losses) else "under way"
            place, side, between = {
                Fate.CLIENT_LOST: (PATH, "client's path", f"between {network} and us"),
                Fate.BACKEND_LOST: (BACKEND, f"path to backend {backend}", f"between us and {backend}"),
            }.get(fate, (PATH, "one of the paths", "before or behind the proxy"))
            spread = f" (+/- {pattern.spread / 1000:.1f} s{among})"
            cut = many(pattern.count, "connection")
            text = f"{side}, {cut} cut after {pattern.ms / 1000:.1f} s {waiting}{spread}"
            text += f" -> a {limit} device sits {between}"
        else:
            place, side = {
                Fate.CLIENT_LOST: (CLIENT, "client or its path"),
                Fate.BACKEND_LOST: (BACKEND, f"backend {backend}"),
                Fate.BACKEND_SILENT: (BACKEND, f"backend {backend} fell silent"),
            }.get(fate, (PATH, "streams broke, the rows do not say on which side"))
            text = f"{side}, {_of(len(losses), evidence.me.count)} cut ({_sorts(losses)}; {_phases(losses)})"
        count, of = len(losses), evidence.me.count
        # Waits are few: as a share of all requests they would look like nothing.
        of_waits = len(waits) * 2 >= len(losses)
        if pattern is None:  # a laptop that sleeps cuts some of its waits, not most
            of_waits = of_waits and len(waits) * 2 >= evidence.me.waits and len(events) >= LEAST
        if of_waits:
            count, of = len(waits), evidence.me.waits
        yield Finding("lost", place, text, count, of, 2.5, backend, frozenset((fate,)), waits=of_waits)


def failing(evidence: Evidence) -> Iterator[Finding]:
    """The backend's own errors, by status."""
    for fate, word, weight in ((Fate.BACKEND_ERROR, "error", 2.0), (Fate.BACKEND_DENIED, "denied", 1.5)):
        for status, groups in _by(evidence, fate, lambda failure: failure.status):
            count, first, _ = _sum(groups)
            backend = _most(failure.backend for failure, _ in groups)
            text = (
                f"backend {backend} itself answered {name_status(status)} to {_of(count, evidence.me.count)},"
                f" since {show_clock(first)}"
            )
            of = evidence.me.count
            yield Finding(word, BACKEND, text, count, of, weight, backend, frozenset((fate,)))
    for fate, place, what in (
        (Fate.CLIENT_SILENT, CLIENT, "the client stopped in the middle of its request"),
        (Fate.SHUTDOWN, PROXY, "the proxy was stopped"),
    ):
        count = evidence.me.fates[fate]
        if count:
            text = f"{what}, {_of(count, evidence.me.count)}"
            yield Finding("cut", place, text, count, evidence.me.count, 2.0, fates=frozenset((fate,)))


def codes(evidence: Evidence) -> Iterator[Finding]:
    """Codes within a 200."""
    for code, groups in _by(evidence, Fate.CODE, lambda failure: failure.code):
        count, first, said = _sum(groups)
        backend = _most(failure.backend for failure, _ in groups)
        kind = evidence.details.failures.kind_of(backend)
        number = code or 0
        name, cause = name_code(number, kind), cause_of(number, kind)
        who = f"backend {backend}" if backend else "the proxy"
        text = f"{who} answered X-ResponseCode {number} ({name}) to {_of(count, evidence.me.count)}"
        text += f", since {show_clock(first)}"
        text += f": {said or cause}" if said or cause else ""
        place = BACKEND if backend else PROXY
        of = evidence.me.count
        yield Finding("code", place, text, count, of, 2.0, backend, frozenset((Fate.CODE,)))


def held_back(evidence: Evidence) -> Iterator[Finding]:
    """Waits without a PENDING: buffered on the way, or hanging (complaint 21)."""
    details = evidence.details
    if details.silent_waits:
        backend = evidence.backends[0] if evidence.backends else "?"
        text = (
            f"{details.silent_waits} of {many(details.waits, 'wait')} ran longer than 65 s without one"
            f" PENDING -> something between us and {backend} holds answers back, or it hangs"
        )
        yield Finding("held back", BACKEND, text, details.silent_waits, details.waits, 2.0, backend)


def leaked(evidence: Evidence) -> Iterator[Finding]:
    """Sessions that are begun again without the old one's cookies stay on the server (complaint 38)."""
    count = evidence.details.reconnects
    if count:
        text = (
            f"{_of(count, evidence.me.count)} began a session anew without the cookies of the old one,"
            " which the server keeps until it expires (32 for a user, by default)"
        )
        yield Finding("leak", CLIENT, text, count, evidence.me.count, 1.0)


def moved(evidence: Evidence) -> Iterator[Finding]:
    """A session that goes to and fro between backends."""
    details = evidence.details
    if details.moved:
        at, before, after = details.moves[-1]
        times = "once" if details.moved == 1 else f"{details.moved} times"
        text = f"session moved {times}, last from {before} to {after} at {show_clock(at)}"
        # Once is what a drain does.
        of = max(4, details.moved) if details.moved < 3 else details.moved
        yield Finding("moved", BACKEND, text, details.moved if details.moved > 2 else 0, of, 1.0, after)


def _by(
    evidence: Evidence, fate: Fate, key: Callable[[Failure], int | None]
) -> list[tuple[int | None, list[tuple[Failure, Failures]]]]:
    """Groups of failures of that fate by a key of theirs, the most frequent first."""
    found: defaultdict[int | None, list[tuple[Failure, Failures]]] = defaultdict(list)
    for failure, group in evidence.details.failures.ranked():
        if failure.fate is fate:
            found[key(failure)].append((failure, group))
    return sorted(found.items(), key=lambda item: -sum(group.count for _, group in item[1]))


def _sum(groups: list[tuple[Failure, Failures]]) -> tuple[int, int, str]:
    """How many, since when, and what was said of the most frequent."""
    firsts = [group.first for _, group in groups if group.first is not None]
    return sum(group.count for _, group in groups), min(firsts, default=0), groups[0][1].said


def _most(values: Iterator[str]) -> str:
    counts = Counter(value for value in values if value)
    return counts.most_common(1)[0][0] if counts else ""


def _names(groups: Iterable[str]) -> str:
    names = [name for name in groups if name]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _of(count: int, all_of_them: int) -> str:
    return f"{count} of {many(all_of_them, 'request')}"


def _sorts(losses: list[Loss]) -> str:
    counts = Counter(loss.sort for loss in losses)
    return ", ".join(f"{sort} {count}" for sort, count in counts.most_common(3))


def _phases(losses: list[Loss]) -> str:
    counts = Counter(loss.phase or "?" for loss in losses)
    return "in phase " + ", ".join(f"{phase} {count}" for phase, count in counts.most_common(3))
