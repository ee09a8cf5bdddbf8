"""``mapiproxy lab crowd``: thousands of Outlooks in one process, against a proxy or a server of the lab.

Bounded in number and in time, and loopback only unless told otherwise: a crowd is a load that nobody should
meet by mistake. What the clients do and judge is lab/outlook's business; here it is started and shown.
"""

from __future__ import annotations

import ipaddress
import json
import random
import resource
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
from rich.console import Console
from rich.table import Table
from twisted.internet.defer import Deferred

from mapiproxy.commands.asking import plain
from mapiproxy.commands.durations import Duration
from mapiproxy.lab.dialing import Address
from mapiproxy.lab.errors import DialFailed
from mapiproxy.lab.outlook import CACHED, ONLINE, Book, Crowd, Profile
from mapiproxy.lab.users import crowd_users

#: Connections of one Outlook: two for each of two mailboxes, one for the address book; and some to spare.
_SOCKETS = 6
_MOST = 20_000
_LONGEST = 24 * 3600.0
#: How often the summary is renewed: on a terminal, and elsewhere.
_OFTEN, _SELDOM = 1.0, 5.0
_MIXES: dict[str, tuple[Profile, ...]] = {
    "cached": (CACHED,),
    "online": (ONLINE,),
    "mixed": (CACHED, CACHED, CACHED, ONLINE),
}


@click.command(short_help="Let many Outlooks loose on a proxy or a server, and keep their book.")
@click.option("--url", required=True, help="Where: https://HOST:PORT or http://HOST:PORT.")
@click.option("--clients", type=click.IntRange(1, _MOST), default=100, show_default=True, help="How many.")
@click.option("--duration", type=Duration(), default="30s", show_default=True, help="How long they work.")
@click.option("--within", type=Duration(), help="They start within this time; default: a third of it.")
@click.option("--profile", type=click.Choice(tuple(_MIXES)), default="mixed", show_default=True)
@click.option(
    "--pace", type=click.FloatRange(0.01, 1000), default=1.0, show_default=True, help="Times as fast."
)
@click.option("--kind", type=click.Choice(("exchange", "grommunio")), default="exchange", show_default=True)
@click.option(
    "--ca-file", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Whom to trust."
)
@click.option("--name", help="Whom to expect there (certificate, Host); default: the URL's host.")
@click.option("--source", multiple=True, metavar="ADDRESS", help="Where to come from; may be repeated.")
@click.option("--domain", default="example.test", show_default=True, help="Of the mailboxes u00001@...")
@click.option("--password", default="secret", show_default=True, help="Of all of them.")
@click.option("--alone", is_flag=True, help="Nobody opens a shared mailbox.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--anywhere", is_flag=True, help="The URL may lead to another machine.")
@click.option("--json", "as_json", is_flag=True, help="Print the book, and nothing else.")
def crowd(url: str, clients: int, duration: float, within: float | None, **asked: Any) -> None:
    """Many Outlooks work against URL, then the sum of their books is printed.

    The mailboxes are those of a lab server that was started with --crowd. Exit status: 0, or 1 if an answer
    was somebody else's, or if nobody could work.
    """
    from twisted.internet import reactor

    if duration > _LONGEST:
        raise click.UsageError("--duration is at most 24h")
    address = address_of(url, asked["name"], asked["ca_file"], asked["anywhere"])
    allow_sockets(clients * _SOCKETS + 100)
    users = crowd_users(clients, asked["password"], asked["domain"])
    try:
        made = Crowd(
            reactor,
            address,
            list(users)[:clients],
            random=random.Random(asked["seed"]),
            profiles=[profile.paced(asked["pace"]) for profile in _MIXES[asked["profile"]]],
            sources=asked["source"],
            known=None if asked["alone"] else users,
            kind=asked["kind"],
        )
    except DialFailed as error:
        raise click.ClickException(str(error)) from None
    show = Show(Console(stderr=asked["as_json"], highlight=False), asked["as_json"])
    run = Run(reactor, made, show, duration, duration / 3 if within is None else within)
    reactor.callWhenRunning(run.begin)
    reactor.run()
    if asked["as_json"]:
        click.echo(json.dumps(run.book.as_dict()))
    raise SystemExit(1 if run.book.faults() or not run.book.executes_answered else 0)


