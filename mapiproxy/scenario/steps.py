"""Reads the steps of a scenario: which verb, when, with which keys; and whether those name what there is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import fields_dict

from mapiproxy.scenario import client_verbs, device_verbs, operator_verbs, server_verbs
from mapiproxy.scenario.shape import parse_moment
from mapiproxy.scenario.verbs import VERB_MANY, VERB_PARSERS, VERBS, Step
from mapiproxy.settings.problems import KeyPath, Problems, meant
from mapiproxy.settings.structure import make_converter, read_shape
from mapiproxy.settings.units import BadValue, show

#: The files that fill VERBS.
VERB_FILES = (client_verbs, device_verbs, operator_verbs, server_verbs)
#: What a step may call servers and clients without naming one.
SERVER_WORDS = ("home", "others", "all")
EVERYBODY = "all"


def read_steps(
    tables: Sequence[Mapping[str, Any]],
    duration: float,
    known: Mapping[str, Iterable[str]],
    problems: Problems,
) -> tuple[Step, ...]:
    """In the order of time. :param known: names of clients, servers and devices."""
    steps: list[Step] = []
    for number, raw in enumerate(tables):
        path: KeyPath = ("step", number)
        rest = dict(raw)
        at = _read_at(rest, duration, path, problems)
        word = rest.pop("do", None)
        name = rest.pop("name", None)
        if name is not None and not isinstance(name, str):
            problems.error((*path, "name"), f"must be a string, not {show(name)}")
        made = make_step(word, rest, known, problems, path)
        if made is not None:
            steps.append(Step(at, str(name or word), made, str(word), problems.line(path)))
    return tuple(sorted(steps, key=lambda step: step.at))


def make_step(
    word: object,
    keys: dict[str, Any],
    known: Mapping[str, Iterable[str]],
    problems: Problems,
    path: KeyPath = (),
) -> Any:
    """A verb with its keys; ``None`` if the word is none.

    :param known: names of clients, servers and devices.
    """
    if word is None:
        problems.missing((*path, "do"), f"missing; one of {', '.join(sorted(VERBS))}")
        return None
    if not isinstance(word, str) or word not in VERBS:
        problems.error((*path, "do"), f"unknown: {show(word)}{known_words(str(word), VERBS)}")
        return None
    inner = _Below(problems, path)
    converter = make_converter(Path(), VERB_PARSERS, VERB_MANY)
    made: Any = read_shape(keys, VERBS[word], converter, inner)
    if inner.clean:
        _check_verb(made, path, known, problems)
    return made


def _read_at(rest: dict[str, Any], duration: float, path: KeyPath, problems: Problems) -> float:
    if "at" not in rest:
        problems.missing((*path, "at"), 'missing; write at = "90s"')
        return 0.0
    try:
        at = parse_moment(rest.pop("at"))
    except BadValue as bad:
        problems.error((*path, "at"), str(bad))
        return 0.0
    if at >= duration:
        problems.error((*path, "at"), "is not before the end of the scenario (duration)")
    return at


def _check_verb(made: Any, path: KeyPath, known: Mapping[str, Iterable[str]], problems: Problems) -> None:
    for key, what in type(made).names.items():
        value = getattr(made, key)
        if value is None and fields_dict(type(made))[key].metadata.get("needed"):
            problems.missing((*path, key), f"missing: which {what}?")
        for each in value if isinstance(value, tuple) else (value,) if value is not None else ():
            if what in known and each not in known[what]:
                problems.error((*path, key), f'there is no {what} "{each}"{known_words(each, known[what])}')
    for complaint in made.complaints():
        problems.error((*path, complaint.key), complaint.text)


class _Below(Problems):
    """Problems of one step: told at the step's place."""

    def __init__(self, above: Problems, path: KeyPath) -> None:
        super().__init__(above.file, above.lines)
        self.clean = True
        self._above = above
        self._path = path

    def error(self, path: KeyPath, text: str) -> None:
        self.clean = False
        self._above.error((*self._path, *path), text)


def known_words(word: str, known: Iterable[str]) -> str:
    words = sorted(each for each in known if each)
    return meant(word, words) or f"; known: {', '.join(words) or 'none'}"
