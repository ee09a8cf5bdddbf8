"""``mapiproxy sessions``: who is here, on which server, doing what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from mapiproxy.commands.asking import asking, console, order, show_seconds


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
    """Print sessions for a person."""
    table = Table(box=None, header_style="bold")
    table.add_column("session", no_wrap=True)
    table.add_column("on", no_wrap=True)
    table.add_column("of", no_wrap=True)
    table.add_column("who", overflow="ellipsis", no_wrap=True)
    table.add_column("client", no_wrap=True)
    for title in ("req", "conn", "idle", "ends in"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("now")
    for row in reply["sessions"]:
        table.add_row(
            row["id"][:8],
            row["backend"],
            row["endpoint"],
            shorten(row["user"] or row["mailbox"] or "?"),
            row["client"],
            str(row["requests"]),
            str(row["connections"]),
            show_seconds(row["idle"]),
            show_seconds(row["expires_in"]),
            "; ".join(call(each) for each in row["current"]) or "-",
        )
    out.print(table)
    more = reply["total"] - len(reply["sessions"])
    if more > 0:
        out.print(f"... and {more} more (--limit)")


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
