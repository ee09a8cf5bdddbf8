"""How does a command change a configuration file without spoiling it?

Comments, order and spelling stay (tomlkit). A change is read as the proxy would read it before the file is
replaced, in one step, so a bad one changes nothing.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import tomlkit
from attrs import evolve
from tomlkit import TOMLDocument
from tomlkit.exceptions import TOMLKitError

from mapiproxy.settings.problems import Problem
from mapiproxy.settings.reading import read_settings

#: As tomlkit knows it, or its plain content.
Document = TOMLDocument | dict[str, Any]
Change = Callable[[Document], str | None]

_BARE = re.compile(r"[A-Za-z0-9_-]+")


class CannotEdit(Exception):
    """The file stays as it was; ``problems`` are those that the change would have made."""

    def __init__(self, text: str, problems: list[Problem] | None = None) -> None:
        super().__init__(text)
        self.problems = problems or []


def edit(path: Path, change: Change, *, write: bool = True) -> tuple[str, str]:
    """Change a file. Returns its text before and after.

    :param change: made to the document, and once more to its plain content, so that the two can be compared;
        may return text to put at the file's end.
    :param write: ``False`` only looks at what would come of it.
    :raise CannotEdit: the file cannot be read or written, or the result could not be run.
    """
    try:
        before = path.read_bytes().decode("utf-8-sig")
        document = tomlkit.parse(before)
        wanted = tomllib.loads(before.replace("\r\n", "\n"))
    except OSError as error:
        raise CannotEdit(f"{path} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, TOMLKitError, tomllib.TOMLDecodeError) as error:
        raise CannotEdit(f"{path} is not valid TOML: {error}") from error
    change(wanted)
    try:
        tail = change(document) or ""
        after = tomlkit.dumps(document)
        after = (after.rstrip("\r\n") + "\n" + tail if tail else after).replace("\r\n", "\n")
        same = tomllib.loads(after) == wanted
        tomlkit.parse(after)
    except (TOMLKitError, ValueError):
        same = False
    if not same:
        # Inline tables and dotted keys have more shapes than anybody has tried.
        raise CannotEdit(f"{path} is written in a way that this command cannot change; edit it by hand")
    if "\r\n" in before:
        after = after.replace("\n", "\r\n")
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


def set_keys(document: Document, table: tuple[str, ...], keys: Mapping[str, Any]) -> str | None:
    """Set keys of a table; ``None`` removes a key.

    A table that is not there is made: within plain content at once, of a document as text for its end,
    where it cannot get between a comment and what the comment is about.
    """
    keys = {key: list(value) if isinstance(value, tuple) else value for key, value in keys.items()}
    place: Any = document
    for name in table:
        if name not in place:
            if isinstance(document, TOMLDocument):
                return _table_text(table, keys)
            place[name] = {}
        place = place[name]
    for key, value in keys.items():
        if value is None:
            place.pop(key, None)
        else:
            place[key] = value
    return None


def _table_text(table: tuple[str, ...], keys: Mapping[str, Any]) -> str:
    name = ".".join(each if _BARE.fullmatch(each) else json.dumps(each) for each in table)
    lines = [f"{key} = {tomlkit.item(value).as_string()}" for key, value in keys.items() if value is not None]
    return "\n".join(["", f"[{name}]", *lines, ""])


def remove_table(document: Document, table: tuple[str, ...]) -> bool:
    """Take a table out of the file; whether it was there."""
    places: list[Any] = [document]
    for name in table[:-1]:
        if name not in places[-1]:
            return False
        places.append(places[-1][name])
    found = places[-1].pop(table[-1], None) is not None
    if not isinstance(document, TOMLDocument):
        # A table that was there for its inner ones only goes with the last of them.
        for place, above, name in zip(places[:0:-1], places[-2::-1], table[-2::-1], strict=True):
            if not place:
                del above[name]
    return found
