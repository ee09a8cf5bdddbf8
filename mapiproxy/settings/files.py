"""Are the files that a configuration names there, and may we read them?

Looks at the file system; reads no content but passphrases. Must not know what the files are for.
"""

from __future__ import annotations

import os
from pathlib import Path

from mapiproxy.settings.problems import KeyPath, Problems


def check_readable(key: KeyPath, path: Path | None, problems: Problems) -> None:
    """Report a file that is named but cannot be opened."""
    if path is None:
        return
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        problems.error(key, f"{path} cannot be read: {error.strerror}")


def check_folder(key: KeyPath, path: Path, problems: Problems) -> None:
    """Report a folder that we could neither write to nor make."""
    there = path
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir():
        problems.error(key, f"{there} is not a folder")
    elif not os.access(there, os.W_OK | os.X_OK):
        doing = "written to" if there == path else f"made: {there} cannot be written to"
        problems.error(key, f"{path} cannot be {doing} by this user")


def read_passphrase(path: Path) -> bytes:
    """The first line of a passphrase file, without its end; raises OSError."""
    return path.read_bytes().partition(b"\n")[0].rstrip(b"\r")
