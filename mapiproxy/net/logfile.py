"""Brings the logs to the disk without the exchanges waiting for it.

Lines are made some at a time, long after their answers have left; files are the business of a thread of the
reactor's pool, one batch at a time. Making lines in that thread was tried and was worse: it holds the
interpreter for milliseconds, and each system call of the reactor then waits for its turn. What a line says
is the record room's business, files are ``net/logshelf.py``'s.

No line is lost silently: what the disk refuses is kept up to a bound and tried again, what is given up is
counted and said, and a log that is replaced leaves what it owes to its successor.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from traceback import format_exc
from typing import Any

from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure

from mapiproxy.backends.vdir import SHAPES
from mapiproxy.net.logbelief import Belief
from mapiproxy.net.logfolder import BACKLOG
from mapiproxy.net.logretention import Retention
from mapiproxy.net.logshelf import Batch, Counts, FolderShape, LogShelf, Outcome
from mapiproxy.record.columns import LogIdentity
from mapiproxy.record.httpproxy import LineFormat, header
from mapiproxy.record.ledger import Ledger
from mapiproxy.record.rca import BackEndLog

#: Ledgers whose lines are made in one go: the first of a row costs four times as much as the others, for the
#: processor has forgotten how; and so many take less than a millisecond.
BURST = 32
#: Lines that are written without waiting for the next flush.
EARLY = 2000
#: Seconds between two complaints about the same trouble.
COMPLAIN_EVERY = 60.0

Defer = Callable[..., "Deferred[Any]"]


class HttpProxyLog:
    """The logs of one server: HttpProxy's folder per protocol, and those of a back end that are wanted.

    :ivar directory: where the folders are.
    :ivar trouble: why lines cannot be written at present; ``None`` while they can.
    """

    def __init__(
        self,
        directory: Path,
        identity: LogIdentity,
        *,
        reactor: Any,
        bare_header: bool = True,
        bom: bool = False,
        roll_size: int = 10 * 1024 * 1024,
        flush: float = 1.0,
        retention: Retention | None = None,
        also: Sequence[BackEndLog] = (),
        defer: Defer | None = None,
        wall: Callable[[], float] = time.time,
        clock: Callable[[], float] | None = None,
    ) -> None:
        """
        :param roll_size: bytes after which a new file is begun within the hour.
        :param flush: seconds that a record may wait in memory.
        :param retention: what is kept of older files; by default what Exchange keeps.
        :param also: the logs of a back end.
        :param defer: runs a function elsewhere, by default in a thread of the reactor's pool.
        :param wall: seconds since 1970; ``clock``: seconds that never jump, by default the reactor's.
        """
        self.counts = Counts()
        self.trouble: str | None = None
        self.directory = directory
        self._flush = flush
        self._reactor = reactor
        self._defer: Defer = defer if defer is not None else self._in_thread
        self._wall = wall
        self._clock: Callable[[], float] = clock if clock is not None else reactor.seconds
        self._belief = Belief()
        self._format = LineFormat(identity)
        self._also = tuple(also)

        def head(first_ms: int) -> bytes:
            return header(identity, first_ms / 1000, bare_header, bom)

        usual = FolderShape("HttpProxy_", head)
        shapes = {shape.protocol: usual for shape in SHAPES.values()}
        shapes |= {each.folder: FolderShape(each.prefix, each.header) for each in also}
        self._shelf = LogShelf(directory, shapes, usual, roll_size, retention or Retention())
        self._ledgers: list[Ledger] = []
        self._waiting: Batch = {}
        self._count = 0
        self._one_batch = DeferredLock()
        self._timer = LoopingCall(self._begin_batch)
        self._timer.clock = reactor
        self._log = Logger(namespace="mapiproxy")
        self._complained_at: float | None = None
        self._stopped = False
        self._heir: HttpProxyLog | None = None

    @property
    def written(self) -> int:
        """Lines that reached the disk."""
        return self.counts.written

    @property
    def lost(self) -> int:
        """Lines that never will."""
        return self.counts.lost

    @property
    def waiting(self) -> int:
        """Lines in memory that the disk has not taken yet, but for a batch in flight."""
        return self._count + self._owes()

    def start(self) -> None:
        """Begin to flush."""
        self._stopped = False
        self._timer.start(self._flush, now=False)

    def record(self, ledger: Ledger) -> None:
        """Take a closed ledger, which nobody changes any more."""
        if self._stopped:  # nobody would write it, and a new file would never be closed
            self.counts.lost += 1
            self._log.error("a record came after the HttpProxy log was closed, and is lost")
            return
        if self._count >= BACKLOG:  # the disk hangs: no batch ends, and memory is not endless
            self.counts.lost += 1
            return
        self._ledgers.append(ledger)
        self._count += 1
        if len(self._ledgers) >= BURST:
            self._make_lines()
        if self._count >= EARLY and not self._one_batch.locked:
            self._begin_batch()

    def stop(self) -> Deferred[None]:
        """Write everything and close the files; fires when that is done, even if the disk refuses."""
        return self._end(None)

    def give_way(self, heir: HttpProxyLog) -> Deferred[None]:
        """Stop, and leave to *heir* what cannot be written here; it counts on where this log has ended."""
        heir.counts, heir._belief, self._heir = self.counts, self._belief, heir
        return self._end(heir)

    def path(self, protocol: str = "Mapi") -> Path | None:
        """The file that the protocol's records go to at present."""
        folder = self._shelf.folders.get(protocol)
        return folder.path if folder is not None else None

    def _end(self, heir: HttpProxyLog | None) -> Deferred[None]:
        if self._timer.running:
            self._timer.stop()
        return Deferred.fromCoroutine(self._drain(heir))

    def _adopt(self, owed: Batch) -> None:
        """Lines that another log could not write, older than ours."""
        for name, entries in owed.items():
            self._waiting[name] = [*entries, *self._waiting.get(name, ())]
            self._count += len(entries)

    def _make_lines(self) -> None:
        """The lines of the ledgers that have come since it was done last."""
        ledgers, self._ledgers = self._ledgers, []
        waiting, entry_of = self._waiting, self._format.entry
        for ledger in ledgers:
            try:
                entry = entry_of(ledger)
                entries = waiting.get(ledger.protocol)
                if entries is None:
                    entries = waiting[ledger.protocol] = []
                entries.append(entry)
                for each in self._also:
                    line = each.line(ledger, entry[0])
                    if line is not None:
                        waiting.setdefault(each.folder, []).append((entry[0], line))
                        self._count += 1
            except Exception:  # our bug; one record must not cost the others
                self.counts.lost += 1
                self._count -= 1
                self._log.error("a record of the HttpProxy log is lost: {bug}", bug=format_exc())

    def _begin_batch(self) -> None:
        self._make_lines()
        if self._one_batch.locked:
            if self._count >= BACKLOG:
                self._complain("the disk does not answer", BACKLOG)
        elif self._shelf.is_due(now := self._now()) or self._waiting:
            count, batch = self._take()
            done = self._one_batch.run(self._defer, self._shelf.write, batch, now)
            done.addCallbacks(self._wrote, self._failed, errbackArgs=(count,))

    async def _drain(self, heir: HttpProxyLog | None) -> None:
        await self._one_batch.acquire()
        self._stopped = True
        count, batch = self._take()
        try:
            self._wrote(await self._defer(self._shelf.write, batch, self._now()))
            owed = await self._defer(self._shelf.close)
        except Exception:
            self._failed(Failure(), count)
        else:
            self._settle(owed, heir)
        finally:
            self._one_batch.release()

    def _settle(self, owed: Batch, heir: HttpProxyLog | None) -> None:
        """What becomes of the lines that could not be written to the end."""
        count = sum(map(len, owed.values()))
        if not count:
            return
        while heir is not None and heir._stopped:
            heir = heir._heir
        if heir is not None:
            heir._adopt(owed)
            return
        self.counts.lost += count
        self._log.error(
            "{owed} records of the HttpProxy log in {directory} were never written",
            owed=count,
            directory=self.directory,
        )

    def _now(self) -> float:
        """The time by which files are old."""
        doubted = self._belief.doubted
        now = self._belief.at(self._wall(), self._clock())
        if self._belief.doubted and not doubted:
            text = "the clock is {ahead:.0f} s ahead of itself; no file of the log is old by it for a day"
            self._log.warn(text, ahead=self._belief.doubted)
        return now

    def _owes(self) -> int:
        # A copy: the thread may be adding one.
        return sum(len(folder.owed) for folder in [*self._shelf.folders.values()])

    def _take(self) -> tuple[int, Batch]:
        self._make_lines()
        batch, self._waiting = self._waiting, {}
        count, self._count = self._count, 0
        return count, batch

    def _in_thread(self, function: Callable[..., Any], *args: Any) -> Deferred[Any]:
        pool = self._reactor.getThreadPool()
        return deferToThreadPool(self._reactor, pool, function, *args)

    # What a batch has come to.

    def _wrote(self, outcome: Outcome) -> None:
        self.counts.written += outcome.written
        self.counts.lost += outcome.lost
        pruned = outcome.pruned
        if pruned.files:
            self._log.info(
                "{files} old files of the log in {directory} removed, {size} bytes",
                files=pruned.files,
                directory=self.directory,
                size=pruned.size,
            )
        if pruned.trouble is not None:
            self._log.warn("an old file of the log cannot be removed: {trouble}", trouble=pruned.trouble)
        if outcome.trouble is not None:
            self._complain(outcome.trouble, outcome.owed)
        elif self.trouble is not None:
            self.trouble = None
            self._log.warn(
                "the HttpProxy log in {directory} is written again; {lost} records lost so far",
                directory=self.directory,
                lost=self.lost,
            )

    def _complain(self, trouble: object, waiting: int) -> None:
        """Loudly, but not each second."""
        self.trouble = str(trouble)
        now = self._clock()
        if self._complained_at is None or now - self._complained_at >= COMPLAIN_EVERY:
            self._complained_at = now
            self._log.error(
                "the HttpProxy log in {directory} cannot be written: {trouble};"
                " {waiting} records wait, {lost} are lost",
                directory=self.directory,
                trouble=trouble,
                waiting=waiting,
                lost=self.lost,
            )

    def _failed(self, failure: Failure, records: int) -> None:
        """The batch itself broke: our bug, or a thread pool that is gone."""
        self.counts.lost += records
        self._log.failure("{records} records of the HttpProxy log are lost", failure, records=records)
