"""The files of a log as they grow: what is new since the last look, whatever was rotated or truncated.

Looks when it is told to, and waits for nothing. A line is handed out when it is whole.
"""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from attrs import define

from mapiproxy.commands.logfiles import STDIN, find_files, hour_of, pieces_of
from mapiproxy.evidence.reading import LONGEST_LINE, FileReader, Troubles
from mapiproxy.evidence.row import Row

_PIECE = 1 << 16
#: Of files larger than this only so much is read for their last rows, if that is enough.
_LARGE, _NEAR = 8 << 20, 1 << 20


@define
class _Followed:
    """A file: which it is, how far it has been read, and who reads it."""

    inode: int
    offset: int
    reader: FileReader


class Follower:
    """Hands out the rows that files and folders have gained."""

    def __init__(self, paths: Sequence[Path], troubles: Troubles) -> None:
        self._paths = [path for path in paths if path != STDIN]
        self._troubles = troubles
        self._files: dict[Path, _Followed] = {}

    def begin(self) -> dict[Path, int]:
        """From now on: says up to which byte each file counts as seen.

        Headers are read, because later rows need them.
        """
        for path in find_files(self._paths):
            if path.suffix.lower() == ".gz":
                continue
            try:
                with path.open("rb") as file:
                    status = os.fstat(file.fileno())
                    followed = _Followed(status.st_ino, 0, FileReader(str(path), self._troubles))
                    deque(followed.reader.rows([_headlines(file.read(_PIECE))]), maxlen=0)
                    start = max(0, status.st_size - LONGEST_LINE)
                    file.seek(start)
                    end = file.read(status.st_size - start).rfind(b"\n")
            except OSError as error:
                self._complain(path, error)
                continue
            followed.offset = start + end + 1 if end >= 0 else 0
            self._files[path] = followed
        return {path: followed.offset for path, followed in self._files.items()}

    def poll(self) -> list[Row]:
        """What has come since, in the order of its time."""
        rows: list[Row] = []
        found = [path for path in find_files(self._paths) if path.suffix.lower() != ".gz"]
        for path in found:
            try:
                rows += self._look(path)
            except OSError as error:
                self._complain(path, error)
        for path in set(self._files) - set(found):
            del self._files[path]
        return sorted(rows, key=lambda row: row.at)

    def _look(self, path: Path) -> list[Row]:
        rows: list[Row] = []
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            followed = self._files.get(path)
            if followed is None or followed.inode != status.st_ino or status.st_size < followed.offset:
                followed = _Followed(status.st_ino, 0, FileReader(str(path), self._troubles))
                self._files[path] = followed
            if status.st_size == followed.offset:
                return rows
            file.seek(followed.offset)
            rest = b""
            while piece := file.read(_PIECE):
                whole, end, rest = (rest + piece).rpartition(b"\n")
                if end:
                    rows += followed.reader.rows([whole + end])
                    followed.offset += len(whole) + 1
        return rows

    def _complain(self, path: Path, error: OSError) -> None:
        self._troubles.add(str(path), 0, f"cannot be read: {error.strerror}")


def last_rows(
    paths: Sequence[Path], count: int, troubles: Troubles, seen: Mapping[Path, int] | None = None
) -> list[Row]:
    """The last *count* rows of all files together: of each folder as many of the newest files as it takes.

    :param seen: up to which byte each file is to be read; by default to its end.
    """
    folders: dict[Path, list[Path]] = {}
    for path in find_files(paths):
        folders.setdefault(path.parent if hour_of(path) is not None else path, []).append(path)
    found: list[Row] = []
    for files in folders.values():
        last: list[Row] = []
        for path in reversed(files):
            if len(last) >= count:
                break
            near = _near_the_end(path, count - len(last), troubles, (seen or {}).get(path))
            if near is not None:
                last = [*near, *last]
                continue
            pieces = pieces_of(path, troubles)
            if seen is not None and path in seen:
                pieces = _up_to(pieces, seen[path])
            rows = FileReader(str(path), troubles).rows(pieces)
            last = [*deque(rows, maxlen=count), *last]
        found += last
    return sorted(found, key=lambda row: row.at)[-count:] if count else []


def _headlines(beginning: bytes) -> bytes:
    """What a file begins with that names its columns."""
    lines = [line for line in beginning.split(b"\n") if not line[:1].isdigit()][:8]
    return b"\n".join(lines) + b"\n"


def _near_the_end(path: Path, count: int, told: Troubles, end: int | None) -> list[Row] | None:
    """The last *count* rows of a large file; ``None`` if it has to be read whole to be sure of them."""
    try:
        status = path.stat()
        size = status.st_size if end is None else end
        if not stat.S_ISREG(status.st_mode) or size < _LARGE or path.suffix.lower() == ".gz":
            return None
        with path.open("rb") as file:
            head = _headlines(file.read(_PIECE))
            file.seek(size - _NEAR)
            _, _, tail = file.read(_NEAR).partition(b"\n")
    except OSError:
        return None
    troubles = Troubles()
    rows = [*FileReader(str(path), troubles).rows([head + tail])]
    # A complaint would name the wrong line, and a header may have come in between.
    if troubles.broken or troubles.guessed or len(rows) < count:
        return None
    told.half += troubles.half
    return rows[len(rows) - count :]


def _up_to(pieces: Iterator[bytes], limit: int) -> Iterator[bytes]:
    for piece in pieces:
        yield piece[:limit]
        limit -= len(piece)
        if limit <= 0:
            return
