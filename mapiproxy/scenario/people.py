"""People with an Outlook, as scenarios know them: started, killed and started again, moving between networks.

How an Outlook works and lives through things is the laboratory's (mapiproxy.lab.outlook).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from attrs import define, field

from mapiproxy.lab.dialing import Address
from mapiproxy.lab.happening import Tell
from mapiproxy.lab.outlook import PROFILES, Book, Outlook, Receipts
from mapiproxy.lab.outlook.book import summed
from mapiproxy.lab.users import LabUser


@define
class Roaming:
    """An address that depends on the network one is in; has what :class:`Address` has.

    :ivar ports: network to the port where the way to the proxy begins there.
    """

    network: str
    ports: Mapping[str, int]
    there: Address
    ca_file: Path | None = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.ca_file = self.there.ca_file

    host = property(lambda self: self.there.host)
    name = property(lambda self: self.there.name)
    tls = property(lambda self: self.there.tls)
    authority = property(lambda self: self.there.authority)
    url = property(lambda self: self.there.url)

    @property
    def port(self) -> int:
        """Where connections go."""
        return self.ports.get(self.network, self.there.port)


class Person:
    """One of them.

    :param make: makes an Outlook that has not begun.
    :ivar outlook: the process that runs, or ran last.
    """

    def __init__(
        self,
        name: str,
        user: LabUser,
        roaming: Roaming,
        sources: Callable[[str], str],
        make: Callable[[], Outlook],
    ) -> None:
        self.name = name
        self.user = user
        self.roaming = roaming
        self.outlook = make()
        self._make = make
        self._sources = sources
        self._past: list[Book] = []

    @property
    def book(self) -> Book:
        """What they saw so far, in all processes."""
        return summed([*self._past, self.outlook.book])

    def open(self) -> None:
        """Start Outlook, if it does not run."""
        if self.outlook.ended:
            self._past.append(self.outlook.book)
            self.outlook = self._make()
        if not self.outlook.began:
            self.outlook.start()

    async def end(self) -> None:
        """No more of it, at once."""
        self.outlook.kill()

    def move(self, network: str, gap: float, reset: bool) -> None:
        """To another network, and another address there."""
        self.roaming.network = network
        self.outlook.switch_network(self._sources(network), gap=gap, reset=reset)


def make_person(
    name: str,
    user: LabUser,
    others: Sequence[LabUser],
    *,
    reactor: Any,
    roaming: Roaming,
    profile: str,
    pace: float,
    kind: str,
    random: Random,
    sources: Callable[[str], str],
    tls: Any,
    tell: Tell,
    receipts: Receipts | None,
    lab: bool,
) -> Person:
    """Somebody whose Outlook has not been started.

    :param sources: network to the address that they have in it.
    :param lab: whether the servers are the laboratory's.
    """
    chosen = PROFILES[profile].paced(pace)

    def make() -> Outlook:
        return Outlook(
            reactor,
            roaming,  # type: ignore[arg-type]
            user,
            random=random,
            profile=chosen,
            tell=tell,
            kind=kind,
            mailboxes=others,
            lab=lab,
            source=sources(roaming.network) if lab else None,
            tls=tls,
            receipts=receipts,
        )

    return Person(name, user, roaming, sources, make)


def book_facts(book: Book, now: float) -> dict[str, Any]:
    """A book under the names of subjects.SUBJECTS. *now* is when an outage that lasts is looked at."""
    return {
        "connects": book.connects,
        "reconnects": book.connects_with_cookies,
        "contexts_lost": book.contexts_lost,
        "executes": book.executes_answered,
        "executes_unknown": book.executes_unknown,
        "executes_not_sent": book.executes_not_sent,
        "executes_refused": book.executes_refused,
        "wrong_answers": book.wrong_answers,
        "bad_answers": book.bad_answers,
        "duplicates": book.duplicates,
        "waits": book.waits,
        "waits_lost": book.waits_lost,
        "waits_rejected": book.waits_rejected,
        "notifications": book.notifications,
        "pings": book.pings,
        "codes": _named(book.codes, 0),
        "statuses": _named(book.statuses, 200),
        "dials": book.dials,
        "dials_refused": book.dials_refused,
        "outages": book.outages + (book.outage_open is not None),
        "outage_max": book.outage_until(now),
        "offline": int(book.outage_open is not None),
        "recovery_max": book.recovery_max,
        "unrecovered": book.unrecovered,
        "execute_max": book.slowest,
        "pending_gap_max": book.pending_gap_max,
        "mail_late_max": book.late_max,
        "mail_shown": book.mail,
        "backend_switches": book.backend_switches,
        "crashes": len(book.crashes),
        "wrong": list(book.wrong),
        "crashed": list(book.crashes),
    }


def _named(counts: Counter[int], fine: int) -> dict[str, int]:
    return {str(code): count for code, count in sorted(counts.items()) if code != fine}
