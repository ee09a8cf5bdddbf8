"""``mapiproxy status``: the process, its listeners, and how its pools decide."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mapiproxy.commands.asking import asking, console, lines_of, order, plain, show_seconds

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
    state = Text("stopping", "yellow") if reply["stopping"] else Text("running", "green")
    lag = reply["lag"]
    out.print(
        Text.assemble(
            f"mapiproxy {reply['version']}, ",
            state,
            f" for {show_seconds(reply['uptime'])}, pid {reply['pid']}, configuration {reply['generation']}",
        ),
        soft_wrap=True,
    )
    if reply["file"]:
        out.print(plain(f"from {reply['file']}"), soft_wrap=True)
    late = Text(f"own lag {lag['now'] * 1000:.0f} ms", "red" if lag["now"] > 0.5 else "")
    out.print(Text.assemble(late, f", worst {lag['worst'] * 1000:.0f} ms\n"))
    table = Table("listener", "bound to", box=None, header_style="bold")
    for title in ("connections", "limit", "turned away"):
        table.add_column(title, justify="right")
    for each in reply["listeners"]:
        counts = (str(each[key]) for key in ("connections", "limit", "turned_away"))
        table.add_row(plain(each["name"]), plain(" ".join(each["binds"])), *counts)
    for line in lines_of(table, out):
        out.print(line, soft_wrap=True)
    _show_log(reply.get("log"), out)
    for pool in reply["pools"]:
        _show_pool(pool, out)
    for text in reply["certificates"]["drift"]:
        out.print(Text.assemble("\n", plain(text, "yellow")), soft_wrap=True)


def _show_log(log: dict[str, Any] | None, out: Console) -> None:
    """Only what is wrong with it."""
    if log is not None and (log["trouble"] or log["lost"]):
        text = f"log in {log['directory']}: {log['waiting']} lines wait, {log['lost']} are lost"
        if log["trouble"]:
            text += f"; it cannot be written: {log['trouble']}"
        out.print(Text.assemble("\n", plain(text, "red")), soft_wrap=True)


def _show_pool(pool: dict[str, Any], out: Console) -> None:
    colour = "green" if pool["up"] == pool["servers"] else "yellow" if pool["up"] else "red"
    skew = f", skew {pool['skew']}x" if pool["skew"] is not None else ""
    out.print(
        Text.assemble(
            "\n",
            plain(f"pool {pool['name']}", "bold"),
            f" ({pool['kind']}): ",
            (f"{pool['up']} of {pool['servers']} servers in service", colour),
            f", {pool['sessions']} sessions{skew}",
        ),
        soft_wrap=True,
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
    table.add_row("Outlook Anywhere channels", str(pool["channels"]), "")
    loops = f"{pool['auth_loops']} / {pool['credentials_stopped']}"
    table.add_row("rows of 401 / credentials stopped", loops, "")
    for line in lines_of(table, out):
        out.print(line, soft_wrap=True)
    for vdir in pool["vdirs"]:
        if not vdir["enabled"]:
            out.print(plain(f"  {vdir['name']}: switched off"), soft_wrap=True)
        elif vdir["down"]:
            text = f"  {vdir['name']}: not served by {', '.join(vdir['down'])}"
            out.print(plain(text, "yellow"), soft_wrap=True)
