"""``mapiproxy log errors``: what failed, grouped by how, with one line that explains each."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from mapiproxy.backends.kind import Kind
from mapiproxy.commands.asking import console, plain
from mapiproxy.commands.logfiles import (
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
from mapiproxy.commands.prose import say
from mapiproxy.commands.windows import Span, WindowCommand, span_of, windowed
from mapiproxy.evidence.explaining import name_code
from mapiproxy.evidence.failures import MOST_USERS, Failure, FailureList, Failures
from mapiproxy.evidence.findings import many
from mapiproxy.evidence.moments import show_moment
from mapiproxy.evidence.reading import Troubles, Window


@click.command(cls=WindowCommand, short_help="What failed, grouped and explained.")
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(path_type=Path))
@click.option("-n", "most", default=20, show_default=True, type=click.IntRange(1), help="So many groups.")
@windowed
@kind_option
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
def errors(
    paths: tuple[Path, ...],
    most: int,
    since: str | None,
    until: str | None,
    at_end: bool,
    kind: str | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Group what failed by backend, statuses, codes and phase, the most frequent first, and explain it.

    A 401 is how every handshake begins: they are counted, and are no errors. Exits with 0 if nothing failed,
    1 if something did, 2 if there is nothing to look at.
    """
    place = place_of(paths, config)
    files = files_of(place.paths)
    span = span_of(since, until, at_end, files, now_ms())
    files = needed(files, span.since, span.until)
    troubles = Troubles()
    found = FailureList(place.kinds, Kind(kind) if kind is not None else None)
    with Advance(files, troubles) as advance:
        found.read(rows_of(files, troubles, Window(span.since, span.until), advance))
    ranked = found.ranked()
    if as_json:
        answer = found.as_plain()
        answer["failures"] = answer["failures"][:most]
        answer |= {"window": span.as_plain(), "broken": troubles.broken, "broken_rows": troubles.named}
        click.echo(json.dumps(answer, indent=2))
    else:
        tell_troubles(troubles)
        show(found, ranked, most, span, console(patient=True))
    raise SystemExit(2 if not found.rows else 1 if ranked else 0)


def show(
    found: FailureList, ranked: list[tuple[Failure, Failures]], most: int, span: Span, out: Console
) -> None:
    """Print groups for a person: what, how often and since when; what it means; examples."""
    for failure, group in ranked[:most]:
        out.print(
            Text.assemble((f"{group.count:>7} ", "bold red"), plain(headline(found, failure, group), "bold")),
            soft_wrap=True,
        )
        for text, style in (
            (found.explain(failure), ""),
            (f"said: {group.said}" if group.said else "", "cyan"),
            (_when(group), "dim"),
            ("request ids: " + ", ".join(group.examples), "dim"),
        ):
            if text:
                say(out, text, style, 8)
    rest = ranked[most:]
    if rest:
        out.print(f"... and {len(rest)} more groups (-n), {sum(group.count for _, group in rest)} requests")
    if found.groups.others.count:
        out.print(f"... and {found.groups.others.count} failures in ways too many to keep apart")
    failed = sum(group.count for _, group in ranked) + found.groups.others.count
    text = f"{failed} of {many(found.rows, 'request')} failed, {found.challenges} were a 401: {span.words}"
    say(out, text, "bold" if failed else "green")


def headline(found: FailureList, failure: Failure, group: Failures) -> str:
    """``backend lost at EXCH1, none (backend 200), BackendDisconnect, Answer``"""
    where = f" at {failure.backend}" if failure.backend else ", no backend"
    statuses = "no answer" if failure.status is None else str(failure.status)
    if failure.status != failure.backend_status:
        theirs = "none" if failure.backend_status is None else str(failure.backend_status)
        statuses += f" (backend: {theirs})"
    parts = [f"{failure.fate.value}{where}", statuses]
    if failure.error_code:
        parts.append(failure.error_code)
    if failure.code:
        parts.append(f"code {failure.code} {name_code(failure.code, found.kind_of(failure.backend))}")
    ending = "" if failure.ending == "Done" or failure.ending == failure.error_code else failure.ending
    if ending or failure.phase:
        parts.append("/".join(each for each in (ending, failure.phase) if each))
    return ", ".join(parts)


def _when(group: Failures) -> str:
    if group.first is None or group.last is None:
        return ""
    users = f"{len(group.users)}+" if len(group.users) >= MOST_USERS else str(len(group.users))
    return (
        f"{show_moment(group.first)} to {show_moment(group.last)} UTC,"
        f" {users} {'user' if users == '1' else 'users'}"
    )
