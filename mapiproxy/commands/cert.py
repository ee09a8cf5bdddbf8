"""``mapiproxy cert FILE``: the certificates of listeners beside those that the servers really show.

Exit code 0 when nothing is broken (warnings do not change that), 1 when something is, 2 for wrong use.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from mapiproxy.commands.asking import console, lines_of, plain
from mapiproxy.commands.comparing import Compared, compare
from mapiproxy.commands.examining import SOON, Examination, examine, print_problems, uncovered
from mapiproxy.net.certificates import Certificate

_WEEK = timedelta(days=7)


@click.command(short_help="Compare certificates of listeners and servers.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for scripts.")
def cert(file: Path, as_json: bool) -> None:
    """Compare the certificates of FILE's listeners with those that its servers show.

    Extended Protection, on by default since Exchange 2019 CU14, needs the same one on both. Reaches every
    server, starts nothing.
    """
    now = datetime.now(UTC)
    examination = examine(file, now)
    if examination.settings is None:
        print_problems(examination.problems, sys.stderr)
        sys.exit(1)
    compared = compare(examination.settings, examination.certificates)
    names = _names(examination)
    if as_json:
        click.echo(json.dumps(_plain(examination, compared, names), indent=2))
    else:
        _print(examination, compared, names, now)
    sys.exit(1 if any(each.wrong for each in compared) else 0)


def _names(examination: Examination) -> list[str]:
    settings = examination.settings
    assert settings is not None
    lines = []
    for listener in settings.listeners:
        mine = [each for name, each in examination.certificates if name == listener.name]
        group = settings.backend(listener.backend)
        lines += [f"{vdir} {key}: {text}" for vdir, key, text in uncovered(listener, group, mine)]
    return lines


def _print(
    examination: Examination, compared: list[Compared], names: list[str], now: datetime
) -> None:
    table = Table(box=None, pad_edge=False, show_edge=False, header_style="bold")
    for title in ("", "NAME", "LEAF", "EXPIRES", "FOR"):
        table.add_column(title, no_wrap=True)
    for listener, each in examination.certificates:
        row = _leaf(each.fingerprint, each.not_after, each.covers, now)
        table.add_row("listener", plain(listener), *row)
    seen = set()
    for pair in compared:
        server, leaf = pair.server, pair.shown.leaf
        if server.url in seen:
            continue
        seen.add(server.url)
        if leaf is None:
            what = pair.shown.error or ("plain http" if not server.tls else "unknown")
            table.add_row("server", plain(server.name), Text("-"), Text("-"), plain(what, "red"))
        else:
            row = _leaf(pair.shown.fingerprint or "", leaf.not_valid_after_utc, pair.shown.names, now)
            table.add_row("server", plain(server.name), *row)
    out = console()
    for line in lines_of(table, out):
        out.print(line, soft_wrap=True)
    out.print()
    for pair in compared:
        what = f"{pair.listener} -> {pair.server.name}: "
        for text in pair.wrong:
            out.print(plain(what + text, "red"), soft_wrap=True)
        for text in pair.odd:
            out.print(plain(what + text, "yellow"), soft_wrap=True)
        if not pair.wrong and not pair.odd:
            verdict = "the same certificate" if _same(pair, examination) else "fine"
            out.print(plain(what + verdict, "green"), soft_wrap=True)
    for text in names:
        out.print(plain(text, "yellow"), soft_wrap=True)


def _same(pair: Compared, examination: Examination) -> bool:
    mine = [each.fingerprint for name, each in examination.certificates if name == pair.listener]
    return pair.shown.fingerprint in mine


def _leaf(
    fingerprint: str, not_after: datetime, names: tuple[str, ...], now: datetime
) -> tuple[Text, Text, Text]:
    left = not_after - now
    style = "red" if left < _WEEK else "yellow" if left < SOON else ""
    days = "expired" if left < timedelta(0) else f"in {left.days} days"
    return (
        Text(fingerprint[:16]),
        Text(f"{not_after:%Y-%m-%d} ({days})", style),
        plain(", ".join(names) or "no name"),
    )


def _plain(examination: Examination, compared: list[Compared], names: list[str]) -> dict[str, Any]:
    def certificate(listener: str, each: Certificate) -> dict[str, Any]:
        return {
            "listener": listener,
            "file": str(each.origin),
            "fingerprint": each.fingerprint,
            "not_after": each.not_after.isoformat(),
            "names": each.covers,
        }

    return {
        "ok": not any(each.wrong for each in compared),
        "listeners": [certificate(name, each) for name, each in examination.certificates],
        "servers": [
            {
                "listener": each.listener,
                "server": each.server.name,
                "url": each.server.url,
                "fingerprint": each.shown.fingerprint,
                "not_after": each.shown.leaf.not_valid_after_utc.isoformat() if each.shown.leaf else None,
                "names": each.shown.names,
                "wrong": each.wrong,
                "odd": each.odd,
            }
            for each in compared
        ],
        "names": names,
        "problems": [str(problem) for problem in examination.problems],
    }
