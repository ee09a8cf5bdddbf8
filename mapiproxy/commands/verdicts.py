"""What ``mapiproxy test`` shows: as Exchange's cmdlet prints it, as JSON, and as one line for Nagios.

Texts come from servers in part, so they are printed as plain text only.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mapiproxy.commands.asking import fits, lines_of, plain
from mapiproxy.selftest.probe import Outcome
from mapiproxy.selftest.trail import Grade, Stage

_STYLES = {Grade.OK: "green", Grade.WARNING: "yellow", Grade.CRITICAL: "red", Grade.UNKNOWN: "magenta"}
_WORDS = {Grade.OK: "ok", Grade.WARNING: "warning", Grade.CRITICAL: "failed", Grade.UNKNOWN: "not tried"}


def show_time(at: float, iso: bool = False) -> str:
    """In local time, as Exchange does: ``2/14/2018 7:15:00 AM``; or as ISO 8601 has it."""
    moment = datetime.fromtimestamp(at, UTC).astimezone()
    if iso:
        return moment.isoformat(timespec="seconds")
    half = "AM" if moment.hour < 12 else "PM"
    return f"{moment.month}/{moment.day}/{moment.year} {moment.hour % 12 or 12}:{moment:%M:%S} {half}"


def show(outcomes: Sequence[Outcome], out: Console, *, as_list: bool, iso: bool) -> None:
    """A table where it fits, else a list, as PowerShell does."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in _rows(outcomes[0], iso):
        table.add_column(name, no_wrap=True)
    for outcome in outcomes:
        table.add_row(*(plain(text, style) for text, style in _rows(outcome, iso).values()))
    if not as_list and fits(table, out):
        for line in lines_of(table, out):
            out.print(line, soft_wrap=True)
        return
    for number, outcome in enumerate(outcomes):
        if number:
            out.print()
        for name, (text, style) in _rows(outcome, iso).items():
            out.print(Text.assemble((f"{name:<15} : ", "bold"), plain(text, style)), soft_wrap=True)


def trace(stage: Stage) -> list[Text]:
    """What ``-v`` says of a stage that is over: a line, and one for each warning."""
    moment = datetime.fromtimestamp(stage.at, UTC).astimezone()
    head = f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03}  {stage.name:<16} {stage.seconds:7.3f} s  "
    word = (f"{_WORDS[stage.grade]:<10}", _STYLES[stage.grade])
    lines = [Text.assemble(head, word, plain(stage.text))]
    indent = " " * (len(head) + 10)
    lines += [Text.assemble(indent, plain(text, _STYLES[Grade.WARNING])) for text in stage.warnings]
    return lines


def as_json(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Everything, for scripts. Times are ISO 8601 and seconds."""
    return {
        "exit_code": int(worst(outcomes)),
        "results": [
            {
                "MonitorIdentity": each.plan.identity,
                "Url": each.plan.target.url,
                "StartTime": show_time(each.start, iso=True),
                "EndTime": show_time(each.end, iso=True),
                "Result": each.result,
                "Grade": each.grade.name,
                "Error": each.error,
                "Exception": each.exception,
                "Insecure": each.plan.insecure,
                "Stages": [
                    {
                        "Name": stage.name,
                        "Seconds": round(stage.seconds, 4),
                        "Grade": stage.grade.name,
                        "Text": stage.text,
                        "Warnings": stage.warnings,
                    }
                    for stage in each.stages
                ],
            }
            for each in outcomes
        ],
    }


def nagios(outcomes: Sequence[Outcome]) -> str:
    """One line of a plugin: state, a sentence, and the stages' times as performance data."""
    texts, data = [], []
    for each in outcomes:
        name = f"{each.plan.name} " if each.plan.name else ""
        what = each.error or f"{len(each.stages)} stages passed in {each.end - each.start:.2f} s"
        texts.append(f"{name}{each.plan.probe.short} {each.plan.target.url} {what}")
        data += [f"'{name}{stage.name}'={stage.seconds:.3f}s" for stage in each.stages]
        data.append(f"'{name}total'={each.end - each.start:.3f}s")
    text = "; ".join(texts).replace("|", "/")
    line = f"MAPIHTTP {worst(outcomes).name} - {text} | {' '.join(data)}"
    return "".join(each if each.isprintable() else "?" for each in line)


def worst(outcomes: Sequence[Outcome]) -> Grade:
    """Of several, what matters most: a failure counts more than what could not be tried."""
    order = (Grade.OK, Grade.WARNING, Grade.UNKNOWN, Grade.CRITICAL)
    return max((each.grade for each in outcomes), key=order.index, default=Grade.UNKNOWN)


def _rows(outcome: Outcome, iso: bool) -> dict[str, tuple[str, str]]:
    """Column, and its text and style."""
    style = _STYLES[outcome.grade]
    return {
        "MonitorIdentity": (outcome.plan.identity, ""),
        "StartTime": (show_time(outcome.start, iso), ""),
        "EndTime": (show_time(outcome.end, iso), ""),
        "Result": (outcome.result, style),
        "Error": (outcome.error, style),
        "Exception": (outcome.exception, ""),
    }
