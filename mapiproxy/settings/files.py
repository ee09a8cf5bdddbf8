"""Are the files that a configuration names there, and may we read them?

Looks at the file system; reads no content but passphrases. Must not know what the files are for.
"""

from __future__ import annotations

import os
from pathlib import Path

from mapiproxy.settings.problems import KeyPath, Problems

#: Characters that a key has at least: less could be guessed.
LEAST_KEY = 16
#: What fits into the address of a UNIX socket (sun_path, with its end).
_LONGEST_SOCKET = 107


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


def check_key_file(
    key: KeyPath, path: Path | None, problems: Problems, *, word: str = "key", private: bool = False
) -> None:
    """Report a file of keys that cannot be read, or keys that are too short to be any good.

    :param word: what a line is called.
    :param private: that everybody can read it is an error, that a group can is worth a warning.
    """
    if path is None:
        return
    try:
        keys = read_keys(path)
    except OSError as error:
        problems.error(key, f"{path} cannot be read: {error.strerror}")
        return
    if not keys:
        problems.error(key, f'{path} holds no {word}; make one: openssl rand -base64 32 > "{path}"')
    for number, each in enumerate(keys, 1):
        if len(each) < LEAST_KEY:
            problems.error(key, f"{word} {number} in {path} is shorter than {LEAST_KEY} characters")
    mode = path.stat().st_mode
    if mode & 0o007:
        tell = problems.error if private else problems.warning
        tell(key, f"{path} can be read by everybody on this machine" + ("; chmod 600" if private else ""))
    elif mode & 0o070 and private:
        problems.warning(key, f"{path} can be read by a whole group; chmod 600")


def check_socket(key: KeyPath, path: Path, problems: Problems) -> None:
    """Report a place where no socket can be."""
    if len(os.fsencode(path)) > _LONGEST_SOCKET:
        problems.error(key, f"{path} is longer than the {_LONGEST_SOCKET} bytes that a socket's may have")
    elif path.exists() and not path.is_socket():
        problems.error(key, f"{path} exists and is no socket")
    elif not path.parent.is_dir():
        problems.error(key, f"{path.parent} is not a folder")
    elif not os.access(path.parent, os.W_OK | os.X_OK):
        problems.error(key, f"{path.parent} cannot be written to by this user")


def read_keys(path: Path) -> tuple[bytes, ...]:
    """The keys of a file, one in each line, without blanks and empty lines; raises OSError."""
    lines = (line.strip() for line in path.read_bytes().splitlines())
    return tuple(line for line in lines if line and not line.startswith(b"#"))
