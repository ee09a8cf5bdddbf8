"""All folders of the log: what a batch of lines becomes on the disk, and what has to leave it.

Blocking, and without Twisted: it runs in a thread, one call at a time (``net/logfile.py`` sees to that). A
folder that cannot be written keeps its lines and does not hold up the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from attrs import define, field, frozen

from mapiproxy.net.logfolder import Entry, LogFolder
from mapiproxy.net.logretention import Pruned, Retention, prune

#: Seconds between two looks at folders in which nothing was begun.
PRUNE_EVERY = 3600.0

#: Lines by the name of their folder, each in the order of its exchanges' ends.
Batch = dict[str, list[Entry]]


@frozen
class FolderShape:
    """What files are like in a folder: how names begin, and what they begin with."""

    prefix: str
    header: Callable[[int], bytes]


@define
class Outcome:
    """What became of a batch.

    :ivar written: lines that are on the disk now and were not before.
    :ivar trouble: why something is still owed, or ``None``.
    """

    written: int = 0
    owed: int = 0
    lost: int = 0
    trouble: OSError | None = None
    pruned: Pruned = field(factory=Pruned)


@define
class Counts:
    """Since the process began, whichever log it was.

    :ivar written: lines that reached the disk.
    :ivar lost: lines that never did: too many waited for a disk that refused them.
    """

    written: int = 0
    lost: int = 0


class LogShelf:
    """The folders below one directory."""

    def __init__(
        self,
        directory: Path,
        shapes: Mapping[str, FolderShape],
        usual: FolderShape,
        roll_size: int,
        retention: Retention,
    ) -> None:
        """
        :param shapes: of folders by name, which are also those that are tidied if nothing is written there.
        :param usual: that of any other folder.
        """
        self.directory = directory
        self.folders: dict[str, LogFolder] = {}
        self._shapes = shapes
        self._usual = usual
        self._roll_size = roll_size
        self._retention = retention
        self._opened = 0
        self._prune_at = 0.0

    def is_due(self, now: float) -> bool:
        """Whether there is something to do without a batch."""
        return self._may_prune(now) or any(folder.owed for folder in self.folders.values())

    def write(self, batch: Batch, now: float) -> Outcome:
        """Write a batch and what was owed before it, and remove what is too old.

        :param now: seconds since 1970.
        """
        outcome = Outcome(written=sum(map(len, batch.values())))
        for name, entries in batch.items():
            folder = self._folder(name)
            outcome.written += len(folder.owed)
            folder.add(entries)
        for name, folder in self.folders.items():
            if name not in batch:
                outcome.written += len(folder.owed)
            try:
                folder.write()
            except OSError as error:
                outcome.trouble = error
            outcome.owed += len(folder.owed)
            outcome.lost += folder.lost
            folder.lost = 0
        outcome.written -= outcome.owed + outcome.lost
        opened = sum(folder.opened for folder in self.folders.values())
        if self._may_prune(now) or opened != self._opened:
            self._opened = opened
            self._prune_at = now + PRUNE_EVERY
            self._prune(now, outcome.pruned)
        return outcome

    def close(self) -> Batch:
        """Close the files; returns what could not be written."""
        owed = {name: [*folder.owed] for name, folder in self.folders.items() if folder.owed}
        for folder in self.folders.values():
            folder.owed.clear()
            folder.close()
        return owed

    def _may_prune(self, now: float) -> bool:
        """Whether an hour has passed; or the clock was put back, and nobody knows."""
        return not 0 < self._prune_at - now <= PRUNE_EVERY

    def _prune(self, now: float, pruned: Pruned) -> None:
        for name in {*self._shapes, *self.folders}:
            folder = self.folders.get(name)
            prefix = self._shapes.get(name, self._usual).prefix
            keep = folder.path if folder is not None else None
            done = prune(self.directory / name, prefix, keep, now, self._retention)
            pruned.files += done.files
            pruned.size += done.size
            pruned.trouble = done.trouble or pruned.trouble

    def _folder(self, name: str) -> LogFolder:
        folder = self.folders.get(name)
        if folder is None:
            shape = self._shapes.get(name, self._usual)
            folder = LogFolder(self.directory / name, shape.header, self._roll_size, shape.prefix)
            self.folders[name] = folder
        return folder
