"""``mapiproxy support``: which Outlook speaks what to which Exchange, and what that needs."""

from __future__ import annotations

import json

import click
from attrs import asdict
from rich.table import Table

from mapiproxy.commands.asking import console, lines_of, plain
from mapiproxy.policy.support import (
    ALWAYS,
    CLIENTS,
    SERVERS,
    Class,
    Row,
    classify_client,
    classify_server,
    common,
)


@click.command(short_help="Which Outlook and Exchange speak MAPI over HTTP.")
@click.option("--client", metavar="VERSION", help='E.g. "Outlook/15.0.4815.1002" or 14.0.7113.')
@click.option("--server", metavar="VERSION", help="E.g. 15.00.0847.032, or an X-ServerApplication.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
def support(client: str | None, server: str | None, as_json: bool) -> None:
    """Show the support matrix, or what a client and a server of these versions will speak.

    Exits with 1 when that is not MAPI/HTTP.
    """
    if client is None and server is None:
        _matrix(as_json)
        return
    theirs = classify_client(_as_outlook(client), client) if client is not None else None
    ours = classify_server(server) if server is not None else None
    known = [each for each in (theirs, ours) if each is not None]
    spoken = common(theirs, ours) if theirs is not None and ours is not None else None
    if as_json:
        click.echo(
            json.dumps(
                {"client": _plain(theirs), "server": _plain(ours), "protocol": spoken}, indent=2
            )
        )
    else:
        for what, each in (("client", theirs), ("server", ours)):
            if each is not None:
                speaks = ", ".join(each.speaks) or "nobody knows what"
                click.echo(f"{what}: {each.name}, speaks {speaks}")
                if each.advice:
                    click.echo(f"        {each.advice}")
        if len(known) == 2:
            click.echo(f"together: {spoken or 'nothing that is known'}")
    raise SystemExit(0 if all(each.within for each in known) else 1)


def _as_outlook(text: str | None) -> str | None:
    """A bare number is an Outlook's."""
    return f"Outlook/{text}" if text and text[:1].isdigit() else text


def _plain(each: Class | None) -> dict[str, object] | None:
    if each is None:
        return None
    return {"name": each.name, "speaks": each.speaks, "mapi_http": each.within, "advice": each.advice}


def _matrix(as_json: bool) -> None:
    if as_json:
        both = {"clients": CLIENTS, "servers": SERVERS}
        tables = {name: [asdict(row) for row in each] for name, each in both.items()}
        click.echo(json.dumps({**tables, "always": ALWAYS}, indent=2))
        return
    out = console()
    for title, rows in (("CLIENT", CLIENTS), ("SERVER", SERVERS)):
        for line in lines_of(_table(title, rows), out):
            out.print(line, soft_wrap=True)
        out.print()
    out.print(plain("Always:"))
    for text in ALWAYS:
        out.print(plain(f"  {text}"), soft_wrap=True)


def _table(title: str, rows: tuple[Row, ...]) -> Table:
    table = Table(box=None, pad_edge=False, show_edge=False, header_style="bold")
    for each in (title, "FROM", "SPEAKS", "NEEDS"):
        table.add_column(each, no_wrap=each != "NEEDS")
    for row in rows:
        floor = ".".join(map(str, row.floor)) if row.floor != (0,) else "-"
        table.add_row(
            plain(row.name, "green" if row.within else ""),
            floor,
            ", ".join(row.speaks),
            "\n".join(row.needs),
        )
    return table
