"""``mapiproxy lab list`` and ``mapiproxy lab run``: scenarios with verdicts, from the command line.

Finds and reads the files, plays them one after the other, prints a line for each and writes the reports. How
a scenario is played is mapiproxy.scenario's business.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click
from rich.console import Console
from rich.table import Table

from mapiproxy.commands.asking import console, lines_of, plain
from mapiproxy.commands.interrupting import Interrupt
from mapiproxy.scenario.axis import show_length, show_moment
from mapiproxy.scenario.library import NoScenario, find, known
from mapiproxy.scenario.reading import Scenario, load_scenario
from mapiproxy.scenario.target import BadTarget, Target, make_target
from mapiproxy.scenario.verdict import Played
from mapiproxy.settings import SettingsError

KINDS = ("exchange", "grommunio")
#: Exit codes: all as expected; not; it could not be played.
OK, FAILED, CANNOT = 0, 1, 2
#: Lines of a timeline that are printed.
_MOST = 60

_kind_option = click.option("--kind", type=click.Choice(KINDS), help="Only with this kind of servers.")
_json_option = click.option("--json", "as_json", is_flag=True, help="Print everything as JSON, for scripts.")


@click.command("list", short_help="The scenarios that can be run.")
@_kind_option
@_json_option
def list_scenarios(kind: str | None, as_json: bool) -> None:
    """Show the scenarios that come with the product: what each is about, and for which servers."""
    scenarios = [each for each in load_scenarios([*known()]) if kind is None or kind in each.kinds]
    if as_json:
        click.echo(json.dumps([_plain(each) for each in scenarios], indent=2))
        return
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("NAME", "TITLE", "CAUSES", "SERVERS", "LASTS", "TIME"):
        table.add_column(heading, no_wrap=True)
    for each in scenarios:
        table.add_row(
            plain(each.name), plain(each.title), ", ".join(each.causes), " ".join(each.kinds),
            show_length(each.duration), each.time,
        )  # fmt: skip
    out = console()
    for line in lines_of(table, out):
        out.print(line)


def _plain(scenario: Scenario) -> dict[str, object]:
    return {
        "name": scenario.name,
        "title": scenario.title,
        "why": scenario.why,
        "causes": [*scenario.causes],
        "kinds": [*scenario.kinds],
        "duration": scenario.duration,
        "time": scenario.time,
        "seed": scenario.seed,
        "file": str(scenario.file),
    }


@click.command("run", short_help="Play scenarios, and say whether all was as expected.")
@click.argument("names", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All that come with the product.")
@_kind_option
@click.option("--seed", type=click.IntRange(0), help="Instead of the one in the file.")
@click.option("--real", is_flag=True, help="On real sockets and in real time, those that can be.")
@click.option("--target", metavar="URL", help="Play against this proxy, in real time.")
@click.option(
    "--user", "users", multiple=True, metavar="LOGIN:PASSWORD", envvar="MAPIPROXY_LAB_USERS",
    show_envvar=True, help="With --target: an account to use; as many as there are clients.",
)  # fmt: skip
@click.option(
    "--ca-file", type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="With --target: whom to trust; the system's authorities by default.",
)  # fmt: skip
@click.option(
    "--report", type=click.Path(path_type=Path, file_okay=False),
    help="Write report.html and report.json into this folder.",
)  # fmt: skip
@click.option(
    "--junit", "junit_file", type=click.Path(path_type=Path, dir_okay=False),
    help="Write the verdicts as JUnit XML into this file.",
)  # fmt: skip
@_json_option
@click.option("-v", "--verbose", is_flag=True, help="Every expectation, and the timeline of what failed.")
def run_scenarios(
    names: tuple[str, ...],
    everything: bool,
    kind: str | None,
    seed: int | None,
    real: bool,
    target: str | None,
    users: tuple[str, ...],
    ca_file: Path | None,
    report: Path | None,
    junit_file: Path | None,
    as_json: bool,
    verbose: bool,
) -> None:
    """Play the scenarios NAMES (of the product, or paths of files) and print a verdict for each.

    Exits with 0 when everything was as expected, 1 when it was not, 2 when something could not be played.
    """
    if everything == bool(names):
        raise click.UsageError("name scenarios, or give --all; mapiproxy lab list shows what there is")
    if target is None and (users or ca_file):
        raise click.UsageError("--user and --ca-file are for --target")
    if target is not None and kind is None:
        raise click.UsageError("--target needs --kind: which servers are behind it?")
    scenarios = load_scenarios([*known()] if everything else [*names])
    rounds = [(each, one) for each in scenarios for one in each.kinds if kind in (None, one)]
    if not rounds:
        click.echo(f"none of these scenarios is for {kind}", err=True)
        raise SystemExit(CANNOT)
    there = _target_of(target, users, ca_file) if target else None
    _make_room(report, junit_file)
    interrupt = Interrupt()
    show = _Show(quiet=as_json, verbose=verbose)
    if real or there is not None:
        from twisted.internet import reactor

        from mapiproxy.scenario.real import play_really

        played = play_really(reactor, rounds, seed, show.begin, show.end, show.skip, there)
    else:
        from mapiproxy.scenario.playing import play_virtually

        played = []
        for scenario, one in rounds:
            if scenario.time == "real":
                show.skip(scenario, one, "needs --real")
                continue
            show.begin(scenario, one)
            try:
                with interrupt.noticed():
                    played.append(play_virtually(scenario, one, seed))
            except KeyboardInterrupt:
                pass
            else:
                show.end(played[-1])
            if interrupt.came:
                click.echo(f"interrupted at {scenario.name} ({one}): the rest was not played", err=True)
                break
    _write(played, report, junit_file)
    if as_json:
        from mapiproxy.scenario.report import as_json as document

        click.echo(document(played), nl=False)
    else:
        show.total(played, report)
    raise SystemExit(CANNOT if interrupt.came else _code(played))


def _code(played: Sequence[Played]) -> int:
    if not played or any(each.error is not None for each in played):
        return CANNOT
    return OK if all(each.ok for each in played) else FAILED


def load_scenarios(names: Sequence[str]) -> tuple[Scenario, ...]:
    """The scenarios; ends the process with 2, after every problem in every file has been told."""
    scenarios, wrong = [], False
    for name in names:
        try:
            scenarios.append(load_scenario(find(name)))
        except NoScenario as error:
            click.echo(f"mapiproxy lab: {error}", err=True)
            wrong = True
        except SettingsError as error:
            click.echo(str(error), err=True)
            wrong = True
    if wrong:
        raise SystemExit(CANNOT)
    return tuple(scenarios)


def _target_of(target: str, users: Sequence[str], ca_file: Path | None) -> Target:
    try:
        return make_target(target, users, ca_file)
    except BadTarget as error:
        raise click.UsageError(str(error)) from None


def _make_room(report: Path | None, junit_file: Path | None) -> None:
    """What cannot be written is told before anything is played, not after minutes."""
    try:
        if report is not None:
            report.mkdir(parents=True, exist_ok=True)
            for name in ("report.html", "report.json"):
                (report / name).touch()
        if junit_file is not None:
            junit_file.touch()
    except OSError as error:
        _not_written(error)


def _not_written(error: OSError) -> NoReturn:
    click.echo(f"mapiproxy lab: the report could not be written: {error}", err=True)
    raise SystemExit(CANNOT) from None


def _write(played: Sequence[Played], report: Path | None, junit_file: Path | None) -> None:
    from mapiproxy.scenario.junit import junit
    from mapiproxy.scenario.report import as_json, html

    try:
        if report is not None:
            (report / "report.html").write_text(html(played), encoding="utf-8")
            (report / "report.json").write_text(as_json(played), encoding="utf-8")
        if junit_file is not None:
            junit_file.write_text(junit(played), encoding="utf-8", errors="replace")
    except OSError as error:
        _not_written(error)


class _Show:
    """What a person sees meanwhile: one line that moves on a terminal, and a verdict for each scenario."""

    def __init__(self, *, quiet: bool, verbose: bool) -> None:
        self._quiet = quiet
        self._verbose = verbose
        self._out = Console(highlight=False, markup=False, soft_wrap=True)
        self._moving = sys.stdout.isatty() and not quiet

    def begin(self, scenario: Scenario, kind: str) -> None:
        """One is being played."""
        if self._moving:
            self._out.print(plain(f"  {scenario.name} ({kind}) ..."), end="\r", style="dim")

    def skip(self, scenario: Scenario, kind: str, why: str) -> None:
        """One is not played."""
        if not self._quiet:
            self._out.print(plain(f"-       {scenario.name} ({kind}): {why}"))

    def end(self, played: Played) -> None:
        """One was played."""
        if self._quiet:
            return
        if self._moving:
            self._out.print(" " * (self._out.width - 1), end="\r")
        word = "ok" if played.ok else "ERROR" if played.error else "FAILED"
        line = plain(f"{word:<7}", "green" if played.ok else "red")
        rest = played.summary.partition(": ")[2]
        line.append_text(plain(f" {played.name} ({played.kind}): {rest}"))
        self._out.print(line)
        for finding in played.findings:
            if self._verbose or not finding.ok:
                where = f"  ({played.name}.toml:{finding.line})" if finding.line and not finding.ok else ""
                self._out.print(plain(f"          {finding}{where}", "" if finding.ok else "red"))
        for note in (*(played.facts.get("errors") or ()), *(played.facts.get("left") or ())):
            self._out.print(plain(f"          {note}", "red"))
        if self._verbose and not played.ok:
            self._timeline(played)

    def _timeline(self, played: Played) -> None:
        """What was not well, and what was done to whom."""
        told = [each for each in played.happenings if each.outcome != "ok" or each.kind in ("fault", "state")]
        for each in told[:_MOST]:
            outcome = f" [{each.outcome}]" if each.outcome != "ok" else ""
            detail = f": {each.detail}" if each.detail and each.detail != each.label else ""
            line = f"          {show_moment(each.at):>8}  {each.lane:<14} {each.label}{outcome}{detail}"
            self._out.print(plain(line, "dim"))
        if len(told) > _MOST:
            self._out.print(plain(f"          and {len(told) - _MOST} more; --report shows all", "dim"))

    def total(self, played: Sequence[Played], report: Path | None) -> None:
        """After all."""
        good = sum(each.ok for each in played)
        took = show_length(sum(each.took for each in played))
        self._out.print(plain(f"{good} of {len(played)} as expected, in {took}"))
        if report is not None:
            self._out.print(plain(f"report: {report / 'report.html'}"))




#: As the group of the laboratory calls them.
list, run = list_scenarios, run_scenarios
