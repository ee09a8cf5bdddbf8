"""The files of one folder of a log: which is open, when the next begins, what is still owed.

Blocking, and without Twisted: it runs in a thread, one call at a time (``net/logfile.py`` sees to that).
What it promises whatever the disk does: a file has one header, at its beginning; a line is written whole or
not at all; lines keep their order; what could not be written is kept, up to a bound, and tried again.
"""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

#: Lines kept for a disk that refuses them; at a kilobyte each, some 60 MB.
BACKLOG = 50_000
#: Lines that go to the disk in one call.
CHUNK = 1000

_OPEN = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
HOUR_MS = 3_600_000


#: The end of an exchange in milliseconds since 1970, and its line. A bare tuple: there is one per request.
Entry = tuple[int, bytes]


class LogFolder:
    """A folder of hourly files ``HttpProxy_YYYYMMDDHH-N.LOG``.

    :ivar path: the file being written, or ``None``.
    :ivar owed: entries not yet on the disk.
    :ivar lost: how many were dropped because too many were owed.
    :ivar opened: how many files were begun.
    """

    def __init__(
        self,
        directory: Path,
        header: Callable[[int], bytes],
        roll_size: int,
        prefix: str = "HttpProxy_",
    ) -> None:
        """
        :param header: what a file begins with, given the moment of its first entry in ms.
        :param prefix: what names begin with.
        """
        self.path: Path | None = None
        self.owed: deque[Entry] = deque()
        self.lost = 0
        self.opened = 0
        self.prefix = prefix
        self.directory = directory
        self._header = header
        self._roll_size = roll_size
        self._descriptor = -1
        self._hour = 0
        self._size = 0
        self._has_lines = False

    def add(self, entries: Sequence[Entry]) -> None:
        """Owe some more lines; those that are too many are lost."""
        room = max(0, BACKLOG - len(self.owed))
        self.lost += max(0, len(entries) - room)
        self.owed.extend(entries[:room])

    def write(self) -> None:
        """Write what is owed.

        :raise OSError: it could not all be written; what was not is still owed.
        """
        if self._descriptor >= 0 and self.owed and os.fstat(self._descriptor).st_nlink == 0:
            self.close()  # somebody has removed it
        while self.owed:
            self._make_ready(self.owed[0])
            self._write_chunk()

    def close(self) -> None:
        """Close the file; a later write begins another."""
        descriptor, self._descriptor, self.path = self._descriptor, -1, None
        if descriptor >= 0:
            with suppress(OSError):
                os.close(descriptor)

    def _make_ready(self, first: Entry) -> None:
        """Have a file open that may take *first*."""
        ended_ms, line = first
        hour = ended_ms // HOUR_MS
        full = self._has_lines and self._size + len(line) > self._roll_size
        if self._descriptor >= 0 and (full or not self._fits(hour)):
            self.close()
        if self._descriptor < 0:
            self._open(hour, self._header(ended_ms))

    def _fits(self, hour: int) -> bool:
        """Whether the open file is for that hour, or is for the next and *hour*'s was closed just now."""
        return self._hour - 1 <= hour <= self._hour

    def _open(self, hour: int, header: bytes) -> None:
        """Begin the next free file of that hour; one that cannot be begun is not left behind."""
        self.directory.mkdir(mode=0o750, parents=True, exist_ok=True)
        name = self.prefix + datetime.fromtimestamp(hour * 3600, UTC).strftime("%Y%m%d%H")
        number = self._last_number(name) + 1
        while True:
            path = self.directory / f"{name}-{number}.LOG"
            try:
                descriptor = os.open(path, _OPEN, 0o640)
                break
            except FileExistsError:  # another process was faster
                number += 1
        try:
            written, error = write_whole(descriptor, header)
            if error is not None:
                raise error
        except OSError:
            os.close(descriptor)
            path.unlink(missing_ok=True)
            raise
        self.path, self._descriptor, self._hour, self._size = path, descriptor, hour, written
        self._has_lines = False
        self.opened += 1

    def _last_number(self, name: str) -> int:
        pattern = re.compile(re.escape(name) + r"-([0-9]{1,9})\.LOG", re.ASCII)
        numbers = [0]
        for entry in os.scandir(self.directory):
            match = pattern.fullmatch(entry.name)
            if match is not None:
                numbers.append(int(match[1]))
        return max(numbers)

    def _write_chunk(self) -> None:
        """Write as many entries as the open file may take, in one call if the system allows."""
        chunk: list[bytes] = []
        size = self._size
        for ended_ms, line in self.owed:
            size += len(line)
            if chunk and (
                len(chunk) >= CHUNK
                or size > self._roll_size
                or not self._fits(ended_ms // HOUR_MS)
            ):
                break
            chunk.append(line)
        written, error = write_whole(self._descriptor, b"".join(chunk))
        whole = self._settle(chunk, written)
        self._size += whole
        self._has_lines = self._has_lines or whole > 0
        if error is not None:
            if whole != written:
                self._cut_half_line()
            raise error

    def _settle(self, chunk: list[bytes], written: int) -> int:
        """Forget the entries that are on the disk whole; returns their size."""
        whole = 0
        for line in chunk:
            if whole + len(line) > written:
                break
            whole += len(line)
            self.owed.popleft()
        return whole

    def _cut_half_line(self) -> None:
        """Take the beginning of a line back; a file that does not let us gets no more lines."""
        try:
            cut(self._descriptor, self._size)
        except OSError:
            self.close()


def write_whole(descriptor: int, data: bytes) -> tuple[int, OSError | None]:
    """Write all of *data*; says how much was written, and why not the rest."""
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[write_some(descriptor, rest) :]
        except OSError as error:
            return len(data) - len(rest), error
    return len(data), None


def write_some(descriptor: int, data: memoryview) -> int:
    """``os.write``, by a name that tests may replace."""
    return os.write(descriptor, data)


def cut(descriptor: int, size: int) -> None:
    """``os.ftruncate``, likewise."""
    os.ftruncate(descriptor, size)
