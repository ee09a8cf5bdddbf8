"""``mapiproxy why USER -5m``: is it us, the client, the path or the server?"""

from __future__ import annotations

import json
from pathlib import Path

import click

from mapiproxy.backends.kind import Kind
from mapiproxy.commands.asking import console
from mapiproxy.commands.logfiles import (
    STDIN,
    Advance,
    config_option,
    files_of,
    kind_option,
    needed,
    now_ms,
    place_of,
    rows_of,
    tell_troubles,
)
from mapiproxy.commands.showing import as_plain, show
from mapiproxy.commands.windows import WindowCommand, span_of, windowed
from mapiproxy.evidence.failures import FailureList
from mapiproxy.evidence.gathering import Evidence
from mapiproxy.evidence.judging import judge
from mapiproxy.evidence.reading import Troubles, Window
from mapiproxy.evidence.subject import Subject

#: What a live log is asked about if nothing is said.
USUAL = "15m"
#: Rows so long before the window still tell whose mailbox is whose, in ms.
_BEFORE = 2 * 3_600_000
#: Later than any row: 9999-12-31T23:59:59.999Z.
_NEVER = 253_402_300_799_999


@click.command(cls=WindowCommand, short_help="Is it us, the client, the path or the server?")
@click.argument("user")
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(path_type=Path))
@windowed
@kind_option
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
def why(
    user: str,
    paths: tuple[Path, ...],
    since: str | None,
    until: str | None,
    at_end: bool,
    kind: str | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Say in one line what is wrong for USER, and show the evidence.

    USER is DOMAIN\\user, user, user@domain, a mailbox's GUID or address, or a client's address. -5m means the
    last five minutes; without it, the last 15 of a log that goes on, or the whole of one that has ended.

    Exits with 0 if all is fine, 1 if a problem was found, 2 if there is no or not enough data.
    """
    try:
        subject = Subject(user)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="USER") from None
    place = place_of(paths, config)
    files = files_of(place.paths)
    span = span_of(since, until, at_end, files, now_ms(), USUAL)
    everything = files
    files = needed(everything, None if span.since is None else span.since - _BEFORE, span.until)
    older = [path for path in everything if path not in files and path != STDIN]
    troubles = Troubles()
    failures = FailureList(place.kinds, Kind(kind) if kind is not None else None)
    evidence = Evidence(subject, failures)
    window = Window(span.since, span.until, subject.needle)
    with Advance(files, troubles) as advance:
        evidence.read(rows_of(files, troubles, window, advance), span.since)
    evidence.finish()
    if not evidence.me.count and learn_from(older, subject):
        # Whoever gets nothing but 401 and 503 is named nowhere in the window.
        evidence = Evidence(subject, failures)
        evidence.read(rows_of(files, Troubles(), window), span.since)
        evidence.finish()
    verdict = judge(evidence)
    if as_json:
        answer = as_plain(evidence, verdict, span)
        answer |= {"broken": troubles.broken, "broken_rows": troubles.named}
        click.echo(json.dumps(answer, indent=2))
    else:
        tell_troubles(troubles)
        show(evidence, verdict, span, console(patient=True))
    raise SystemExit(verdict.exit_code)


def learn_from(files: list[Path], subject: Subject) -> bool:
    """Look for rows that name somebody, in the newest file that has some, for the mailbox that they tell."""
    for path in reversed(files):
        # A window that is over before it begins lets only rows with the needle through.
        window = Window(_NEVER, None, subject.needle)
        known = False
        for row in rows_of([path], Troubles(), window):
            if subject.names(row):
                subject.learn(row)
                known = True
        if known:
            return True
    return False
