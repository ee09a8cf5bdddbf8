"""Brings the HttpProxy log to the disk without the exchanges waiting for it.

A line is made when its exchange is over and the answer has left; files are the business of a thread of the
reactor's pool, one batch at a time. Making lines in that thread was tried and was worse: it holds the
interpreter for milliseconds, and each system call of the reactor then waits for its turn. What a line says
is record/httpproxy.py's business, files are ``net/logfolder.py``'s.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from traceback import format_exc
from typing import Any

from attrs import define
from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure

from mapiproxy.net.logfolder import BACKLOG, Entry, LogFolder
from mapiproxy.record.columns import LogIdentity
from mapiproxy.record.httpproxy import LineFormat, end_ms, header
from mapiproxy.record.ledger import Ledger

#: Ledgers that are written without waiting for the next flush.
EARLY = 2000
#: Seconds between two complaints about the same trouble.
COMPLAIN_EVERY = 60.0

Defer = Callable[..., "Deferred[Any]"]


@define
class Outcome:
    """What became of a batch.

    :ivar trouble: why something is still owed, or ``None``.
    """

    written: int = 0
    owed: int = 0
    lost: int = 0
    trouble: OSError | None = None


class HttpProxyLog:
    """The HttpProxy log of one server: a folder per protocol, hourly files.

    :ivar written: records that reached the disk.
    :ivar lost: records that never did: too many waited for a disk that refused them.
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
        defer: Defer | None = None,
    ) -> None:
        """
        :param roll_size: bytes after which a new file is begun within the hour.
        :param flush: seconds that a record may wait in memory.
        :param defer: runs a function elsewhere, by default in a thread of the reactor's pool.
        """
        self.written = 0
        self.lost = 0
        self._directory = directory
        self._identity = identity
        self._bare_header = bare_header
        self._bom = bom
        self._roll_size = roll_size
        self._flush = flush
        self._reactor = reactor
        self._defer: Defer = defer if defer is not None else self._in_thread
        self._format = LineFormat(identity)
        self._folders: dict[str, LogFolder] = {}
        self._waiting: list[tuple[str, Entry]] = []
        self._one_batch = DeferredLock()
        self._timer = LoopingCall(self._begin_batch)
        self._timer.clock = reactor
        self._log = Logger(namespace="mapiproxy")
        self._complained_at: float | None = None
        self._in_trouble = False
        self._stopped = False

    def start(self) -> None:
        """Begin to flush."""
        self._stopped = False
        self._timer.start(self._flush, now=False)

    def record(self, ledger: Ledger) -> None:
        """Take a closed ledger, which nobody changes any more."""
        waiting = self._waiting
        if self._stopped:  # nobody would write it, and a new file would never be closed
            self.lost += 1
            self._log.error("a record came after the HttpProxy log was closed, and is lost")
            return
        if len(waiting) >= BACKLOG:  # the disk hangs: no batch ends, and memory is not endless
            self.lost += 1
            return
        try:
            entry = Entry(end_ms(ledger), self._format.line(ledger))
        except Exception:  # our bug; one record must not cost its client the connection
            self.lost += 1
            self._log.error("a record of the HttpProxy log is lost: {bug}", bug=format_exc())
            return
        waiting.append((ledger.protocol, entry))
        if len(waiting) % EARLY == 0:
            self._begin_batch()

    def stop(self) -> Deferred[None]:
        """Write everything and close the files; fires when that is done, even if the disk refuses."""
        if self._timer.running:
            self._timer.stop()
        return Deferred.fromCoroutine(self._drain())

    def path(self, protocol: str = "Mapi") -> Path | None:
        """The file that the protocol's records go to at present."""
        folder = self._folders.get(protocol)
        return folder.path if folder is not None else None

    def _begin_batch(self) -> None:
        if self._one_batch.locked:
            if len(self._waiting) >= BACKLOG:
                self._complain("the disk does not answer", BACKLOG)
        elif self._waiting or self._owes():
            batch = self._take()
            done = self._one_batch.run(self._defer, self._write, batch)
            done.addCallbacks(self._wrote, self._failed, errbackArgs=(len(batch),))

    async def _drain(self) -> None:
        await self._one_batch.acquire()
        self._stopped = True
        batch = self._take()
        try:
            self._wrote(await self._defer(self._write, batch))
            owed = await self._defer(self._close)
        except Exception:
            self._failed(Failure(), len(batch))
        else:
            if owed:
                self.lost += owed
                self._log.error(
                    "{owed} records of the HttpProxy log in {directory} were never written",
                    owed=owed,
                    directory=self._directory,
                )
        finally:
            self._one_batch.release()

    def _owes(self) -> int:
        return sum(len(folder.owed) for folder in self._folders.values())

    def _take(self) -> list[tuple[str, Entry]]:
        batch, self._waiting = self._waiting, []
        return batch

    def _in_thread(self, function: Callable[..., Any], *args: Any) -> Deferred[Any]:
        pool = self._reactor.getThreadPool()
        return deferToThreadPool(self._reactor, pool, function, *args)

    # In a thread, one call at a time.

    def _write(self, batch: list[tuple[str, Entry]]) -> Outcome:
        outcome = Outcome(written=self._owes() + len(batch))
        for protocol, entry in batch:
            self._folder(protocol).add(entry)
        for folder in self._folders.values():
            try:
                folder.write()
            except OSError as error:
                outcome.trouble = error
            outcome.owed += len(folder.owed)
            outcome.lost += folder.lost
            folder.lost = 0
        outcome.written -= outcome.owed + outcome.lost
        return outcome

    def _folder(self, protocol: str) -> LogFolder:
        folder = self._folders.get(protocol)
        if folder is None:
            folder = LogFolder(self._directory / protocol, self._header, self._roll_size)
            self._folders[protocol] = folder
        return folder

    def _header(self, first_ms: int) -> bytes:
        return header(self._identity, first_ms / 1000, self._bare_header, self._bom)

    def _close(self) -> int:
        """Close the files; says how many records were given up."""
        owed = self._owes()
        for folder in self._folders.values():
            folder.owed.clear()
            folder.close()
        return owed

    # In the reactor's thread again.

    def _wrote(self, outcome: Outcome) -> None:
        self.written += outcome.written
        self.lost += outcome.lost
        if outcome.trouble is None:
            if self._in_trouble:
                self._in_trouble = False
                self._log.warn(
                    "the HttpProxy log in {directory} is written again; {lost} records lost so far",
                    directory=self._directory,
                    lost=self.lost,
                )
            return
        self._complain(outcome.trouble, outcome.owed)

    def _complain(self, trouble: object, waiting: int) -> None:
        """Loudly, but not each second."""
        now = self._reactor.seconds()
        if self._complained_at is None or now - self._complained_at >= COMPLAIN_EVERY:
            self._complained_at = now
            self._in_trouble = True
            self._log.error(
                "the HttpProxy log in {directory} cannot be written: {trouble};"
                " {waiting} records wait, {lost} are lost",
                directory=self._directory,
                trouble=trouble,
                waiting=waiting,
                lost=self.lost,
            )

    def _failed(self, failure: Failure, records: int) -> None:
        """The batch itself broke: our bug, or a thread pool that is gone."""
        self.lost += records
        self._log.failure("{records} records of the HttpProxy log are lost", failure, records=records)