def address_of(url: str, name: str | None, ca_file: Path | None, anywhere: bool) -> Address:
    """Where the crowd goes. :raise click.UsageError: no such URL, or not this machine."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise click.UsageError(f"--url {plain(url)}: {error}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/"):
        raise click.UsageError(f"--url {plain(url)}: write https://HOST:PORT or http://HOST:PORT")
    if not anywhere and not is_here(parts.hostname):
        raise click.UsageError(
            f"{plain(parts.hostname)} is not this machine's loopback; --anywhere if the load is meant for it"
        )
    host = "127.0.0.1" if parts.hostname == "localhost" else parts.hostname
    tls = parts.scheme == "https"
    return Address(host, port or (443 if tls else 80), name or parts.hostname, tls, ca_file)


def is_here(host: str) -> bool:
    """Whether every address of a host is a loopback one."""
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(host, None)}
    except (OSError, UnicodeError):
        return False
    return all(ipaddress.ip_address(each.partition("%")[0]).is_loopback for each in found)


def allow_sockets(count: int) -> None:
    """Raise this process's limit of open files. :raise click.ClickException: the system's own is too low."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= count or soft == resource.RLIM_INFINITY:
        return
    if hard != resource.RLIM_INFINITY and hard < count:
        raise click.ClickException(
            f"so many clients may need {count} sockets, and this process may open {hard} files (ulimit -Hn)"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


class Run:
    """From the first start to the last farewell.

    :ivar book: the sum, when it is over.
    """

    def __init__(self, reactor: Any, crowd: Crowd, show: Show, duration: float, within: float) -> None:
        self.book = Book(outlooks=0)
        self._reactor = reactor
        self._crowd = crowd
        self._show = show
        self._duration = duration
        self._within = within
        self._began = 0.0
        self._over = False

    def begin(self) -> None:
        """Called when the reactor runs."""
        self._began = self._reactor.seconds()
        self._reactor.addSystemEventTrigger("before", "shutdown", self._end)
        self._reactor.callLater(self._duration, self._reactor.stop)
        self._crowd.start(min(self._within, self._duration))
        self._look()

    def _look(self) -> None:
        if not self._over:
            self._show.line(self._reactor.seconds() - self._began, self._crowd)
            self._reactor.callLater(self._show.interval, self._look)

    def _end(self) -> Deferred[None]:
        # The book is of the time in which they worked: closing is not part of it.
        self._over = True
        now = self._reactor.seconds()
        self.book = self._crowd.book()
        self._show.table(self.book, now - self._began, now)
        return Deferred.fromCoroutine(self._crowd.close())


class Show:
    """Prints: a line now and then, and a table in the end."""

    def __init__(self, console: Console, quiet: bool) -> None:
        self._console = console
        self._quiet = quiet
        self.interval = _OFTEN if console.is_terminal else _SELDOM

    def line(self, passed: float, crowd: Crowd) -> None:
        book = crowd.book()
        text = (
            f"{passed:6.0f} s  started {crowd.started}, ready {crowd.ready}; "
            f"Executes {book.executes_answered} answered, {book.executes_unknown} unknown; "
            f"mail {book.mail}, late {book.late_max:.2f} s at most; "
            f"Connects {book.connects}; wrong {book.wrong_answers}"
        )
        self._console.print(text, end="\r" if self._console.is_terminal else "\n", soft_wrap=True)

    def table(self, book: Book, seconds: float, now: float) -> None:
        if self._quiet:
            return
        table = Table(title=f"{book.outlooks} Outlooks, {seconds:.0f} s", title_justify="left", min_width=60)
        table.add_column("what")
        table.add_column("how much", justify="right")
        for name, value in rows(book, now):
            table.add_row(name, value)
        self._console.print(table)
        faults = book.faults()
        for fault in faults[:12]:
            self._console.print(f"WRONG  {plain(fault)}", style="bold red", markup=False)
        for trouble, count in book.dial_troubles.most_common(3):
            self._console.print(f"{count} times no connection: {plain(trouble)}", markup=False)
        if not book.executes_answered:
            self._console.print("nobody could work", style="bold red")
        else:
            self._console.print(f"{len(faults)} things wrong" if faults else "nothing wrong")


def rows(book: Book, now: float) -> list[tuple[str, str]]:
    """The table's lines: what a person looks at first."""
    mean = book.time_sum / book.executes_answered if book.executes_answered else 0.0
    late = book.late_sum / book.mail if book.mail else 0.0
    codes = ", ".join(f"{code}: {count}" for code, count in sorted(book.codes.items()))
    statuses = ", ".join(f"{status}: {count}" for status, count in sorted(book.statuses.items()))
    with_cookies = f"{book.connects} ({book.connects_with_cookies} with old cookies)"
    executes = f"{book.executes_sent} / {book.executes_answered} / {book.executes_unknown}"
    return [
        ("contexts made", with_cookies),
        ("contexts lost", str(book.contexts_lost)),
        ("Executes sent / answered / unknown", executes),
        ("Executes refused / not sent", f"{book.executes_refused} / {book.executes_not_sent}"),
        ("an Execute took, mean / most", f"{mean * 1000:.1f} ms / {book.slowest * 1000:.0f} ms"),
        ("waits / lost / rejected", f"{book.waits} / {book.waits_lost} / {book.waits_rejected}"),
        ("notifications", str(book.notifications)),
        ("mail", str(book.mail)),
        ("mail was late, mean / most", f"{late * 1000:.1f} ms / {book.late_max * 1000:.0f} ms"),
        ("PENDING, longest gap", f"{book.pending_gap_max:.1f} s"),
        ("PINGs", str(book.pings)),
        ("connections made / refused", f"{book.dials} / {book.dials_refused}"),
        ("other server than before", str(book.backend_switches)),
        ("outages", str(book.outages)),
        ("longest without service", f"{book.outage_until(now):.2f} s"),
        ("X-ResponseCodes", codes or "none"),
        ("HTTP statuses", statuses or "none"),
    ]
