"""The HttpProxy log: batches, troubles, stopping."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.ledgers import WALL, execute
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher
from twisted.python.threadpool import ThreadPool
from twisted.trial.unittest import TestCase

from mapiproxy.net import logfile, logfolder
from mapiproxy.net.logfile import HttpProxyLog
from mapiproxy.record.columns import LogIdentity
from mapiproxy.record.rca import make_address_book, make_client_access

IDENTITY = LogIdentity("HOST", "15.02.2562.045")
NAME = "HttpProxy_2024012415-1.LOG"


class Desk:
    """A log with a clock, and with batches that run at once or, when *slow*, when told to."""

    def __init__(self, directory: Path, **options: Any) -> None:
        self.clock = Clock()
        self.slow = False
        self.late: list[tuple[Deferred[Any], Callable[..., Any], tuple[Any, ...]]] = []
        self.log = HttpProxyLog(
            directory, IDENTITY, reactor=self.clock, defer=self.defer, wall=self.wall, **options
        )
        self.said: list[str] = []
        self.log._log = self  # type: ignore[assignment]

    def wall(self) -> float:
        return WALL + self.clock.seconds()

    def defer(self, function: Callable[..., Any], *args: Any) -> Deferred[Any]:
        if not self.slow:
            return maybeDeferred(function, *args)
        done: Deferred[Any] = Deferred()
        self.late.append((done, function, args))
        return done

    def run_late(self) -> None:
        done, function, args = self.late.pop(0)
        maybeDeferred(function, *args).chainDeferred(done)

    def error(self, text: str, **values: Any) -> None:
        self.said.append(text.format(**values))

    warn = info = error

    def failure(self, text: str, failure: Any, **values: Any) -> None:
        self.said.append(text.format(**values))

    def ids(self) -> list[str]:
        path = self.log.path("Mapi")
        assert path is not None
        return ids_in(path)


def ids_in(path: Path) -> list[str]:
    return [line.split(",")[1] for line in path.read_text("utf-8").splitlines()[6:]]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    desk.log.start()
    return desk


def fired(deferred: Deferred[None]) -> bool:
    seen: list[object] = []
    deferred.addBoth(seen.append)
    return seen == [None]


def test_a_record_is_on_disk_after_a_flush_and_not_before(desk: Desk, tmp_path: Path) -> None:
    desk.log.record(execute(request_id="a"))
    assert desk.log.path("Mapi") is None
    assert list(tmp_path.iterdir()) == []
    desk.clock.advance(1.0)
    assert desk.log.path("Mapi") == tmp_path / "Mapi" / NAME
    assert desk.ids() == ["a"]


def test_each_protocol_has_its_folder(desk: Desk, tmp_path: Path) -> None:
    desk.log.record(execute(request_id="a"))
    desk.log.record(execute(request_id="b", protocol="Ews"))
    desk.clock.advance(1.0)
    assert ids_in(tmp_path / "Ews" / NAME) == ["b"]
    assert desk.ids() == ["a"]


def test_the_file_is_that_of_the_hour_in_which_the_request_ended(desk: Desk) -> None:
    desk.log.record(execute(wall=WALL + 33 * 60, ended_at=50.0 + 90.0))
    desk.clock.advance(1.0)
    path = desk.log.path()
    assert path is not None
    assert path.name == "HttpProxy_2024012416-1.LOG"
    assert "#Date: 2024-01-24T16:01:17.947Z" in path.read_text()


def test_many_records_do_not_wait_for_the_flush(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logfile, "EARLY", 3)
    for name in "abc":
        desk.log.record(execute(request_id=name))
    assert desk.ids() == ["a", "b", "c"]


def test_lines_are_made_some_at_a_time_and_count_before_they_are(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logfile, "BURST", 3)
    made: list[str] = []
    entry_of = desk.log._format.entry

    def entry(ledger: Any) -> tuple[int, bytes]:
        made.append(ledger.request_id)
        return entry_of(ledger)

    monkeypatch.setattr(desk.log._format, "entry", entry)
    for name in "abcd":
        desk.log.record(execute(request_id=name))
    assert (made, desk.log.waiting) == (["a", "b", "c"], 4)
    desk.clock.advance(1.0)
    assert (made, desk.log.waiting, desk.ids()) == ([*"abcd"], 0, [*"abcd"])


def test_one_batch_at_a_time_and_in_order(desk: Desk) -> None:
    desk.slow = True
    desk.log.record(execute(request_id="a"))
    desk.clock.advance(1.0)
    desk.log.record(execute(request_id="b"))
    desk.clock.advance(1.0)
    assert len(desk.late) == 1
    desk.run_late()
    desk.clock.advance(1.0)
    desk.run_late()
    assert desk.ids() == ["a", "b"]


def test_a_hundred_times_the_size_makes_numbered_files(tmp_path: Path) -> None:
    desk = Desk(tmp_path, roll_size=10_000)
    for number in range(40):
        desk.log.record(execute(request_id=str(number)))
    assert fired(desk.log.stop())
    paths = sorted((tmp_path / "Mapi").iterdir(), key=lambda path: int(path.stem.rpartition("-")[2]))
    assert len(paths) > 3
    assert all(path.stat().st_size <= 10_000 for path in paths)
    assert [each for path in paths for each in ids_in(path)] == [str(number) for number in range(40)]


def test_a_restart_within_the_hour_leaves_the_old_file_alone(tmp_path: Path) -> None:
    for name in ("a", "b"):
        desk = Desk(tmp_path)
        desk.log.start()
        desk.log.record(execute(request_id=name))
        assert fired(desk.log.stop())
    assert ids_in(tmp_path / "Mapi" / NAME) == ["a"]
    assert ids_in(tmp_path / "Mapi" / NAME.replace("-1", "-2")) == ["b"]


def test_stop_waits_for_the_batch_in_flight_and_writes_the_rest(desk: Desk, tmp_path: Path) -> None:
    desk.slow = True
    desk.log.record(execute(request_id="a"))
    desk.clock.advance(1.0)
    desk.log.record(execute(request_id="b"))
    stopped = desk.log.stop()
    seen: list[object] = []
    stopped.addBoth(seen.append)
    for _ in range(3):  # the batch, the rest, closing
        assert seen == []
        desk.run_late()
    assert seen == [None]
    assert desk.log.path("Mapi") is None
    assert ids_in(tmp_path / "Mapi" / NAME) == ["a", "b"]
    assert desk.clock.getDelayedCalls() == []
    desk.slow = False
    assert fired(desk.log.stop())


def test_a_record_after_the_end_is_counted_and_told(desk: Desk, tmp_path: Path) -> None:
    assert fired(desk.log.stop())
    desk.log.record(execute(request_id="late"))
    assert desk.log.lost == 1
    assert "after the HttpProxy log was closed" in desk.said[0]
    assert list(tmp_path.iterdir()) == []


class Full:
    """A disk that refuses until it is told not to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.refuses = True
        self._real = logfolder.write_some
        monkeypatch.setattr(logfolder, "write_some", self._write)

    def _write(self, descriptor: int, data: memoryview) -> int:
        if self.refuses:
            raise OSError(errno.ENOSPC, "No space left on device")
        return self._real(descriptor, data)


