"""All folders of a log: batches, troubles of one, what is tidied."""

from __future__ import annotations

from pathlib import Path

from support.ledgers import WALL
from support.small_disk import small_disk

from mapiproxy.net.logfolder import Entry
from mapiproxy.net.logretention import Retention
from mapiproxy.net.logshelf import PRUNE_EVERY, FolderShape, LogShelf

AT = int(WALL * 1000)
USUAL = FolderShape("HttpProxy_", lambda ms: b"#usual\r\n")
SHAPES = {"Mapi": USUAL, "MAPI Client Access": FolderShape("RCA_", lambda ms: b"#rca\r\n")}


def shelf_in(directory: Path, roll_size: int = 10_000, **rules: float) -> LogShelf:
    return LogShelf(directory, SHAPES, USUAL, roll_size, Retention(**rules))  # type: ignore[arg-type]


def lines(*numbers: int, size: int = 11) -> list[Entry]:
    return [(AT, (b"line %04d" % number).ljust(size - 2, b".") + b"\r\n") for number in numbers]


def numbers_in(directory: Path) -> list[int]:
    paths = sorted(directory.glob("*.LOG"), key=lambda path: int(path.stem.rpartition("-")[2]))
    rows = [row for path in paths for row in path.read_bytes().split(b"\r\n") if row.startswith(b"line ")]
    return [int(row[5:9]) for row in rows]


def test_each_folder_has_its_names_and_its_header(tmp_path: Path) -> None:
    shelf = shelf_in(tmp_path)
    outcome = shelf.write({"Mapi": lines(1, 2), "Ews": lines(3), "MAPI Client Access": lines(4)}, WALL)
    shelf.close()
    assert (outcome.written, outcome.owed, outcome.lost, outcome.trouble) == (4, 0, 0, None)
    found = {path.relative_to(tmp_path).as_posix(): path.read_bytes() for path in tmp_path.rglob("*.LOG")}
    assert found == {
        "Mapi/HttpProxy_2024012415-1.LOG": b"#usual\r\nline 0001\r\nline 0002\r\n",
        "Ews/HttpProxy_2024012415-1.LOG": b"#usual\r\nline 0003\r\n",
        "MAPI Client Access/RCA_2024012415-1.LOG": b"#rca\r\nline 0004\r\n",
    }


def test_the_trouble_of_one_folder_is_not_the_others(tmp_path: Path) -> None:
    (tmp_path / "Mapi").write_text("in the way")
    shelf = shelf_in(tmp_path)
    outcome = shelf.write({"Mapi": lines(1), "Ews": lines(2)}, WALL)
    assert (outcome.written, outcome.owed) == (1, 1)
    assert isinstance(outcome.trouble, FileExistsError)
    (tmp_path / "Mapi").unlink()
    outcome = shelf.write({"Ews": lines(3)}, WALL)
    assert (outcome.written, outcome.owed, outcome.trouble) == (2, 0, None)
    assert numbers_in(tmp_path / "Mapi") == [1]
    assert shelf.close() == {}


def test_what_could_not_be_written_is_given_back_at_the_end(tmp_path: Path) -> None:
    (tmp_path / "Mapi").write_text("in the way")
    shelf = shelf_in(tmp_path)
    shelf.write({"Mapi": lines(1, 2)}, WALL)
    assert shelf.close() == {"Mapi": lines(1, 2)}
    assert shelf.close() == {}


def test_folders_are_tidied_at_the_start_each_hour_and_with_each_new_file(tmp_path: Path) -> None:
    """Those as well that nobody has written since: a virtual directory may have been removed."""
    old = tmp_path / "MAPI Client Access" / "RCA_2020010100-1.LOG"
    old.parent.mkdir()

    def put() -> None:
        old.write_text("old")

    put()
    shelf = shelf_in(tmp_path, roll_size=30)
    assert shelf.is_due(WALL)
    assert shelf.write({}, WALL).pruned.files == 1
    put()
    assert not shelf.is_due(WALL + PRUNE_EVERY - 1)
    assert shelf.write({}, WALL + 1).pruned.files == 0
    assert shelf.write({"Mapi": lines(1)}, WALL + 2).pruned.files == 1
    put()
    assert shelf.write({"Mapi": lines(2)}, WALL + 3).pruned.files == 0
    assert shelf.write({"Mapi": lines(3)}, WALL + 4).pruned.files == 1
    put()
    assert shelf.is_due(WALL + 4 + PRUNE_EVERY)
    assert shelf.write({}, WALL + 4 + PRUNE_EVERY).pruned.files == 1


def test_a_folder_never_grows_beyond_its_size_by_more_than_a_file(tmp_path: Path) -> None:
    shelf = shelf_in(tmp_path, roll_size=100, max_size=250)
    for number in range(60):
        shelf.write({"Mapi": lines(number)}, WALL)
        assert sum(path.stat().st_size for path in (tmp_path / "Mapi").iterdir()) <= 250 + 100
    assert numbers_in(tmp_path / "Mapi")[-1] == 59
    shelf.close()


def test_a_disk_that_is_really_full_loses_no_line_and_halves_none(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        fill_and_empty(disk)


def fill_and_empty(disk: Path) -> None:
    shelf = shelf_in(disk, roll_size=1_000_000)
    ballast = disk / "ballast"
    ballast.write_bytes(b"x" * 40_000)
    batches = [lines(*range(start, start + 20), size=1000) for start in range(0, 60, 20)]
    outcomes = [shelf.write({"Mapi": batch}, WALL) for batch in batches]
    assert [type(each.trouble) for each in outcomes] == [type(None), OSError, OSError]
    assert "No space left" in str(outcomes[-1].trouble)
    assert sum(each.written for each in outcomes) + outcomes[-1].owed == 60
    (path,) = (disk / "Mapi").iterdir()
    assert path.read_bytes().endswith(b"\r\n")
    assert all(len(row) == 998 for row in path.read_bytes().split(b"\r\n")[1:-1])
    ballast.unlink()
    last = shelf.write({"Mapi": lines(60, size=1000)}, WALL)
    assert (last.lost, last.owed, last.trouble) == (0, 0, None)
    assert numbers_in(disk / "Mapi") == list(range(61))
    shelf.close()
