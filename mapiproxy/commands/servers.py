"""``mapiproxy servers``: every server, how it is, what it does, and when it can be taken away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mapiproxy.commands.asking import asking, console, fits, lines_of, order, plain, show_seconds

_COLOURS = {"ready": "green", "drain": "yellow", "maint": "yellow"}


@click.command(short_help="The servers behind the running proxy.")
@asking
def servers(path: Path, as_json: bool) -> None:
    """Show every server: health, the last probe's timing, load, and how safe it is to take it away."""
    reply = order(path, as_json, "servers")
    if reply is not None:
        show(reply["servers"], console())


def show(rows: list[dict[str, Any]], out: Console) -> None:
    """Print servers for a person; where words are too long, numbers in columns say the same."""
    table = _table(rows, worded=True)
    for line in lines_of(table if fits(table, out) else _table(rows, worded=False), out):
        out.print(line, soft_wrap=True)
    for row in rows:
        probe = row["probe"] or {}
        if row["why"] is not None:
            out.print(Text.assemble(plain(row["name"], "red"), ": ", plain(row["why"])), soft_wrap=True)
        elif probe.get("ok") is False:
            said = plain(f"last probe: {probe['stage']}: {probe['text']}")
            out.print(Text.assemble(plain(row["name"], "yellow"), ": ", said), soft_wrap=True)


def _table(rows: list[dict[str, Any]], worded: bool) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("server", "pool", "state"):
        table.add_column(title, no_wrap=True)
    numbers = {"weight": "weight", "sess": "sessions", "conn": "connections"}
    if not worded:
        numbers |= {"exec": "executes", "wait": "waits"}
        if any(row["others"] for row in rows):
            numbers["other"] = "others"
    for title in (*numbers, *(("probe",) if worded else ("safe in", "probe ms"))):
        table.add_column(title, justify="right", no_wrap=True)
    if worded:
        table.add_column("to take it away", no_wrap=True)
    for row in rows:
        cells = [str(row[key]) for key in numbers.values()]
        probe = timing(row["probe"])
        if worded:
            cells += [probe, row["safe_text"]]
        else:
            free = "now" if row["safe_in"] == 0 else show_seconds(row["safe_in"])
            cells += [free, probe.removesuffix(" ms")]
        table.add_row(plain(row["name"]), plain(row["pool"]), state(row), *cells)
    return table


def state(row: dict[str, Any]) -> Text:
    """``ready UP 4m12s``, coloured."""
    admin = row["admin"]
    ends = row.get("drain_ends_in")
    left = f" ({show_seconds(ends)} left)" if ends is not None else ""
    up = ("UP", "green") if row["up"] else ("DOWN", "red")
    return Text.assemble((f"{admin}{left}", _COLOURS[admin]), " ", up, f" {show_seconds(row['since'])}")


def timing(probe: dict[str, Any] | None) -> str:
    """Connect, TLS, HTTP and body in milliseconds; ``-`` for a phase that was not reached."""
    if probe is None:
        return "none yet"
    phases = [probe[key] for key in ("connect_ms", "tls_ms", "http_ms", "body_ms")]
    if phases[1] is None and phases[2] is not None:
        del phases[1]  # plain HTTP
    return "+".join("-" if each is None else f"{each:.0f}" for each in phases) + " ms"