def test_a_full_disk_is_told_once_a_minute_and_costs_no_line(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = Full(monkeypatch)
    desk.log.record(execute(request_id="a"))
    for _ in range(60):
        desk.clock.advance(1.0)
    (said,) = desk.said
    assert "No space left on device" in said
    assert "1 records wait, 0 are lost" in said
    desk.log.record(execute(request_id="b"))
    desk.clock.advance(1.0)
    assert len(desk.said) == 2
    full.refuses = False
    desk.clock.advance(1.0)
    assert "is written again" in desk.said[2]
    assert desk.ids() == ["a", "b"]
    assert (desk.log.written, desk.log.lost) == (2, 0)


def test_a_folder_that_cannot_be_made_is_tried_again(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "Mapi").write_text("in the way")
    desk.log.record(execute(request_id="a"))
    desk.clock.advance(1.0)
    assert "File exists" in desk.said[0]
    (tmp_path / "Mapi").unlink()
    desk.clock.advance(1.0)
    assert desk.ids() == ["a"]


def test_what_a_disk_refuses_for_too_long_is_lost_and_counted(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logfolder, "BACKLOG", 2)
    full = Full(monkeypatch)
    for name in "abcd":
        desk.log.record(execute(request_id=name))
    desk.clock.advance(1.0)
    assert desk.log.lost == 2
    full.refuses = False
    desk.clock.advance(1.0)
    assert desk.ids() == ["a", "b"]
    assert (desk.log.written, desk.log.lost) == (2, 2)
    assert "2 records lost so far" in desk.said[-1]


def test_a_disk_that_hangs_does_not_fill_the_memory(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logfile, "BACKLOG", 2)
    desk.slow = True
    desk.log.record(execute(request_id="a"))
    desk.clock.advance(1.0)
    for name in "bcd":
        desk.log.record(execute(request_id=name))
    desk.clock.advance(1.0)
    assert desk.log.lost == 1
    assert "does not answer" in desk.said[0]


def test_stop_gives_up_on_a_disk_that_refuses(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    Full(monkeypatch)
    desk.log.record(execute(request_id="a"))
    assert fired(desk.log.stop())
    assert desk.log.lost == 1
    assert "1 records" in desk.said[-1]
    assert "never written" in desk.said[-1]


def test_a_ledger_that_cannot_be_told_costs_no_other(desk: Desk) -> None:
    desk.log.record(execute(request_id="a"))
    desk.log.record(execute(request_id="b", wall=None))
    desk.log.record(execute(request_id="c"))
    desk.clock.advance(1.0)
    assert desk.ids() == ["a", "c"]
    assert desk.log.lost == 1
    assert "TypeError" in desk.said[0]


def test_a_broken_pool_does_not_end_the_flushing(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.log._defer = lambda *args: maybeDeferred(_break)
    desk.log.start()
    desk.log.record(execute(request_id="a"))
    desk.clock.advance(1.0)
    assert desk.said == ["1 records of the HttpProxy log are lost"]
    desk.log._defer = desk.defer
    desk.log.record(execute(request_id="b"))
    desk.clock.advance(1.0)
    assert desk.ids() == ["b"]


def test_a_log_that_is_replaced_leaves_to_the_next_what_its_disk_refused(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another directory is what an operator gives a proxy whose disk is full."""
    (tmp_path / "Mapi").write_text("in the way")
    desk.log.record(execute(request_id="a"))
    desk.clock.advance(1.0)
    desk.log.record(execute(request_id="b"))
    new = Desk(tmp_path / "other")
    new.log.start()
    new.log.record(execute(request_id="c"))
    assert fired(desk.log.give_way(new.log))
    new.clock.advance(1.0)
    assert new.ids() == ["a", "b", "c"]
    assert (new.log.lost, new.log.written, new.log.waiting) == (0, 3, 0)


def test_nothing_is_lost_between_two_logs_of_one_directory(desk: Desk, tmp_path: Path) -> None:
    """Another identity, the same place: the batch in flight ends in the old file, the new file is another."""
    desk.slow = True
    desk.log.record(execute(request_id="a"))
    desk.clock.advance(1.0)
    desk.log.record(execute(request_id="b"))
    new = Desk(tmp_path)
    new.log.start()
    given = desk.log.give_way(new.log)
    new.log.record(execute(request_id="c"))
    new.clock.advance(1.0)
    for _ in range(3):
        desk.run_late()
    assert fired(given)
    assert fired(new.log.stop())
    found = [each for path in sorted((tmp_path / "Mapi").iterdir()) for each in ids_in(path)]
    assert sorted(found) == ["a", "b", "c"]
    assert new.log.written == 3


def test_counts_go_on_in_the_next_log(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logfolder, "BACKLOG", 1)
    full = Full(monkeypatch)
    for name in "ab":
        desk.log.record(execute(request_id=name))
    desk.clock.advance(1.0)
    full.refuses = False
    new = Desk(tmp_path / "other")
    new.log.start()
    assert fired(desk.log.give_way(new.log))
    assert (new.log.lost, new.log.written) == (1, 1)


def test_an_heir_that_has_ended_itself_inherits_nothing_and_it_is_said(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Full(monkeypatch)
    desk.log.record(execute(request_id="a"))
    new = Desk(tmp_path / "other")
    assert fired(new.log.stop())
    assert fired(desk.log.give_way(new.log))
    assert new.log.lost == 1
    assert "never written" in desk.said[-1]


def test_lines_go_to_the_heir_of_an_heir(desk: Desk, tmp_path: Path) -> None:
    """Two reloads in a row, before the first disk has said what it does not take."""
    (tmp_path / "Mapi").write_text("in the way")
    desk.log.record(execute(request_id="a"))
    desk.slow = True
    second, third = Desk(tmp_path / "second"), Desk(tmp_path / "third")
    given = desk.log.give_way(second.log)
    assert fired(second.log.give_way(third.log))
    for _ in range(2):
        desk.run_late()
    assert fired(given)
    assert fired(third.log.stop())
    assert ids_in(tmp_path / "third" / "Mapi" / NAME) == ["a"]
    assert third.log.lost == 0


def test_how_it_is_can_be_asked(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    full = Full(monkeypatch)
    desk.log.record(execute(request_id="a"))
    assert (desk.log.waiting, desk.log.trouble) == (1, None)
    desk.clock.advance(1.0)
    assert desk.log.waiting == 1
    assert "No space left" in str(desk.log.trouble)
    full.refuses = False
    desk.clock.advance(1.0)
    assert (desk.log.waiting, desk.log.trouble, desk.log.written) == (0, None, 1)


def test_the_back_ends_logs_are_written_beside(tmp_path: Path) -> None:
    desk = Desk(tmp_path, also=[make_client_access(IDENTITY), make_address_book(IDENTITY)])
    for kind, path in (("Connect", "/mapi/emsmdb/"), ("Execute", "/mapi/emsmdb/"), ("Bind", "/mapi/nspi/")):
        desk.log.record(execute(request_type=kind, path=path))
    assert fired(desk.log.stop())
    files = {path.relative_to(tmp_path).as_posix(): path.read_text().count("\n") for path in tmp_path.rglob("*.LOG")}
    assert files == {
        f"Mapi/{NAME}": 6 + 3,
        "MAPI Client Access/RCA_2024012415-1.LOG": 5 + 1,
        "MAPI AddressBook Service/MAPIAB_2024012415-1.LOG": 5 + 1,
    }
    assert desk.log.written == 5


def test_old_files_go_even_while_nothing_happens(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "Ews").mkdir()
    old = tmp_path / "Ews" / "HttpProxy_2023010100-1.LOG"
    for _ in range(2):
        old.write_text("old")
        desk.clock.advance(3600.0)
        assert not old.exists()
    assert desk.said == [f"1 old files of the log in {tmp_path} removed, 3 bytes"] * 2


def _break() -> None:
    raise RuntimeError("no threads")


class InThreads(TestCase):
    """With a real pool of threads."""

    def test_records_reach_the_disk(self) -> Deferred[None]:
        from twisted.internet import reactor

        pool = ThreadPool(1, 1)
        pool.start()
        self.addCleanup(pool.stop)
        directory = Path(self.mktemp())

        class Reactor:
            seconds = staticmethod(reactor.seconds)  # type: ignore[attr-defined]
            callLater = staticmethod(reactor.callLater)  # type: ignore[attr-defined]
            callFromThread = staticmethod(reactor.callFromThread)  # type: ignore[attr-defined]
            getThreadPool = staticmethod(lambda: pool)

        log = HttpProxyLog(directory, IDENTITY, reactor=Reactor())
        log.start()
        for number in range(5000):
            log.record(execute(request_id=str(number)))

        def look(_: None) -> None:
            assert ids_in(directory / "Mapi" / NAME) == [str(number) for number in range(5000)]
            assert log.lost == 0

        return log.stop().addCallback(look)


def test_troubles_go_to_twisteds_log(tmp_path: Path) -> None:
    """The complaints can be formatted, which a log that replaces the real one does not show."""
    events: list[dict[str, Any]] = []
    desk = Desk(tmp_path)
    desk.log = HttpProxyLog(tmp_path, IDENTITY, reactor=desk.clock, defer=desk.defer)
    (tmp_path / "Mapi").write_text("in the way")
    globalLogPublisher.addObserver(events.append)
    try:
        desk.log.record(execute(request_id="a"))
        desk.log.stop()
    finally:
        globalLogPublisher.removeObserver(events.append)
    assert [event["log_level"].name for event in events] == ["error", "error"]
    assert {event["log_namespace"] for event in events} == {"mapiproxy"}


def test_a_clock_that_jumps_ahead_removes_nothing_until_it_has_said_so_for_a_day(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    jump = [0.0]
    desk.log._wall = lambda: WALL + desk.clock.seconds() + jump[0]
    desk.log.start()
    folder = tmp_path / "Mapi"
    folder.mkdir()
    fresh = folder / "HttpProxy_2024012414-1.LOG"
    fresh.write_text("an hour old")
    desk.log.record(execute(request_id="a"))
    desk.clock.advance(1.0)
    jump[0] = 400 * 86400.0
    desk.log.record(execute(request_id="b", wall=WALL + jump[0]))
    desk.clock.advance(1.0)
    assert len(list(folder.iterdir())) == 3  # the jump has begun a file, after which folders are tidied
    # A log that takes over by a reload goes on doubting.
    heir = HttpProxyLog(
        tmp_path, IDENTITY, reactor=desk.clock, defer=desk.defer, wall=desk.log._wall, roll_size=20_000_000
    )
    heir._log = desk  # type: ignore[assignment]
    heir.start()
    assert fired(desk.log.give_way(heir))
    for _ in range(23):
        desk.clock.advance(3600.0)
    assert fresh.exists()
    assert [said for said in desk.said if "ahead of itself" in said] == [
        "the clock is 34560000 s ahead of itself; no file of the log is old by it for a day"
    ]
    desk.clock.advance(2 * 3600.0)
    assert not fresh.exists()
    assert fired(heir.stop())


def test_a_clock_that_jumps_back_does_not_stop_tidying(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    jump = [0.0]
    desk.log._wall = lambda: WALL + desk.clock.seconds() + jump[0]
    desk.log.start()
    desk.clock.advance(1.0)
    jump[0] = -86400.0
    old = tmp_path / "Mapi" / "HttpProxy_2020010100-1.LOG"
    old.parent.mkdir()
    old.write_text("old")
    for _ in range(2):
        desk.clock.advance(3600.0)
    assert not old.exists()
