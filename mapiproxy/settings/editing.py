"""How does a command change a configuration file without spoiling it?

Comments, order and spelling stay (tomlkit). A change is read as the proxy would read it before the file is
replaced, in one step, so a bad one changes nothing.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import tomlkit
from attrs import evolve
from tomlkit import TOMLDocument
from tomlkit.exceptions import TOMLKitError

from mapiproxy.settings.problems import Problem
from mapiproxy.settings.reading import read_settings


class CannotEdit(Exception):
    """The file stays as it was; ``problems`` are those that the change would have made."""

    def __init__(self, text: str, problems: list[Problem] | None = None) -> None:
        super().__init__(text)
        self.problems = problems or []


def edit(path: Path, change: Callable[[TOMLDocument], None], *, write: bool = True) -> tuple[str, str]:
    """Change a file. Returns its text before and after.

    :param write: ``False`` only looks at what would come of it.
    :raise CannotEdit: the file cannot be read or written, or the result could not be run.
    """
    try:
        before = path.read_bytes().decode("utf-8-sig")
        document = tomlkit.parse(before)
    except OSError as error:
        raise CannotEdit(f"{path} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, TOMLKitError) as error:
        raise CannotEdit(f"{path} is not valid TOML: {error}") from error
    change(document)
    after = tomlkit.dumps(document)
    replace(path, after, check=True, write=write)
    return before, after


def replace(path: Path, text: str, *, check: bool, write: bool = True) -> None:
    """Put *text* in the place of a file, with its owner and mode.

    :param check: refuse what could not be run.
    :raise CannotEdit: nothing has been changed.
    """
    try:
        # Beside the file, because paths in it are relative to its folder.
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise CannotEdit(f"{path.parent} cannot be written to: {error.strerror}") from error
    draft = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        if check:
            _refuse_errors(path, draft)
        if write:
            real = path.resolve()
            shutil.copymode(real, draft)
            status = real.stat()
            if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
                os.chown(draft, status.st_uid, status.st_gid)
            draft.replace(real)
    except OSError as error:
        raise CannotEdit(f"{path} cannot be replaced: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)


def _refuse_errors(path: Path, draft: Path) -> None:
    reading = read_settings(draft)
    if reading.settings is None:
        problems = [evolve(each, file=path) for each in reading.problems.in_order()]
        raise CannotEdit(f"{path} could not be run after this change, so it was not made", problems)


def set_keys(document: TOMLDocument, table: tuple[str, ...], keys: Mapping[str, Any]) -> None:
    """Set keys of a table, which is made if it is not there; ``None`` removes a key."""
    place: Any = document
    for number, name in enumerate(table):
        if name not in place:
            place[name] = tomlkit.table(is_super_table=number < len(table) - 1)
        place = place[name]
    for key, value in keys.items():
        if value is None:
            place.pop(key, None)
        else:
            place[key] = list(value) if isinstance(value, tuple) else value


def remove_table(document: TOMLDocument, table: tuple[str, ...]) -> bool:
    """Take a table out of the file; whether it was there."""
    place: Any = document
    for name in table[:-1]:
        if name not in place:
            return False
        place = place[name]
    return place.pop(table[-1], None) is not None
