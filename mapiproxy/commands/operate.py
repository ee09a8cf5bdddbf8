"""``mapiproxy ready|drain|maint|weight|kill|reload``: what an operator tells the running proxy to do."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import click

from mapiproxy.commands.asking import Plain, ask, asking, conclude, order
from mapiproxy.commands.durations import Duration

_POOL = click.option("--pool", help="The pool, when its name does not say which server is meant.")


@click.command(short_help="Let a server take new sessions again.")
@click.argument("server")
@_POOL
@asking
def ready(path: Path, as_json: bool, server: str, pool: str | None) -> None:
    """Let SERVER take new sessions (after drain or maint)."""
    _tell(order(path, as_json, "ready", server=server, pool=pool))


@click.command(short_help="Let a server keep its sessions and take no new ones.")
@click.argument("server")
@_POOL
@click.option("--wait", is_flag=True, help="Wait until it can be taken away; exit 1 if that takes too long.")
@click.option(
    "--timeout",
    type=Duration(),
    default="20m",
    show_default=True,
    help="How long to wait with --wait.",
)
@click.option(
    "--deadline",
    type=Duration(),
    help="After this the drain becomes maint, whoever is left.",
)
@asking
def drain(
    path: Path,
    as_json: bool,
    server: str,
    pool: str | None,
    wait: bool,
    timeout: float,
    deadline: float | None,
) -> None:
    """Let SERVER keep the sessions it has, and take no new ones. Says when it can be taken away."""
    reply = ask(path, "drain", server=server, pool=pool, deadline=deadline)
    if wait and reply.get("ok"):
        reply = _wait(path, reply, timeout, (lambda row, last: None) if as_json else _progress)
        conclude(reply, as_json)
    else:
        _tell(conclude(reply, as_json))


def _wait(path: Path, reply: Plain, timeout: float, tell: Callable[[Plain, bool], None]) -> Plain:
    """Look each second until the server is free; the reply to end with, not ``ok`` if it is not."""
    row = reply["server"]
    until = time.monotonic() + timeout
    error = None
    while error is None and not is_free(row):
        tell(row, False)
        if time.monotonic() >= until:
            error = f"{row['name']} is still in use"
            break
        time.sleep(1.0)
        now = ask(path, "servers")
        if not now.get("ok"):
            return now
        rows = [r for r in now["servers"] if (r["pool"], r["name"]) == (row["pool"], row["name"])]
        if not rows:
            error = f"{row['name']} is not in the configuration any more"
        elif rows[0]["admin"] == "ready":
            error = f"{row['name']} was made ready by somebody else"
        row = rows[0] if rows else row
    tell(row, True)
    return {"ok": True, "server": row} if error is None else {"ok": False, "error": error, "server": row}


def is_free(row: Plain) -> bool:
    """Whether nobody is hurt when the server goes, now or in a moment."""
    return bool(row["admin"] == "maint" or (row["admin"] == "drain" and row["safe_in"] == 0))


def _progress(row: Plain, last: bool) -> None:
    text = f"{row['admin']} {row['name']}: {row['safe_text']}"
    if sys.stdout.isatty():
        click.echo(f"\r\x1b[K{text}", nl=last)
    else:
        click.echo(text)


@click.command(short_help="Do not use a server at all.")
@click.argument("server")
@_POOL
@asking
def maint(path: Path, as_json: bool, server: str, pool: str | None) -> None:
    """Use SERVER no more: its connections are closed at once, and its sessions go elsewhere."""
    _tell(order(path, as_json, "maint", server=server, pool=pool))


@click.command(short_help="Change a server's share of new mailboxes.")
@click.argument("server")
@click.argument("weight", type=click.IntRange(0, 1000))
@_POOL
@asking
def weight(path: Path, as_json: bool, server: str, weight: int, pool: str | None) -> None:
    """Give SERVER this WEIGHT, until the file says another one. 0: no new mailboxes."""
    reply = order(path, as_json, "weight", server=server, weight=weight, pool=pool)
    if reply is not None:
        click.echo(f"{reply['server']['name']}: weight {reply['server']['weight']}")


@click.command(short_help="End a session.")
@click.argument("session")
@asking
def kill(path: Path, as_json: bool, session: str) -> None:
    """End SESSION (the beginning of its id): its calls are cut, its client connects anew."""
    reply = order(path, as_json, "kill", session=session)
    if reply is not None:
        cut = reply["cut"]
        click.echo(f"session {reply['session']} ended, {cut} call{'' if cut == 1 else 's'} cut")


@click.command(short_help="Read the configuration file again.")
@asking
def reload(path: Path, as_json: bool) -> None:
    """Read the file again. A bad one is refused, and the old configuration keeps running."""
    reply = order(path, as_json, "reload")
    if reply is None:
        return
    for problem in reply["problems"]:
        click.echo(problem, err=True)
    click.echo(f"configuration {reply['generation']} is in effect")
    for change in reply["changes"]:
        click.echo(f"  {change}")


def _tell(reply: Plain | None) -> None:
    if reply is not None:
        row = reply["server"]
        click.echo(f"{row['admin']} {row['name']}: {row['safe_text']}")
