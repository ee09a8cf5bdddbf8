"""From a path to settings, or to every reason why not.

Opens the one TOML file, lets ``tomllib`` read it, and brings the other parts of this room together.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from attrs import frozen

from mapiproxy.settings.building import build_settings
from mapiproxy.settings.lines import find_lines
from mapiproxy.settings.problems import Problem, Problems, SettingsError, Severity
from mapiproxy.settings.structure import read_tables
from mapiproxy.settings.values import Settings


@frozen
class Reading:
    """What came of reading a file.

    :ivar draft: what could be understood, to look further for problems; not to be run. ``None``
        when
        the file is no TOML document at all.
    :ivar problems: what is wrong, and where each key stands, for complaints that come up later.
    """

    draft: Settings | None
    problems: Problems

    @property
    def settings(self) -> Settings | None:
        """What can be run; ``None`` while there are errors."""
        return None if self.problems.any_errors() else self.draft


def load_settings(path: Path | str) -> Settings:
    """The settings in a file; raises SettingsError with all problems, unless they are warnings."""
    reading = read_settings(path)
    if reading.settings is None:
        raise SettingsError(reading.problems.in_order())
    return reading.settings


def read_settings(path: Path | str) -> Reading:
    """Like :func:`load_settings`, but hands out what it found instead of raising."""
    # The path as given is what people want to see; an absolute one is what stays true after chdir.
    problems = Problems(Path(path))
    base = Path(path).absolute().parent
    try:
        text = Path(path).read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
        document = tomllib.loads(text)
        problems.lines = find_lines(text)
    except OSError as error:
        problems.error((), f"cannot be read: {error.strerror}")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        _at_line(problems, line, "not UTF-8 text")
    except tomllib.TOMLDecodeError as error:
        found = re.search(r" \(at line (\d+), column (\d+)\)$", str(error))
        line = int(found[1]) if found else text.rstrip("\n").count("\n") + 1
        words = str(error)[: found.start()] + f" (column {found[2]})" if found else str(error)
        _at_line(problems, line, f"not valid TOML: {words}")
    except RecursionError:
        problems.error((), "nested too deeply")
    else:
        tables = read_tables(document, base, problems)
        return Reading(build_settings(tables, problems), problems)
    return Reading(None, problems)


def _at_line(problems: Problems, line: int, text: str) -> None:
    problems.found.append(Problem(problems.file, line, "", text, Severity.ERROR))
