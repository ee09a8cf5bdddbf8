"""``mapiproxy check FILE``: what would run, or what is wrong with the file.

Exit code 0 when the file can be run (warnings do not change that), 1 when it cannot, 2 for wrong
use of the command. Must not start anything.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from datetime import UTC, datetime
from enum import Enum
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

import click
from attrs import asdict
from rich.console import Console
from rich.text import Text

from mapiproxy.commands.asking import ask, plain
from mapiproxy.commands.examining import Examination, examine, print_problems
from mapiproxy.net.certificates import Certificate, show_fingerprint
from mapiproxy.policy.support import classify_server
from mapiproxy.settings import Settings, outline
from mapiproxy.settings.words import Section


@click.command(short_help="Check a configuration file.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for scripts.")
@click.option(
    "--online", is_flag=True, help="Reach every server too: its certificate, and each virtual directory."
)
def check(file: Path, as_json: bool, online: bool) -> None:
    """Say what FILE would run, or all that is wrong with it as FILE:LINE: KEY: TEXT.

    Certificates are loaded, nothing is started. Exits with 1 if the file cannot be run, or, with
    --online, if a server cannot be reached, is not believed, or does not serve what is published.
    """
    now = datetime.now(UTC)
    examination = examine(file, now)
    lines, bad = _look_around(examination) if online else ([], False)
    if as_json:
        answer = _as_json(file, examination)
        if online:
            answer["online"] = {"ok": not bad, "lines": [line.plain for line in lines]}
        click.echo(json.dumps(answer, indent=2))
    else:
        if examination.settings is not None:
            _show(examination.settings, examination, now)
        print_problems(examination.problems, sys.stderr)
        for line in lines:
            Console(highlight=False, soft_wrap=True).print(line)
        _conclude(file, examination)
    sys.exit(0 if examination.settings is not None and not bad else 1)


def _look_around(examination: Examination) -> tuple[list[Text], bool]:
    """What the servers say: lines to print, and whether something is broken."""
    # Only when it is asked for: it needs a lot more than looking at a file does.
    from mapiproxy.commands.comparing import ask_all, compare

    settings = examination.settings
    if settings is None:
        return [], True
    compared = compare(settings, examination.certificates)
    lines = [Text("Servers", style="bold")]
    for pair in compared:
        what = f"  {pair.server.name}: "
        lines += [plain(what + text, "red") for text in pair.wrong]
        lines += [plain(what + text, "yellow") for text in pair.odd]
    asked = ask_all(settings)
    for server in dict.fromkeys((each.backend, each.server) for each in asked):
        mine = [each for each in asked if (each.backend, each.server) == server]
        well = [each.vdir for each in mine if each.error is None]
        if well:
            lines.append(plain(f"  {server[1]}: {', '.join(well)} well", "green"))
        lines += [plain(f"  {server[1]}: {each.vdir}: {each.error}", "red") for each in mine if each.error]
        versions = {each.version for each in mine if each.version}
        for known in map(classify_server, sorted(versions)):
            if known.within is False:
                lines.append(plain(f"  {server[1]}: {known.name}: {known.advice}", "yellow"))
    lines += _strangers(settings)
    bad = any(pair.wrong for pair in compared) or any(each.error for each in asked)
    return [*lines, Text("")], bad


def _strangers(settings: Settings) -> list[Text]:
    """Clients of the process that runs with this file that are outside the support matrix."""
    socket = settings.control.socket
    if socket is None or not socket.exists():
        return []
    try:
        reply = ask(socket, "sessions", limit=100_000)
    except click.ClickException:
        return []
    rows = reply.get("sessions") or ()
    found = Counter(row["client_class"] for row in rows if row["mapi_http_supported"] is False)
    lines = (f"  {count} sessions of {name}, outside the support matrix" for name, count in found.items())
    return [plain(line, "yellow") for line in lines]


def _show(settings: Settings, examination: Examination, now: datetime) -> None:
    console = Console(highlight=False, soft_wrap=True)
    sections = outline(settings)
    lines = [line for name, each in examination.certificates for line in _lines(name, each, now)]
    if lines:
        sections.insert(len(settings.listeners), Section("Certificates", tuple(lines)))
    for section in sections:
        console.print(Text(section.title, style="bold"))
        wide = max(len(label) for label, _ in section.lines)
        for label, text in section.lines:
            console.print(Text.assemble("  ", (f"{label:<{wide}}", "cyan"), "  ", text))
        console.print()


def _lines(listener: str, certificate: Certificate, now: datetime) -> list[tuple[str, str]]:
    days = (certificate.not_after - now).days
    issuer = certificate.leaf.issuer.rfc4514_string()
    chain = len(certificate.chain)
    return [
        (listener, f"{', '.join(certificate.names) or 'no name'} from {certificate.origin}"),
        ("", f"expires {certificate.not_after:%Y-%m-%d}, in {days} days"),
        ("", f"issued by {issuer}, {chain} chain certificate{'' if chain == 1 else 's'}"),
        ("", f"SHA-256 {show_fingerprint(certificate.fingerprint)}"),
    ]


def _conclude(file: Path, examination: Examination) -> None:
    errors = sum(problem.severity == "error" for problem in examination.problems)
    warnings = len(examination.problems) - errors
    counts = [
        f"{count} {word}{'' if count == 1 else 's'}"
        for count, word in ((errors, "error"), (warnings, "warning"))
        if count
    ]
    if errors:
        verdict = Text(f"{file} cannot be run: {', '.join(counts)}", style="bold red")
    else:
        tail = f" ({', '.join(counts)})" if counts else ""
        verdict = Text(f"{file} can be run{tail}", style="bold green")
    Console(stderr=bool(errors), highlight=False, soft_wrap=True).print(verdict)


def _as_json(file: Path, examination: Examination) -> dict[str, Any]:
    settings = examination.settings
    return {
        "file": str(file),
        "ok": settings is not None,
        "problems": [_plain(problem) for problem in examination.problems],
        "settings": _plain(settings) if settings is not None else None,
        "certificates": [
            {
                "listener": listener,
                "file": str(each.origin),
                "names": each.names,
                "not_before": each.not_before.isoformat(),
                "not_after": each.not_after.isoformat(),
                "fingerprint": each.fingerprint,
            }
            for listener, each in examination.certificates
        ],
    }


def _plain(value: Any) -> dict[str, Any]:
    """An attrs value as JSON can take it."""

    def serialize(_: Any, __: Any, each: Any) -> Any:
        if isinstance(each, Enum):
            return each.value
        if isinstance(each, frozenset):
            return sorted(each)
        return str(each) if isinstance(each, Path | IPv4Network | IPv6Network) else each

    # What is private to a value is nobody's setting.
    return asdict(value, filter=lambda attribute, _: attribute.name[0] != "_", value_serializer=serialize)
