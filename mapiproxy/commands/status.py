"""``mapiproxy status``: the process, its listeners, and how its pools decide."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from mapiproxy.commands.asking import asking, console, order, show_seconds

_AGAIN = {
    "resent": "sent again unseen",
    "refused": "answered 503",
    "broken": "connections broken (outcome unknown)",
    "lost": "told code 10 (session lost)",
}


@click.command(short_help="How the running proxy is.")
@asking
def status(path: Path, as_json: bool) -> None:
    """Show the running proxy: listeners, sessions, and how requests find their backend."""
    reply = order(path, as_json, "status")
    if reply is not None:
        show(reply, console())


def show(reply: dict[str, Any], out: Console) -> None:
    """Print a reply for a person."""
    state = "[yellow]stopping[/]" if reply["stopping"] else "[green]running[/]"
    lag = reply["lag"]
    out.print(
        f"mapiproxy {reply['version']}, {state} for {show_seconds(reply['uptime'])}, pid {reply['pid']}, "
        f"configuration {reply['generation']}"
    )
    if reply["file"]:
        out.print(f"from {reply['file']}", soft_wrap=True)
    colour = "red" if lag["now"] > 0.5 else "none"
    out.print(f"[{colour}]own lag {lag['now'] * 1000:.0f} ms[/], worst {lag['worst'] * 1000:.0f} ms\n")
    table = Table("listener", "bound to", box=None, header_style="bold")
    for title in ("connections", "limit", "turned away"):
        table.add_column(title, justify="right")
    for each in reply["listeners"]:
        counts = (str(each[key]) for key in ("connections", "limit", "turned_away"))
        table.add_row(each["name"], " ".join(each["binds"]), *counts)
    out.print(table)
    for pool in reply["pools"]:
        _show_pool(pool, out)


def _show_pool(pool: dict[str, Any], out: Console) -> None:
    colour = "green" if pool["up"] == pool["servers"] else "yellow" if pool["up"] else "red"
    skew = f", skew {pool['skew']}x" if pool["skew"] is not None else ""
    out.print(
        f"\n[bold]pool {pool['name']}[/] ({pool['kind']}): "
        f"[{colour}]{pool['up']} of {pool['servers']} servers in service[/], "
        f"{pool['sessions']} sessions{skew}"
    )
    table = Table(box=None, show_header=False, padding=(0, 2))
    table.add_column()
    table.add_column(justify="right")
    table.add_column(justify="right")
    total = sum(pool["rungs"].values())
    for name, count in pool["rungs"].items():
        table.add_row(f"routed by {name}", str(count), f"{count / total:.0%}" if total else "")
    unmatched = pool["unmatched_cookies"]
    if unmatched:
        share = f"{unmatched / total:.0%}" if total else ""
        table.add_row("session cookie not known here", str(unmatched), share)
    for name, words in _AGAIN.items():
        table.add_row(words, str(pool["again"][name]), "")
    table.add_row("hangs (PENDING missing)", str(pool["hangs"]), "")
    table.add_row("sessions moved / evicted", f"{pool['moved']} / {pool['evicted']}", "")
    out.print(table)
