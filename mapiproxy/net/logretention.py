"""Which files of a log's folder are too many, and away with them.

Blocking, and without Twisted: it runs in a thread, as all that touches the log's files. Only regular files
whose whole name is one that we give are looked at, and the one being written is never touched.
"""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path

from attrs import define, frozen

_HOUR = 3600


@frozen
class Retention:
    """How much is kept in a folder (reference exchange-httpproxy 1.7).

    :ivar max_age: seconds after the end of its hour for which a file is kept.
    :ivar max_size: bytes of all files of a folder together.
    """

    max_age: float = 30 * 86400.0
    max_size: int = 1_000_000_000


@define
class Pruned:
    """What was done. ``trouble``: why a file that should have gone is still there."""

    files: int = 0
    size: int = 0
    trouble: OSError | None = None


def name_pattern(prefix: str) -> re.Pattern[str]:
    """Matches ``PREFIXYYYYMMDDHH-N.LOG`` with the hour and N as groups."""
    return re.compile(re.escape(prefix) + r"([0-9]{10})-([0-9]{1,9})\.LOG", re.ASCII)


def prune(folder: Path, prefix: str, keep: Path | None, now: float, rules: Retention) -> Pruned:
    """Remove what is too old, then the oldest until the rest is small enough.

    :param keep: the file being written.
    :param now: seconds since 1970.
    """
    done = Pruned()
    found = _find(folder, prefix, done)
    total = sum(size for *_, size in found)
    oldest = now - rules.max_age - _HOUR
    for hour, _, path, size in sorted(found):
        if hour >= oldest and total <= rules.max_size:
            break
        if path == keep:
            continue
        try:
            path.unlink()
        except FileNotFoundError:  # somebody else tidies as well
            total -= size
        except OSError as error:
            done.trouble = error
        else:
            total -= size
            done.files += 1
            done.size += size
    return done


def _find(folder: Path, prefix: str, done: Pruned) -> list[tuple[float, int, Path, int]]:
    """(Beginning of its hour, N, path, bytes) of each file of ours."""
    pattern = name_pattern(prefix)
    found = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                match = pattern.fullmatch(entry.name)
                hour = _hour_of(match[1]) if match is not None else None
                if match is None or hour is None:
                    continue
                try:
                    if entry.is_file(follow_symlinks=False):
                        size = entry.stat(follow_symlinks=False).st_size
                        found.append((hour, int(match[2]), folder / entry.name, size))
                except FileNotFoundError:
                    continue
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        done.trouble = error
    return found


def _hour_of(digits: str) -> float | None:
    try:
        return datetime.strptime(digits, "%Y%m%d%H").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
