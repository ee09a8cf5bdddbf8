"""``mapiproxy servers``: every server, how it is, what it does, and when it can be taken away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from mapiproxy.commands.asking import asking, console, order, show_seconds

_COLOURS = {"ready": "green", "drain": "yellow", "maint": "yellow"}


@click.command(short_help="The servers behind the running proxy.")
@asking
def servers(path: Path, as_json: bool) -> None:
    """Show every server: health, the last probe's timing, load, and how safe it is to take it away."""
    reply = order(path, as_json, "servers")
    if reply is not None:
        show(reply["servers"], console())


def show(rows: list[dict[str, Any]], out: Console) -> None:
    """Print servers for a person."""
    table = Table(box=None, header_style="bold")
    table.add_column("server", no_wrap=True)
    table.add_column("pool")
    table.add_column("state", no_wrap=True)
    for title in ("weight", "sess", "conn", "probe"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("to take it away")
    for row in rows:
        table.add_row(
            row["name"],
            row["pool"],
            state(row),
            *(str(row[key]) for key in ("weight", "sessions", "connections")),
            timing(row["probe"]),
            row["safe_text"],
        )
    out.print(table)
    for row in rows:
        probe = row["probe"] or {}
        if row["why"] is not None:
            out.print(f"[red]{row['name']}[/]: {row['why']}", soft_wrap=True)
        elif probe.get("ok") is False:
            said = f"last probe: {probe['stage']}: {probe['text']}"
            out.print(f"[yellow]{row['name']}[/]: {said}", soft_wrap=True)


def state(row: dict[str, Any]) -> str:
    """``ready UP 4m12s``, coloured."""
    admin = row["admin"]
    up = "[green]UP[/]" if row["up"] else "[red]DOWN[/]"
    ends = f" ({show_seconds(row['drain_ends_in'])} left)" if row.get("drain_ends_in") is not None else ""
    return f"[{_COLOURS[admin]}]{admin}{ends}[/] {up} {show_seconds(row['since'])}"


def timing(probe: dict[str, Any] | None) -> str:
    """Connect, TLS, HTTP and body in milliseconds; ``-`` for a phase that was not reached."""
    if probe is None:
        return "none yet"
    phases = [probe[key] for key in ("connect_ms", "tls_ms", "http_ms", "body_ms")]
    if phases[1] is None and phases[2] is not None:
        del phases[1]  # plain HTTP
    return "+".join("-" if each is None else f"{each:.0f}" for each in phases) + " ms"
