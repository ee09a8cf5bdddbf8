"""The files of one folder, on disks that misbehave."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapiproxy.net import logfolder
from mapiproxy.net.logfolder import HOUR_MS, LogFolder

HEADER = b"#header\r\n"
#: 2024-01-24T15:00Z
HOUR = 473_919 * HOUR_MS
NAME = "HttpProxy_2024012415"


def folder_in(directory: Path, roll_size: int = 10_000) -> LogFolder:
    return LogFolder(directory, lambda ms: HEADER, roll_size)


def add(folder: LogFolder, *numbers: int, at: int = HOUR) -> None:
    for number in numbers:
        folder.add([(at, b"line %04d\r\n" % number)])


def files(directory: Path) -> dict[str, list[bytes]]:
    """Each file's lines after its one header."""
    found = {}
    for path in sorted(directory.iterdir()):
        data = path.read_bytes()
        assert data.startswith(HEADER)
        assert data.count(HEADER) == 1
        assert data.endswith(b"\r\n")
        found[path.name] = data.removeprefix(HEADER).split(b"\r\n")[:-1]
    return found


def numbers(directory: Path) -> list[int]:
    return [int(line.split()[1]) for lines in files(directory).values() for line in lines]


def test_a_file_begins_with_its_header_and_is_for_us_and_our_group(tmp_path: Path) -> None:
    folder = folder_in(tmp_path / "deep" / "Mapi")
    add(folder, 1, 2)
    folder.write()
    assert folder.path == tmp_path / "deep" / "Mapi" / f"{NAME}-1.LOG"
    assert files(folder.path.parent) == {f"{NAME}-1.LOG": [b"line 0001", b"line 0002"]}
    assert folder.path.stat().st_mode & 0o777 & ~0o640 == 0
    folder.close()


def test_nothing_to_say_makes_no_file(tmp_path: Path) -> None:
    folder_in(tmp_path).write()
    assert files(tmp_path) == {}


def test_hours_and_sizes_begin_new_files(tmp_path: Path) -> None:
    folder = folder_in(tmp_path, roll_size=len(HEADER) + 2 * 11)
    add(folder, 1, 2, 3)
    add(folder, 4, at=HOUR + HOUR_MS)
    add(folder, 5, at=HOUR + HOUR_MS - 1)  # recorded late: its hour's file is closed
    folder.write()
    folder.close()
    assert files(tmp_path) == {
        f"{NAME}-1.LOG": [b"line 0001", b"line 0002"],
        f"{NAME}-2.LOG": [b"line 0003"],
        "HttpProxy_2024012416-1.LOG": [b"line 0004", b"line 0005"],
    }


def test_a_line_longer_than_a_file_may_be_is_written_all_the_same(tmp_path: Path) -> None:
    folder = folder_in(tmp_path, roll_size=1)
    add(folder, 1, 2)
    folder.write()
    folder.close()
    assert numbers(tmp_path) == [1, 2]
    assert len(files(tmp_path)) == 2


def test_a_restart_takes_the_next_free_number(tmp_path: Path) -> None:
    """One header per file, whatever the numbers that are there."""
    (tmp_path / f"{NAME}-9.LOG").write_bytes(HEADER)
    (tmp_path / f"{NAME}-x.LOG").write_bytes(HEADER)
    for number in (1, 2):
        folder = folder_in(tmp_path)
        add(folder, number)
        folder.write()
        folder.close()
    found = files(tmp_path)
    assert found[f"{NAME}-10.LOG"] == [b"line 0001"]
    assert found[f"{NAME}-11.LOG"] == [b"line 0002"]


def test_a_removed_file_is_replaced(tmp_path: Path) -> None:
    folder = folder_in(tmp_path)
    add(folder, 1)
    folder.write()
    assert folder.path is not None
    folder.path.unlink()
    add(folder, 2)
    folder.write()
    folder.close()
    assert numbers(tmp_path) == [2]


def test_too_many_owed_are_lost_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logfolder, "BACKLOG", 3)
    folder = folder_in(tmp_path)
    add(folder, 1, 2, 3, 4, 5)
    assert (len(folder.owed), folder.lost) == (3, 2)


class Disk:
    """Takes *room* bytes and then is full."""

    def __init__(self, room: int) -> None:
        self.room = room

    def write(self, descriptor: int, data: memoryview) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = os.write(descriptor, data[: self.room])
        self.room -= taken
        return taken


@pytest.mark.parametrize("room", [*range(36), 1000])
@pytest.mark.parametrize("may_cut", [True, False])
def test_a_full_disk_leaves_no_half_line_and_loses_none(
    room: int, may_cut: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(room)
    monkeypatch.setattr(logfolder, "write_some", disk.write)
    if not may_cut:
        monkeypatch.setattr(logfolder, "cut", _refuse)
    folder = folder_in(tmp_path)
    add(folder, 1, 2)
    if room < len(HEADER) + 22:
        with pytest.raises(OSError, match="No space"):
            folder.write()
        assert folder.owed
    else:
        folder.write()
    if may_cut:
        files(tmp_path)
    disk.room = 1000
    add(folder, 3)
    folder.write()
    folder.close()
    lines = [line for path in sorted(tmp_path.iterdir()) for line in path.read_bytes().split(b"\r\n")[:-1]]
    assert [line for line in lines if len(line) == 9] == [b"line 0001", b"line 0002", b"line 0003"]
    if may_cut:
        assert numbers(tmp_path) == [1, 2, 3]
        assert len(files(tmp_path)) == 1


def _refuse(descriptor: int, size: int) -> None:
    raise OSError(errno.EIO, "Input/output error")


@given(st.lists(st.integers(0, 60), max_size=12), st.integers(0, 80))
def test_any_sequence_of_failures_keeps_every_line_in_order(rooms: list[int], roll_size: int) -> None:
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        disk = Disk(0)
        patch.setattr(logfolder, "write_some", disk.write)
        folder = folder_in(Path(name), roll_size)
        for number, room in enumerate([*rooms, 10_000]):
            disk.room = room
            add(folder, number)
            try:
                folder.write()
            except OSError:
                assert folder.owed
            files(Path(name))
        folder.close()
        by_age = sorted(Path(name).iterdir(), key=lambda path: int(path.stem.rpartition("-")[2]))
        lines = [line for path in by_age for line in files(Path(name))[path.name]]
        assert lines == [b"line %04d" % number for number in range(len(rooms) + 1)]
