"""``mapiproxy sessions``: who is here, on which server, doing what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mapiproxy.commands.asking import asking, console, fits, lines_of, order, plain, show_seconds


@click.command(short_help="The sessions that the running proxy knows.")
@click.option("--mailbox", help="Only those whose mailbox or user contains this.")
@click.option("--server", help="Only those on this server.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(0), help="So many at most.")
@asking
def sessions(path: Path, as_json: bool, mailbox: str | None, server: str | None, limit: int) -> None:
    """Show sessions, the last used first: client, mailbox, server, and what runs."""
    reply = order(path, as_json, "sessions", mailbox=mailbox, server=server, limit=limit)
    if reply is not None:
        show(reply, console())


def show(reply: dict[str, Any], out: Console) -> None:
    """Print sessions for a person: what runs stands in the row, or below it where that is too long."""
    rows = reply["sessions"]
    table = _table(rows, now=True)
    if fits(table, out):
        for line in lines_of(table, out):
            out.print(line, soft_wrap=True)
    else:
        _stack(rows, out)
    more = reply["total"] - len(rows)
    if more > 0:
        out.print(f"... and {more} more (--limit)")


def _table(rows: list[dict[str, Any]], now: bool, client: int = 39, who: int = 24) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("session", "on", "of", "who", "client"):
        table.add_column(title, no_wrap=True)
    for title in ("req", "conn", "idle", "ends in"):
        table.add_column(title, justify="right", no_wrap=True)
    if now:
        table.add_column("is", no_wrap=True)
        table.add_column("now", no_wrap=True)
    for row in rows:
        table.add_row(
            row["id"][:8],
            plain(row["backend"]),
            row["endpoint"],
            plain(shorten(row["user"] or row["mailbox"] or "?", who)),
            plain(shorten(row["client"], client)),
            str(row["requests"]),
            str(row["connections"]),
            show_seconds(row["idle"]),
            show_seconds(row["expires_in"]),
            *(_more(row) if now else ()),
        )
    return table


def _more(row: dict[str, Any]) -> tuple[Text, Text]:
    """What its client is, red where it is outside the support matrix, and what it does."""
    outside = row["mapi_http_supported"] is False
    calls = "; ".join(call(each) for each in row["current"]) or "-"
    return plain(shorten(row["client_class"], 40), "red" if outside else ""), plain(calls)


def _stack(rows: list[dict[str, Any]], out: Console) -> None:
    """The rows with their calls below them. What names a person or a client gives way, an id never."""
    widths = ((39, 24), (39, 16), (21, 16), (15, 12))
    tables = [_table(rows, now=False, client=client, who=who) for client, who in widths]
    table = next((each for each in tables if fits(each, out)), tables[-1])
    for line, row in zip(lines_of(table, out), [None, *rows], strict=True):
        out.print(line, soft_wrap=True)
        for each in row["current"] if row else ():
            out.print(Text.assemble("  ", plain(call(each), "cyan")), soft_wrap=True)


def call(running: dict[str, Any]) -> str:
    """``Execute wait 0.4s``; of a wait the PENDINGs and the age of the last sign of life."""
    words = f"{running['request_type'] or 'request'} {running['phase']} {show_seconds(running['seconds'])}"
    if running["request_type"] == "NotificationWait":
        words += f", {running['pulses']} PENDING, last sign {show_seconds(running['quiet'])} ago"
    return words


def shorten(text: str, most: int = 24) -> str:
    """Cut in the middle: both ends of a mailbox tell."""
    if len(text) <= most:
        return text
    return f"{text[: most // 2 - 1]}…{text[-(most // 2):]}"
