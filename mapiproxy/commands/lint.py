"""``mapiproxy lint``: what in an haproxy.cfg or nginx.conf hurts MAPI, with the line and the reason."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from rich.text import Text

from mapiproxy.commands.asking import console, plain
from mapiproxy.lint.finding import CannotRead, Finding, Severity
from mapiproxy.lint.haproxy import SECTIONS, HaproxyFile, read_haproxy
from mapiproxy.lint.haproxy_rules import lint_haproxy
from mapiproxy.lint.nginx import read_nginx
from mapiproxy.lint.nginx_rules import lint_nginx

_COLOURS = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}


@click.command(short_help="Name what hurts MAPI in an haproxy.cfg or nginx.conf.")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--type",
    "kind",
    type=click.Choice(("haproxy", "nginx")),
    help="What the files are; by default their first lines tell.",
)
@click.option("--quiet", "-q", is_flag=True, help="Without notes.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def lint(files: tuple[Path, ...], kind: str | None, quiet: bool, as_json: bool) -> None:
    """Read FILES, configurations of HAProxy or nginx, and name the settings that hurt MAPI over HTTP.

    Files of HAProxy that lead nowhere by themselves are taken together, in the order in which they are given.

    Exit code 0: nothing but notes; 1: errors or warnings; 2: a file cannot be read.
    """
    found: list[Finding] = []
    trouble: list[str] = []
    parts: list[Path] = []
    for path in files:
        try:
            here = look_at(path, kind)
        except (CannotRead, OSError) as error:
            trouble.append(str(error))
            continue
        alone = [each.rule for each in here] != ["mapi-unrouted"] or _kind_of(path, kind) == "nginx"
        if alone:
            found += here
        else:
            parts.append(path)
    if parts:
        found += lint_haproxy(_join(parts))
    if quiet:
        found = [each for each in found if each.severity is not Severity.NOTE]
    if as_json:
        click.echo(json.dumps({"findings": [_plain(each) for each in found], "unread": trouble}, indent=2))
    else:
        _show(found, len(files) - len(trouble))
    for each in trouble:
        click.echo(f"cannot read {each}", err=True)
    if trouble:
        sys.exit(2)
    sys.exit(any(each.severity is not Severity.NOTE for each in found))


def look_at(path: Path, kind: str | None) -> list[Finding]:
    """What is found in one file. :raise CannotRead, OSError: it cannot be understood, or not be read."""
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    try:
        if (kind or find_kind(text)) == "nginx":
            return lint_nginx(read_nginx(path))
        return lint_haproxy(read_haproxy(text, str(path)))
    except RecursionError:
        raise CannotRead(f"{path}: a file includes itself, or blocks are nested too deep") from None


def _kind_of(path: Path, kind: str | None) -> str:
    return kind or find_kind(path.read_text(encoding="utf-8-sig", errors="replace"))


def _join(parts: list[Path]) -> HaproxyFile:
    """Files that lead nowhere by themselves, as HAProxy takes them with several ``-f``."""
    whole: HaproxyFile | None = None
    for path in parts:
        whole = read_haproxy(path.read_text(encoding="utf-8-sig", errors="replace"), str(path), whole)
    assert whole is not None, "there is a part"
    return whole


def find_kind(text: str) -> str:
    """HAProxy begins with a section; nginx ends directives with ``;``, as values of HAProxy may do too."""
    lines = [bare for line in text.splitlines() if (bare := line.partition("#")[0].strip())]
    first = next((line.split()[0] for line in lines if not line.startswith(".")), "")
    if first in SECTIONS:
        return "haproxy"
    return "nginx" if any(line.endswith((";", "{", "}")) for line in lines) else "haproxy"


def _plain(found: Finding) -> dict[str, object]:
    return {
        "file": found.file,
        "line": found.line,
        "severity": found.severity.value,
        "rule": found.rule,
        "text": found.text,
        "why": found.why,
        "instead": found.instead,
    }


def _show(found: list[Finding], files: int) -> None:
    out = console(patient=True)
    for each in found:
        head = Text.assemble(
            plain(f"{each.file}:{each.line}: "),
            (each.severity.value, _COLOURS[each.severity]),
            f" [{each.rule}] ",
            plain(each.text, "bold"),
        )
        out.print(head, soft_wrap=True)
        out.print(Text(f"    {each.why}"), soft_wrap=True)
        if each.instead:
            out.print(Text.assemble("    write: ", plain(each.instead, "green")), soft_wrap=True)
    if not files:
        return
    counts = [(s, sum(each.severity is s for each in found)) for s in Severity]
    told = ", ".join(f"{count} {s.value}{'' if count == 1 else 's'}" for s, count in counts if count)
    out.print(told or f"nothing that hurts MAPI in {files} file{'' if files == 1 else 's'}")
