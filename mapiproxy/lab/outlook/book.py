"""What the user of one Outlook saw, in numbers that a verdict can be made of. Holds no secret.

Books of many add up. What only a server knows (whether something was executed twice) is found by comparing
with its journal; see receipts.py.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from attrs import asdict, define, field, fields, frozen

#: So many texts of what was wrong, and so many recoveries, are kept; more are only counted.
_KEPT = 50


@frozen
class Recovery:
    """How long it took until the user could work again after an event in the machine's life.

    :ivar at: when the event was over (woken up, network there again); *seconds*: from then to the first
        Execute (a logon, too) that was answered well in the own mailbox.
    """

    label: str
    at: float
    seconds: float


@define
class Book:
    """Counts, unless something else is said.

    :ivar outlooks: how many processes this is the book of.
    :ivar connects: contexts that were made (Connect or Bind, answered well), of which
        *connects_with_cookies* carried those of an old one and *connects_without* did not.
    :ivar contexts_lost: contexts that a server said are gone, though the client had not given them up.
    :ivar executes_sent: given to a connection, each attempt; *executes_answered*: well; *executes_unknown*:
        sent whole and never answered whole; *executes_not_sent*: the connection went before; sent as it is on
        another one; *executes_refused*: answered by a status or code, so not executed.
    :ivar duplicates: refusals as out of sequence, though nothing was sent twice from here: somebody did.
    :ivar wrong_answers: answers that belong to another request or another mailbox; *wrong* says of the first
        ones what was wrong.
    :ivar bad_answers: no MAPI over HTTP, or broken off inside a well-made frame.
    :ivar codes: X-ResponseCode → how often, 0 included; *statuses*: HTTP status likewise.
    :ivar calls: X-RequestType → how often one was sent.
    :ivar logons_refused: mailboxes that could not be opened.
    :ivar dials: connections made; *dials_refused*: not made, and *dial_troubles* says why;
        *dials_offline*: not tried, without a network.
    :ivar waits: NotificationWaits asked for; *waits_lost*: cut or given up, of which
        *waits_reissued* were sent again in the same context; *waits_rejected*: another one was
        in the way; *waits_quiet*: ended without an event.
    :ivar notifications: waits that an event ended; *mail*: messages told of, each once; *late_max*: seconds
        from a message's arrival on the server to the answer that told of it, and *late_sum* (lab servers).
    :ivar pings: that were answered well.
    :ivar pending_gap_max: longest time between two signs of life of a call that was under way, in seconds.
    :ivar backend_switches: how often a context was answered by another server than before.
    :ivar outages: times that the user could not work; *outage_max* and *outage_sum*: seconds, over ones only;
        *outage_open*: since when on the reactor's clock one lasts, if one does.
    :ivar slowest: seconds of the slowest Execute that was answered well; *time_sum*: of all of them.
    :ivar life: event in the machine's life → how often.
    :ivar recoveries: of the first events; *recovery_max*: of all, in seconds; *unrecovered*: events that the
        user has not worked after yet.
    :ivar crashes: what broke in the simulation itself; has to be empty.
    """

    outlooks: int = 1
    connects: int = 0
    connects_with_cookies: int = 0
    connects_without: int = 0
    contexts_lost: int = 0
    executes_sent: int = 0
    executes_answered: int = 0
    executes_unknown: int = 0
    executes_not_sent: int = 0
    executes_refused: int = 0
    duplicates: int = 0
    wrong_answers: int = 0
    wrong: list[str] = field(factory=list)
    bad_answers: int = 0
    codes: Counter[int] = field(factory=Counter)
    statuses: Counter[int] = field(factory=Counter)
    calls: Counter[str] = field(factory=Counter)
    logons_refused: int = 0
    dials: int = 0
    dials_refused: int = 0
    dials_offline: int = 0
    dial_troubles: Counter[str] = field(factory=Counter)
    waits: int = 0
    waits_lost: int = 0
    waits_reissued: int = 0
    waits_rejected: int = 0
    waits_quiet: int = 0
    notifications: int = 0
    mail: int = 0
    late_max: float = 0.0
    late_sum: float = 0.0
    pings: int = 0
    pending_gap_max: float = 0.0
    backend_switches: int = 0
    outages: int = 0
    outage_max: float = 0.0
    outage_sum: float = 0.0
    outage_open: float | None = None
    slowest: float = 0.0
    time_sum: float = 0.0
    life: Counter[str] = field(factory=Counter)
    recoveries: list[Recovery] = field(factory=list)
    recovery_max: float = 0.0
    unrecovered: int = 0
    crashes: list[str] = field(factory=list)

    def mistaken(self, text: str) -> None:
        """An answer was somebody else's."""
        self.wrong_answers += 1
        if len(self.wrong) < _KEPT:
            self.wrong.append(text)

    def recovered(self, recovery: Recovery) -> None:
        self.recovery_max = max(self.recovery_max, recovery.seconds)
        if len(self.recoveries) < _KEPT:
            self.recoveries.append(recovery)

    def outage(self, seconds: float) -> None:
        """The user could not work for so long."""
        self.outages += 1
        self.outage_sum += seconds
        self.outage_max = max(self.outage_max, seconds)

    def outage_until(self, now: float) -> float:
        """The longest time without service, one that still lasts included."""
        lasting = 0.0 if self.outage_open is None else now - self.outage_open
        return max(self.outage_max, lasting)

    def faults(self) -> list[str]:
        """What must never be, in words; empty when nothing is wrong."""
        found = [*self.wrong, *(f"the simulation broke: {text}" for text in self.crashes)]
        if self.wrong_answers > len(self.wrong):
            found.append(f"{self.wrong_answers - len(self.wrong)} more wrong answers")
        if self.duplicates:
            found.append(f"{self.duplicates} times out of sequence, though nothing was sent twice")
        return found

    def add(self, other: Book) -> None:
        """Take another's numbers to one's own: the sum, or the largest."""
        for each in _FIELDS:
            mine, theirs = getattr(self, each), getattr(other, each)
            if each == "outage_open":
                known = [since for since in (mine, theirs) if since is not None]
                value: object = min(known, default=None)
            elif each.endswith("_max") or each == "slowest":
                value = max(mine, theirs)
            elif isinstance(mine, list):
                value = (mine + theirs)[:_KEPT]
            else:
                value = mine + theirs
            setattr(self, each, value)

    def as_dict(self) -> dict[str, Any]:
        """For JSON: keys of counters as texts, nothing left out."""
        told = asdict(self)
        for name in ("codes", "statuses", "calls", "life", "dial_troubles"):
            told[name] = {str(key): count for key, count in sorted(told[name].items())}
        return told


_FIELDS = [each.name for each in fields(Book)]


def summed(books: list[Book]) -> Book:
    """The book of all of them."""
    total = Book(outlooks=0)
    for book in books:
        total.add(book)
    return total
