"""``mapiproxy log top``: who or what asks most, fails most, takes longest."""

from __future__ import annotations

import json
from pathlib import Path

import click
from attrs import frozen
from rich.console import Console
from rich.table import Table

from mapiproxy.commands.asking import console, fits, lines_of, plain
from mapiproxy.commands.logfiles import (
    Advance,
    config_option,
    files_of,
    needed,
    now_ms,
    place_of,
    rows_of,
    tell_troubles,
)
from mapiproxy.commands.prose import say
from mapiproxy.commands.sessions import shorten
from mapiproxy.commands.windows import Span, WindowCommand, span_of, windowed
from mapiproxy.evidence.findings import many
from mapiproxy.evidence.moments import show_moment, show_ms
from mapiproxy.evidence.reading import Troubles, Window
from mapiproxy.evidence.sketch import ERROR
from mapiproxy.evidence.toplist import KEYS, ORDERS, Tally, TopList


@click.command(cls=WindowCommand, short_help="Who or what asks most, fails most, takes longest.")
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(path_type=Path))
@click.option(
    "--by", default="user", show_default=True, type=click.Choice(list(KEYS)), help="What is grouped."
)
@click.option("--order", default="count", show_default=True, type=click.Choice(ORDERS), help="What is first.")
@click.option("-n", "most", default=20, show_default=True, type=click.IntRange(1), help="So many groups.")
@windowed
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
def top(
    paths: tuple[Path, ...],
    by: str,
    order: str,
    most: int,
    since: str | None,
    until: str | None,
    at_end: bool,
    config: Path | None,
    as_json: bool,
) -> None:
    """Sum up a log by user, client, backend, request type, mailbox or build.

    Latencies are those of requests that do not wait by their nature: NotificationWait, channels of Outlook
    Anywhere and Ping of ActiveSync are counted apart. Exits with 2 if there is nothing to sum up.
    """
    files = files_of(place_of(paths, config).paths)
    span = span_of(since, until, at_end, files, now_ms())
    files = needed(files, span.since, span.until)
    troubles = Troubles()
    summed = TopList(by)
    with Advance(files, troubles) as advance:
        summed.read(rows_of(files, troubles, Window(span.since, span.until), advance))
    summed.finish()
    if as_json:
        answer = {
            **summed.as_plain(most, order),
            "window": span.as_plain(),
            "files": len(files),
            "broken": troubles.broken,
            "broken_rows": troubles.named,
        }
        click.echo(json.dumps(answer, indent=2))
    else:
        tell_troubles(troubles)
        show(summed, most, order, span, console(patient=True))
    raise SystemExit(0 if summed.all.count else 2)


@frozen
class _Wide:
    """Which columns there is room for."""

    challenges: bool
    waits: bool
    split_bytes: bool
    p99: bool
    name: int


_WIDTHS = (
    _Wide(True, True, True, True, 60),
    _Wide(True, True, True, True, 32),
    _Wide(True, True, False, True, 24),
    _Wide(False, True, False, True, 20),
    _Wide(False, True, False, False, 16),
)


def show(summed: TopList, most: int, order: str, span: Span, out: Console) -> None:
    """Print the groups for a person: as many columns as there is room for."""
    if not summed.all.count:
        say(out, f"no requests in {span.words}")
        return
    tables = (_table(summed, most, order, wide) for wide in _WIDTHS)
    table = next((each for each in tables if fits(each, out)), _table(summed, most, order, _WIDTHS[-1]))
    for line in lines_of(table, out):
        out.print(line, soft_wrap=True)
    assert summed.first is not None
    assert summed.last is not None
    say(
        out,
        f"{many(summed.all.count, 'request')}, {show_moment(summed.first)} to"
        f" {show_moment(summed.last)} UTC; latencies within {ERROR:.0%}, without waits and channels",
        "dim",
    )
    if summed.groups.folds:
        text = (
            "the smaller groups did not fit into memory: figures of those shown are never more than the truth"
        )
        say(out, text, "yellow")


def _table(summed: TopList, most: int, order: str, wide: _Wide) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column(summed.by, no_wrap=True)
    titles = ["requests", "errors", "401" if wide.challenges else "", "p50", "p95"]
    titles += ["p99" if wide.p99 else "", "max", "waits" if wide.waits else ""]
    titles += ["in", "out"] if wide.split_bytes else ["bytes"]
    for title in titles:
        if title:
            table.add_column(title, justify="right", no_wrap=True)
    rows = summed.top(most, order)
    for name, tally in rows:
        table.add_row(plain(shorten(name, wide.name)), *_cells(tally, wide))
    number, others = summed.rest(most, order)
    if number:
        exact = "" if not summed.groups.folds else "<= "
        table.add_row(f"({exact}{number} others)", *_cells(others, wide), style="dim")
    if len(rows) > 1:
        table.add_row("all", *_cells(summed.all, wide), style="bold")
    return table


def _cells(tally: Tally, wide: _Wide) -> list[str]:
    times = tally.times
    cells = [f"{tally.count}", f"{tally.errors}"]
    if wide.challenges:
        cells.append(f"{tally.challenges}")
    for share in (0.5, 0.95, 0.99) if wide.p99 else (0.5, 0.95):
        cells.append(show_ms(times.quantile(share)) if times.count else "-")
    cells.append(show_ms(times.most) if times.count else "-")
    if wide.waits:
        cells.append(f"{tally.waits}")
    if wide.split_bytes:
        return [*cells, show_bytes(tally.bytes_in), show_bytes(tally.bytes_out)]
    return [*cells, show_bytes(tally.bytes_in + tally.bytes_out)]


def show_bytes(count: int) -> str:
    """``812 B``, ``4.2 MB``"""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 999.5:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 99.5 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
