"""``mapiproxy ready|drain|maint|weight|kill|reload``: what an operator tells the running proxy to do."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import click

from mapiproxy.commands.asking import ask, asking, order
from mapiproxy.settings.units import BadValue, parse_duration

_POOL = click.option("--pool", help="The pool, when its name does not say which server is meant.")


def _duration(context: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """``90s``, ``10m``, ``1h30m``, as in the configuration file."""
    try:
        return None if value is None else parse_duration(value)
    except BadValue as error:
        raise click.BadParameter(str(error), context, param) from None


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
    metavar="DURATION",
    callback=_duration,
    default="20m",
    show_default=True,
    help="How long to wait with --wait.",
)
@click.option(
    "--deadline",
    metavar="DURATION",
    callback=_duration,
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
    reply = order(path, as_json and not wait, "drain", server=server, pool=pool, deadline=deadline)
    if not wait:
        _tell(reply)
        return
    assert reply is not None
    row = reply["server"]
    until = time.monotonic() + timeout
    while not is_free(row) and time.monotonic() < until:
        _progress(row)
        time.sleep(1.0)
        rows = ask(path, "servers").get("servers", [])
        row = next((r for r in rows if (r["pool"], r["name"]) == (row["pool"], row["name"])), row)
    _progress(row, last=True)
    if not is_free(row):
        click.echo(f"{row['name']} is still in use", err=True)
        sys.exit(1)


def is_free(row: dict[str, Any]) -> bool:
    """Whether nobody is hurt when the server goes."""
    return bool(row["safe_in"] == 0 or row["admin"] == "maint")


def _progress(row: dict[str, Any], last: bool = False) -> None:
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


def _tell(reply: dict[str, Any] | None) -> None:
    if reply is not None:
        row = reply["server"]
        click.echo(f"{row['admin']} {row['name']}: {row['safe_text']}")
