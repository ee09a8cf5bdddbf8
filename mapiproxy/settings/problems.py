"""What is wrong with a configuration file, said so that it can be found and mended.

A problem has a file, a line and a dotted key. Collecting them is done here as well, because all are
told together. Must not know what the keys mean.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path

from attrs import Factory, define, frozen

#: A place in a document: table names, keys, and numbers (from 0) within arrays.
KeyPath = tuple[str | int, ...]


class Severity(StrEnum):
    """Errors keep the service from starting; warnings do not."""

    ERROR = "error"
    WARNING = "warning"


@frozen
class Problem:
    """One thing to mend; ``line`` counts from 1, ``key`` is empty where no key is to blame."""

    file: Path
    line: int
    key: str
    text: str
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        key = f"{self.key}: " if self.key else ""
        word = "" if self.severity is Severity.ERROR else "warning: "
        return f"{self.file}:{self.line}: {word}{key}{self.text}"


class SettingsError(Exception):
    """The file cannot be used; ``problems`` (sorted by line) holds every reason, and warnings."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


@define
class Problems:
    """Collects problems by key path.

    :ivar lines: where each path is written (:func:`mapiproxy.settings.lines.find_lines`).
    :ivar quiet: paths whose absence is known already, because what stood there was refused or was
        misspelt; calling them missing would say the same thing twice.
    :ivar blamed: paths that an error was reported for.
    """

    file: Path
    lines: Mapping[KeyPath, int] = Factory(dict)
    found: list[Problem] = Factory(list)
    quiet: set[KeyPath] = Factory(set)
    blamed: set[KeyPath] = Factory(set)

    def error(self, path: KeyPath, text: str) -> None:
        self.blamed.add(path)
        self._add(path, text, Severity.ERROR)

    def warning(self, path: KeyPath, text: str) -> None:
        self._add(path, text, Severity.WARNING)

    def missing(self, path: KeyPath, text: str) -> None:
        """An error about a key that is not there, unless an earlier error explains why."""
        if not any(path[: len(each)] == each for each in self.quiet):
            self.error(path, text)

    def line(self, path: KeyPath) -> int:
        """The line of a path, or of the nearest thing around it that is written in the file."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def in_order(self) -> list[Problem]:
        return sorted(self.found, key=lambda each: (each.line, each.key, each.text))

    def any_errors(self) -> bool:
        return any(each.severity is Severity.ERROR for each in self.found)

    def _add(self, path: KeyPath, text: str, severity: Severity) -> None:
        self.found.append(Problem(self.file, self.line(path), show_key(path), text, severity))


def show_key(path: KeyPath) -> str:
    """A path as one would write it: ``listener.mail.sni[0].certificate``."""
    shown = ""
    for part in path:
        if isinstance(part, int):
            shown += f"[{part}]"
        else:
            plain = re.fullmatch(r"[A-Za-z0-9_-]+", part) is not None
            shown += ("." if shown else "") + (part if plain else json.dumps(part))
    return shown


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant."""
    words = {each.lower(): each for each in known}
    word = word.lower().replace("-", "_")
    close = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    close += [each for each in words if len(word) > 2 and each.startswith(word)]
    return words[close[0]] if close else None


def meant(word: str, known: Iterable[str]) -> str:
    """``; did you mean "x"?`` or, where nothing is near, the empty string."""
    close = nearest(word, known)
    return f'; did you mean "{close}"?' if close else ""
