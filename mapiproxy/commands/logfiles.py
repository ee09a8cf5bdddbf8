"""The files of a log: which are meant, which are needed, how their bytes are had, and what time it is.

What the bytes say is the evidence room's. A file that cannot be read is named and does not stop the others.
"""

from __future__ import annotations

import gzip
import re
import sys
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import click
from attrs import frozen
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from mapiproxy.backends.kind import Kind
from mapiproxy.commands.asking import plain
from mapiproxy.evidence.moments import parse_stamp
from mapiproxy.evidence.reading import FileReader, Troubles, Window
from mapiproxy.evidence.row import Row
from mapiproxy.settings import read_settings

#: Where a configuration file usually is.
USUAL_CONFIG = Path("/etc/mapiproxy/mapiproxy.toml")
#: The options that several log commands have.
config_option = click.option(
    "--config", type=click.Path(path_type=Path), help=f"For the log's folder.  [default: {USUAL_CONFIG}]"
)
kind_option = click.option(
    "--kind",
    type=click.Choice([kind.value for kind in Kind]),
    help="What the servers are, for the meaning of X-ResponseCode; of those in --config it is known.",
)
#: Stands for the standard input.
STDIN = Path("-")

_NAME = re.compile(r"HttpProxy_(\d{10})?.*\.log(\.gz)?", re.IGNORECASE | re.ASCII)
_HOUR_MS = 3_600_000
_ANY_HOUR = 1 << 62
#: Small pieces stay in the processor's cache: a quarter of the time of a megabyte at once.
_PIECE = 1 << 16
#: Where the last row is looked for.
_TAIL = 1 << 18
#: Files smaller than this together need no progress bar.
_SMALL = 8 << 20


class NoLog(click.ClickException):
    """There is nothing to read; 1 is for what is found in a log."""

    exit_code = 2


@frozen
class Place:
    """What is to be read: files and folders, and the kinds of backends by name."""

    paths: tuple[Path, ...]
    kinds: Mapping[str, Kind]


def now_ms() -> int:
    """Milliseconds since 1970, now."""
    return int(time.time() * 1000)


def place_of(paths: Sequence[Path], config: Path | None) -> Place:
    """What the arguments of a command mean; without paths, the ``[log] directory`` of the configuration.

    :raise NoLog: nothing is named, or what is named is not there.
    """
    for path in paths:
        if path != STDIN and not _exists(path):
            raise NoLog(f"there is no file or folder {path}")
    if paths and config is None:
        return Place(tuple(paths), {})
    asked = config or USUAL_CONFIG
    if config is None and not _exists(asked):
        raise NoLog(
            "which log? Give a file or a folder, or --config FILE for its [log] directory"
            f" (there is no {asked})"
        )
    draft = read_settings(asked).draft
    if draft is None:
        raise NoLog(f"{asked} cannot be read; try: mapiproxy check {asked}")
    kinds = {server.name: group.kind for group in draft.backends for server in group.servers}
    if paths:
        return Place(tuple(paths), kinds)
    if not _exists(draft.log.directory):
        raise NoLog(f"there is no folder {draft.log.directory}, which {asked} names as [log] directory")
    return Place((draft.log.directory,), kinds)


def _exists(path: Path) -> bool:
    """:raise NoLog: nobody may know, because a folder above it is closed to us."""
    try:
        return path.exists()
    except OSError as error:
        raise NoLog(f"{path} cannot be read: {error.strerror}") from None


def find_files(paths: Sequence[Path]) -> list[Path]:
    """All files that are meant, the oldest first: what is named, and in folders what is called like a log."""
    found = {}
    for path in paths:
        if path == STDIN or not path.is_dir():
            found[path] = (hour_of(path) or 0, 0, str(path))
            continue
        for each in path.rglob("*"):
            match = _NAME.fullmatch(each.name)
            if match is not None and each.is_file():
                found[each] = (hour_of(each) or 0, len(each.name), str(each))
    return sorted(found, key=lambda each: found[each])


def files_of(paths: Sequence[Path]) -> list[Path]:
    """Like :func:`find_files`; there has to be one.

    :raise NoLog: there is none.
    """
    files = find_files(paths)
    if not files:
        raise NoLog(f"there is no HttpProxy_*.LOG below {', '.join(map(str, paths))}")
    return files


def hour_of(path: Path) -> int | None:
    """When the hour of a file began, by its name; ``None`` if that does not tell."""
    match = _NAME.fullmatch(path.name)
    if match is None or match[1] is None:
        return None
    try:
        return int(datetime.strptime(match[1], "%Y%m%d%H").replace(tzinfo=UTC).timestamp()) * 1000
    except ValueError:
        return None


