"""``mapiproxy lab compare``: the same scenarios with mapiproxy, HAProxy and nginx in front."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console

from mapiproxy.commands.asking import plain
from mapiproxy.commands.lab_scenarios import load_scenarios
from mapiproxy.scenario import comparing
from mapiproxy.scenario.comparing import OURS, Result, jobs_of, markdown, table_of
from mapiproxy.scenario.library import known
from mapiproxy.scenario.peers import PROGRAMS, NoPeer, find_program


@click.command("compare", short_help="Play scenarios with HAProxy and nginx in mapiproxy's place as well.")
@click.argument("names", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All that come with the product.")
@click.option("--kind", type=click.Choice(("exchange", "grommunio")), help="Only with this kind of servers.")
@click.option(
    "--with", "products", multiple=True, type=click.Choice((OURS, *PROGRAMS)),
    help="Only these; may be repeated.",
)  # fmt: skip
@click.option(
    "--speed", type=click.FloatRange(1, 60), default=10.0, show_default=True,
    help="How many times as fast the lab's time passes, and every time limit.",
)  # fmt: skip
@click.option(
    "--at-once", type=click.IntRange(1, 50), default=4, show_default=True, help="So many at the same time."
)
@click.option(
    "--markdown", "markdown_file", type=click.Path(path_type=Path, dir_okay=False),
    help="Write the table into this file.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print every result as JSON, with all numbers.")
def compare(
    names: tuple[str, ...],
    everything: bool,
    kind: str | None,
    products: tuple[str, ...],
    speed: float,
    at_once: int,
    markdown_file: Path | None,
    as_json: bool,
) -> None:
    """Play the scenarios NAMES with each product in the proxy's place.

    Others are run from their examples in conf/peers; those that are not installed are left out, and said.
    On real sockets. What is judged is what clients and servers have seen.
    Exit code 0 when something could be played, 2 when not; who did better is no matter of codes.
    """
    from twisted.internet import reactor

    if everything == bool(names):
        raise click.UsageError("name scenarios, or give --all; mapiproxy lab list shows what there is")
    there = []
    for product in dict.fromkeys(products or (OURS, *PROGRAMS)):
        try:
            if product != OURS:
                find_program(product)
            there.append(product)
        except NoPeer as error:
            click.echo(f"mapiproxy lab: {error}", err=True)
    scenarios = load_scenarios([*known()] if everything else [*names])
    jobs = jobs_of(scenarios, kind, there)
    out = Console(highlight=False, markup=False, soft_wrap=True, stderr=as_json)
    total = len(jobs)
    done: list[Result] = []

    def told(result: Result) -> None:
        done.append(result)
        out.print(plain(f"{len(done):>4}/{total} {_line(result)}"))

    results = comparing.compare(reactor, jobs, speed, at_once, told)
    table = table_of(results)
    if markdown_file is not None:
        markdown_file.write_text(markdown(table), encoding="utf-8")
    if as_json:
        click.echo(json.dumps([_plain(each) for each in results], indent=2))
    elif len(table) > 1:
        out.print()
        for line in _columns(table):
            out.print(plain(line))
    if not any(each.played is not None for each in results):
        sys.exit(2)


def _line(result: Result) -> str:
    job = result.job
    said = f"not played: {result.why}" if result.played is None else result.played.summary
    return f"{job.product}: {job.scenario.name} ({job.kind}): {said}"


def _plain(result: Result) -> dict[str, object]:
    job, played = result.job, result.played
    plain_one: dict[str, object] = {"product": job.product, "scenario": job.scenario.name, "kind": job.kind}
    if played is None:
        return {**plain_one, "why_not": result.why}
    facts = {
        name: value for name, value in played.facts.items() if isinstance(value, int | float | dict)
    }
    return {
        **plain_one,
        "ok": played.ok,
        "error": played.error,
        "failed": [str(each) for each in played.failed],
        "took": round(played.took, 1),
        "facts": facts,
    }


def _columns(table: Sequence[Sequence[str]]) -> list[str]:
    """The table with columns as wide as they need, the last one free."""
    widths = [min(48, max(len(row[column]) for row in table)) for column in range(len(table[0]))]
    padded = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in table]
    return ["  ".join(row).rstrip() for row in padded]
