"""``mapiproxy log tail``: the last requests in lines that can be read, and further ones as they end."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from mapiproxy.commands.asking import console, plain
from mapiproxy.commands.following import Follower, last_rows
from mapiproxy.commands.logfiles import STDIN, config_option, files_of, place_of, tell_troubles
from mapiproxy.commands.sessions import shorten
from mapiproxy.evidence.fate import Fate, fate_of
from mapiproxy.evidence.moments import show_ms, stamp
from mapiproxy.evidence.reading import Troubles
from mapiproxy.evidence.row import Row
from mapiproxy.evidence.shares import PLACES, shares_of

#: Seconds between two looks at the files.
_PACE = 0.5


@click.command(short_help="The last requests, as they happen with -f.")
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(path_type=Path))
@click.option("-n", "count", default=20, show_default=True, type=click.IntRange(0), help="So many requests.")
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each request.")
def tail(paths: tuple[Path, ...], count: int, follow: bool, config: Path | None, as_json: bool) -> None:
    """Show when, who, what, where, the answer (status/X-ResponseCode), how long, and where the time went.

    Exits with 2 if there is nothing to show.
    """
    place = place_of(paths, config)
    if follow and STDIN in place.paths:
        raise click.UsageError("the standard input cannot be followed; give a file or a folder")
    if not follow:
        files_of(place.paths)
    troubles = Troubles()
    lines = Lines(console(), as_json)
    follower = Follower(place.paths, troubles)
    seen = follower.begin() if follow else None
    lines.show(last_rows(place.paths, count, troubles, seen))
    tell_troubles(troubles)
    if follow:
        keep_on(follower, troubles, lines)
    raise SystemExit(0 if lines.shown or follow else 2)


def keep_on(
    follower: Follower,
    troubles: Troubles,
    lines: Lines,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Show what comes, until Ctrl-C."""
    try:
        while True:
            _clear(troubles)
            lines.show(follower.poll())
            tell_troubles(troubles)
            sleep(_PACE)
    except (KeyboardInterrupt, BrokenPipeError):
        return


def _clear(troubles: Troubles) -> None:
    """What has been told is not told again."""
    troubles.broken = troubles.half = troubles.guessed = 0
    troubles.named.clear()


class Lines:
    """Rows as lines, one under the other as wide as the terminal is.

    :ivar shown: how many.
    """

    def __init__(self, out: Console, as_json: bool) -> None:
        self.shown = 0
        self._out = out
        self._json = as_json
        self._day = ""
        # A pipe has no width to keep to.
        extra = max(0, min(out.width, 160) - 80)
        self._user = 14 + extra // 3
        self._backend = 8 + extra // 6
        self._clock = 8 if extra < 20 else 12

    def show(self, rows: list[Row]) -> None:
        """Print rows in their order."""
        for row in rows:
            self.shown += 1
            if self._json:
                click.echo(json.dumps(as_plain(row)))
                continue
            day = stamp(row.at)[:10]
            if day != self._day:
                self._day = day
                self._out.print(plain(f"{day} (UTC)", "bold"))
            self._out.print(self.line(row), soft_wrap=True)

    def line(self, row: Row) -> Text:
        """One request."""
        fate = fate_of(row)
        style = _STYLES.get(fate, "red")
        if fate is Fate.FINE and row.is_wait:
            style = "dim"
        who = row.user or row.mailbox or row.client or "?"
        cells = (
            stamp(row.at)[11 : 11 + self._clock],
            _fixed(who, self._user),
            _fixed(row.sort, 16),
            _fixed(row.backend or "-", self._backend),
            f"{answer_of(row):<7}",
            f"{show_ms(row.total):>7}",
            _where(row, fate),
        )
        return plain(" ".join(cells).rstrip(), style)


_STYLES = {Fate.FINE: "", Fate.CHALLENGE: "yellow", Fate.CODE: "yellow"}


def _fixed(text: str, width: int) -> str:
    return f"{shorten(text, width):<{width}}"


def answer_of(row: Row) -> str:
    """``200/0``: status and X-ResponseCode; ``none`` if the client got no answer."""
    status = "none" if row.status is None else str(row.status)
    code = row.code
    return status if code is None else f"{status}/{code}"


def _where(row: Row, fate: Fate) -> str:
    """The place that took most of the time, and how it ended if not well."""
    shares = dict(zip(PLACES, shares_of(row).parts, strict=True))
    place = max(PLACES, key=lambda name: shares[name])
    took = f"{place} {show_ms(shares[place])}" if shares[place] and place != "proxy" else ""
    if shares["proxy"] and place == "proxy":
        took = f"proxy {show_ms(shares[place])}"
    if fate is Fate.FINE:
        return took
    ended = row.ending if row.ending not in ("Done", "") else row.error_code
    word = f"{ended or fate.value}/{row.phase}" if row.phase else ended or fate.value
    return f"{took}; {word}" if took else word


def as_plain(row: Row) -> dict[str, Any]:
    """For JSON; times in milliseconds."""
    return {
        "time": stamp(row.at),
        "request_id": row.request_id,
        "user": row.user or None,
        "mailbox": row.mailbox or None,
        "client": row.client or None,
        "type": row.sort,
        "backend": row.backend or None,
        "status": row.status,
        "backend_status": row.backend_status,
        "response_code": row.code,
        "error_code": row.error_code or None,
        "ending": row.ending,
        "phase": row.phase or None,
        "fate": fate_of(row).value,
        "total_ms": row.total,
        "where_ms": dict(zip(PLACES, shares_of(row).parts, strict=True)),
        "request_bytes": row.request_bytes,
        "response_bytes": row.response_bytes,
        "error": row.error or None,
    }