def needed(files: Sequence[Path], since: int | None, until: int | None) -> list[Path]:
    """Files that may have rows of that time. One of an hour may have some of the hour before."""
    chosen = []
    for path in files:
        hour = hour_of(path)
        if hour is not None:
            late = until is not None and hour - _HOUR_MS > until
            early = since is not None and hour + 2 * _HOUR_MS < since
            if late or early:
                continue
        chosen.append(path)
    return chosen


def last_moment(files: Sequence[Path]) -> int | None:
    """When the last request of these files ended, by the last lines of the newest hour that has any."""
    hours: dict[int, list[Path]] = {}
    for path in files:
        if path != STDIN:
            # A file whose name tells nothing may be of any hour.
            hours.setdefault(hour_of(path) or _ANY_HOUR, []).append(path)
    found: int | None = None
    for hour in sorted(hours, reverse=True):
        for path in hours[hour]:
            for line in _last_lines(path):
                at = parse_stamp(line[:24])
                if at is not None and (found is None or at > found):
                    found = at
        if found is not None and hour != _ANY_HOUR:
            break
    return found


def rows_of(
    files: Sequence[Path],
    troubles: Troubles,
    window: Window | None = None,
    advance: Callable[[int], None] | None = None,
) -> Iterator[Row]:
    """The rows of all files.

    :param advance: is told how many bytes of the files have been read since the last time.
    """
    for path in files:
        reader = FileReader(str(path), troubles, window or Window())
        yield from reader.rows(pieces_of(path, troubles, advance))


def pieces_of(
    path: Path, troubles: Troubles, advance: Callable[[int], None] | None = None
) -> Iterator[bytes]:
    """The bytes of a file, unpacked; what goes wrong is told among the troubles."""
    try:
        if path == STDIN:
            while piece := sys.stdin.buffer.read(_PIECE):
                yield piece
            return
        with path.open("rb") as raw:
            packed = path.suffix.lower() == ".gz"
            stream: BinaryIO | gzip.GzipFile = gzip.GzipFile(fileobj=raw) if packed else raw
            before = 0
            while piece := stream.read(_PIECE):
                if advance is not None:
                    after = raw.tell()
                    advance(after - before)
                    before = after
                yield piece
    except (OSError, EOFError, zlib.error) as error:
        what = getattr(error, "strerror", None) or str(error)
        troubles.add(str(path), 0, f"cannot be read: {what}")


def _last_lines(path: Path) -> list[bytes]:
    if path.suffix.lower() == ".gz":
        pieces = deque(pieces_of(path, Troubles()), maxlen=_TAIL // _PIECE)
        return b"".join(pieces).split(b"\n")
    try:
        with path.open("rb") as raw:
            size = raw.seek(0, 2)
            raw.seek(max(0, size - _TAIL))
            return raw.read(_TAIL).split(b"\n")
    except OSError:
        return []


class Advance:
    """A progress bar on the terminal of stderr, if there is one and there is enough to read."""

    def __init__(self, files: Sequence[Path], troubles: Troubles) -> None:
        total = sum(path.stat().st_size for path in files if path != STDIN and path.exists())
        out = Console(stderr=True)
        self._shown = out.is_terminal and total > _SMALL
        self._progress = Progress(
            TextColumn("reading"),
            BarColumn(),
            DownloadColumn(),
            TextColumn("{task.fields[speed]}"),
            TimeRemainingColumn(),
            console=out,
            transient=True,
            disable=not self._shown,
        )
        self._total = total
        self._troubles = troubles
        self._task: TaskID | None = None
        self._bytes = 0
        self._began = 0.0

    def __enter__(self) -> Callable[[int], None] | None:
        """What is to be told of each piece; ``None`` where nobody looks."""
        if not self._shown:
            return None
        self._progress.start()
        self._began = time.monotonic()
        self._task = self._progress.add_task("", total=self._total, speed="")
        return self._advance

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._shown:
            self._progress.stop()
        if kind is KeyboardInterrupt:
            raise NoLog("interrupted")  # 1, as click would have it, is for what is found

    def _advance(self, count: int) -> None:
        self._bytes += count
        if self._bytes < (1 << 20) or self._task is None:
            return
        passed = time.monotonic() - self._began
        speed = f"{self._troubles.rows / passed:,.0f} rows/s" if passed > 0 else ""
        self._progress.update(self._task, advance=self._bytes, speed=speed.replace(",", " "))
        self._bytes = 0


def tell_troubles(troubles: Troubles) -> None:
    """What could not be read, on stderr."""
    out = Console(stderr=True, highlight=False, soft_wrap=True)
    for text in troubles.named:
        out.print(plain(text, "yellow"))
    more = troubles.broken - len(troubles.named)
    if more > 0:
        out.print(plain(f"... and {more} more that could not be read", "yellow"))
    if troubles.half:
        out.print(plain(f"{troubles.half} last lines are still being written, and were left out", "dim"))
    if troubles.guessed:
        out.print(plain(f"{troubles.guessed} files have no header: columns were told by their number", "dim"))
