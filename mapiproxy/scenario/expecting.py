"""Reads ``[expect]``: which subject, which limits, for which kind of server.

``reconnects = 0``, ``outage_max = "2s"`` (at most), ``waits = {min = 3}``, ``codes = {"10" = {max = 1}}``.
A table named after a kind of server holds what is different there. What is not named is not looked at,
except for what is expected of every run (subjects.ALWAYS).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from mapiproxy.record.ending import Ending
from mapiproxy.scenario.evidence import COUNTED
from mapiproxy.scenario.judging import Check, Detection, Expectation, Expected
from mapiproxy.scenario.subjects import ALWAYS, SUBJECTS, Subject
from mapiproxy.settings.problems import KeyPath, Problems, meant
from mapiproxy.settings.units import BadValue, parse_duration, show

KINDS = ("exchange", "grommunio")
#: The key for all that are not named.
OTHER = "other"
_ENDINGS = tuple(ending.value for ending in Ending)
_NUMBERED = (("codes",), ("server_codes",), ("statuses",), ("log", "HttpStatus"), ("log", "X-ResponseCode"))
_SERVERS = (("at_servers",), ("went_down",))


def read_expectations(
    table: Mapping[str, Any], kind: str, steps: Collection[str], problems: Problems
) -> tuple[Expected, ...]:
    """What is expected with servers of a *kind*; problems are told once, with their line.

    :param steps: names of steps that may be referred to.
    """
    own = table.get(kind, {})
    if not isinstance(own, Mapping):
        _once(problems, ("expect", kind), f"must be a table, not {show(own)}")
        own = {}
    merged: dict[str, tuple[KeyPath, Any]] = {}
    for name, value in table.items():
        if name not in KINDS:
            merged[name] = (("expect", name), value)
    merged.update({name: (("expect", kind, name), value) for name, value in own.items()})
    expected: list[Expected] = []
    for name, (path, value) in merged.items():
        if name == "detected":
            expected += _detections(path, value, steps, problems)
            continue
        subject = SUBJECTS.get(name)
        if subject is None:
            close = meant(name, [*SUBJECTS, "detected"])
            _once(problems, path, f"nothing of that name can be expected{close}")
        else:
            expected += _read(path, (name,), value, subject, problems)
    for name, number in ALWAYS.items():
        if name not in merged:
            check = Check(number, number)
            expected.append(Expectation((name,), check, who=SUBJECTS[name].who))
    return tuple(expected)


def _read(
    path: KeyPath, names: tuple[str, ...], value: Any, subject: Subject, problems: Problems
) -> list[Expected]:
    line = problems.line(path)
    if isinstance(value, dict) and not set(value) <= {"min", "max"}:
        if subject.unit != "counts":
            _once(problems, path, f"must be a number, or a table of min and max, not {show(value)}")
            return []
        made: list[Expected] = []
        if names == ("log",):
            for key in value.keys() - {*COUNTED, "lines"}:
                close = meant(key, COUNTED) or f"; there are {', '.join(COUNTED)}"
                _once(problems, (*path, key), f"no column or key of the log that can be counted{close}")
        for key in value.keys() - {OTHER}:
            if (wrong := _never_counted(names, key)) is not None:
                _once(problems, (*path, key), wrong)
        for key, inner in value.items():
            shown = tuple(each for each in value if each != OTHER)
            if key == OTHER:
                check = _check((*path, key), inner, subject, problems)
                made.append(Expectation((*names, "*"), check, line, shown, subject.who))
            else:
                made += _read((*path, key), (*names, key), inner, subject, problems)
        return made
    return [Expectation(names, _check(path, value, subject, problems), line, who=subject.who)]


def _never_counted(names: tuple[str, ...], key: str) -> str | None:
    """Why nothing is ever counted under this key: an expectation of 0 there could not fail."""
    if names == ("log", "Ending") and key not in _ENDINGS:
        return f"no ending of an exchange{meant(key, _ENDINGS) or '; there are ' + ', '.join(_ENDINGS)}"
    if names in _NUMBERED and not (key.isascii() and key.isdigit()):
        return "must be a number in quotes, or other"
    if names in _SERVERS and not re.fullmatch(r"MBX[1-9]", key):
        return "no server; they are called MBX1, MBX2"
    return None


def _check(path: KeyPath, value: Any, subject: Subject, problems: Problems) -> Check:
    seconds = subject.unit == "seconds"
    try:
        if isinstance(value, dict):
            if not value:
                raise BadValue("an empty table expects nothing: write {min = 1}, {max = 2} or a number")
            least, most = (_number(value[k], seconds) if k in value else None for k in ("min", "max"))
            if least is not None and most is not None and least > most:
                raise BadValue("min is more than max")
            return Check(least, most, seconds)
        number = _number(value, seconds)
    except BadValue as bad:
        _once(problems, path, str(bad))
        return Check()
    # Nobody expects an outage of exactly two seconds.
    return Check(None if seconds else number, number, seconds)


def _number(value: Any, seconds: bool) -> float:
    if seconds:
        return 0.0 if value == "0s" else parse_duration(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadValue(f"must be a whole number, not {show(value)}")
    return float(value)


def _detections(
    path: KeyPath, value: Any, steps: Collection[str], problems: Problems
) -> list[Expected]:
    made: list[Expected] = []
    for number, each in enumerate(value if isinstance(value, list) else [value]):
        place = (*path, number) if isinstance(value, list) else path
        if not isinstance(each, dict):
            _once(problems, place, 'must be a table: {step = "crash", says = "DOWN", within = "5s"}')
            continue
        for key in each.keys() - {"step", "says", "within"}:
            _once(problems, (*place, key), "unknown key; known here: step, says, within")
        step, says, within = (each.get(key) for key in ("step", "says", "within"))
        if step is not None and (not isinstance(step, str) or step not in steps):
            _once(problems, (*place, "step"), f"there is no step {show(step)}{meant(str(step), steps)}")
        try:
            if not isinstance(says, str):
                raise BadValue("missing: says = a regular expression over what the proxy logs")
            seconds = None if within is None else parse_duration(within)
            made.append(Detection(re.compile(says), step, seconds, problems.line(place)))
        except (BadValue, re.error) as bad:
            _once(problems, (*place, "says" if within is None else "within"), str(bad))
    return made


def _once(problems: Problems, path: KeyPath, text: str) -> None:
    """Both kinds read the same lines."""
    if path not in problems.blamed:
        problems.error(path, text)
