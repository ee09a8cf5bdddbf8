"""What a log has gained, whatever happened to its files."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from support.logrows import START, line, write_log

from mapiproxy.commands import following
from mapiproxy.commands.following import Follower, last_rows
from mapiproxy.commands.logfiles import pieces_of
from mapiproxy.evidence.reading import Troubles


def add(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def ids(rows: list[object]) -> list[str]:
    return [row.request_id for row in rows]  # type: ignore[attr-defined]


def test_rows_come_when_they_are_whole(tmp_path: Path) -> None:
    path = write_log(tmp_path / "HttpProxy_2024012415-1.LOG", [line(request_id="old")])
    troubles = Troubles()
    follower = Follower([tmp_path], troubles)
    row = line(request_id="new")
    add(path, row[:100])
    follower.begin()
    assert follower.poll() == []
    add(path, row[100:-1])
    assert follower.poll() == []
    add(path, row[-1:] + line(request_id="next"))

    assert ids(follower.poll()) == ["new", "next"]
    assert follower.poll() == []
    assert (troubles.broken, troubles.half) == (0, 0)


def test_a_new_hour_and_a_second_file_of_the_hour_are_read_from_their_beginning(tmp_path: Path) -> None:
    first = write_log(tmp_path / "HttpProxy_2024012415-1.LOG", [line(request_id="old")])
    follower = Follower([tmp_path], Troubles())
    follower.begin()
    write_log(tmp_path / "HttpProxy_2024012415-2.LOG", [line(at=2, request_id="second file")])
    write_log(tmp_path / "HttpProxy_2024012416-1.LOG", [line(at=3, request_id="next hour")])
    write_log(tmp_path / "Ews" / "HttpProxy_2024012416-1.LOG", [line(at=4, request_id="a new folder")])
    add(first, line(at=1, request_id="late"))

    assert ids(follower.poll()) == ["late", "second file", "next hour", "a new folder"]


def test_a_file_that_was_truncated_or_replaced_is_read_anew(tmp_path: Path) -> None:
    path = write_log(tmp_path / "HttpProxy_2024012415-1.LOG", [line(), line()])
    follower = Follower([path], Troubles())
    follower.begin()
    write_log(path, [line(request_id="truncated")])
    assert ids(follower.poll()) == ["truncated"]
    other = write_log(tmp_path / "other", [line(), line(request_id="replaced")])
    other.rename(path)

    assert ids(follower.poll())[-1] == "replaced"


def test_a_file_that_is_gone_is_forgotten_and_comes_back_as_new(tmp_path: Path) -> None:
    path = write_log(tmp_path / "HttpProxy_2024012415-1.LOG", [line()])
    follower = Follower([tmp_path], Troubles())
    follower.begin()
    path.unlink()
    assert follower.poll() == []
    write_log(path, [line(request_id="again")])

    assert ids(follower.poll()) == ["again"]


def test_the_last_rows_are_taken_from_as_many_files_as_it_takes(tmp_path: Path) -> None:
    for number in range(1, 4):
        rows = [line(at=number * 10 + each, request_id=f"{number}.{each}") for each in range(2)]
        write_log(tmp_path / "Mapi" / f"HttpProxy_2024012415-{number}.LOG", rows)
    write_log(tmp_path / "Ews" / "HttpProxy_2024012415-1.LOG", [line(at=25, request_id="ews")])

    assert ids(last_rows([tmp_path], 4, Troubles())) == ["2.1", "ews", "3.0", "3.1"]
    assert len(last_rows([tmp_path], 100, Troubles())) == 7
    assert last_rows([tmp_path], 0, Troubles()) == []


def test_of_a_large_file_only_the_end_is_read_if_that_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [line(at=n, request_id=f"{n}") for n in range(40)]
    path = write_log(tmp_path / "HttpProxy_2024012415-1.LOG", [*lines, line(at=41)[:70]])
    monkeypatch.setattr(following, "_LARGE", 1000)
    monkeypatch.setattr(following, "_NEAR", 10 * len(lines[0]))
    read: list[Path] = []
    monkeypatch.setattr(following, "pieces_of", lambda path, troubles: read.append(path) or pieces_of(path, troubles))

    troubles = Troubles()
    assert ids(last_rows([tmp_path], 3, troubles)) == ["37", "38", "39"]
    assert (read, troubles.half, troubles.broken) == ([], 1, 0)
    assert ids(last_rows([tmp_path], 2, troubles, {path: path.stat().st_size - 70 - len(lines[0])})) == ["37", "38"]
    assert read == []
    # More than are near, and rows that cannot be read, whose lines have to be counted.
    assert len(last_rows([tmp_path], 30, troubles)) == 30
    add(path, b"\n" + lines[0])
    assert sorted(ids(last_rows([tmp_path], 2, troubles))) == ["0", "39"]
    assert read == [path, path]
    assert troubles.named[-1].startswith(f"{path}:")


def test_packed_files_count_for_the_last_rows_and_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "HttpProxy_2024012415-1.LOG.gz").write_bytes(gzip.compress(line(request_id="packed")))
    follower = Follower([tmp_path], Troubles())

    assert follower.begin() == {}
    assert follower.poll() == []
    assert ids(last_rows([tmp_path], 1, Troubles())) == ["packed"]


def test_what_was_shown_is_not_shown_again(tmp_path: Path) -> None:
    """A row that comes between beginning to follow and reading the last rows."""
    path = write_log(tmp_path / "HttpProxy_2024012415-1.LOG", [line(request_id="old")])
    follower = Follower([tmp_path], Troubles())
    seen = follower.begin()
    add(path, line(at=1, request_id="between"))

    assert ids(last_rows([tmp_path], 10, Troubles(), seen)) == ["old"]
    assert ids(follower.poll()) == ["between"]


def test_an_empty_file_without_a_header_yet(tmp_path: Path) -> None:
    path = tmp_path / "HttpProxy_2024012415-1.LOG"
    path.write_bytes(b"")
    follower = Follower([tmp_path], Troubles())
    follower.begin()
    write_log(path, [line(request_id="first")])

    (row,) = follower.poll()
    assert (row.request_id, row.at) == ("first", START)
