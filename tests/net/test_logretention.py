"""What is removed from a folder of the log, and what never is."""

from __future__ import annotations

import os
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapiproxy.net.logretention import Retention, prune

NOW = datetime(2026, 11, 27, 19, 30, tzinfo=UTC)
DAY = 86400.0


def name_of(hours_ago: int, number: int = 1, prefix: str = "HttpProxy_") -> str:
    return f"{prefix}{NOW - timedelta(hours=hours_ago):%Y%m%d%H}-{number}.LOG"


def fill(folder: Path, *names: str, size: int = 10) -> None:
    for name in names:
        (folder / name).write_bytes(b"x" * size)


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def run(folder: Path, keep: Path | None = None, **rules: float) -> tuple[int, int]:
    done = prune(folder, "HttpProxy_", keep, NOW.timestamp(), Retention(**rules))  # type: ignore[arg-type]
    assert done.trouble is None
    return done.files, done.size


def test_the_defaults_are_those_of_exchange() -> None:
    assert (Retention().max_age, Retention().max_size) == (30 * DAY, 10**9)


def test_age_counts_from_the_end_of_the_hour_that_the_name_says(tmp_path: Path) -> None:
    """Not from when the file was written last: a copy that was restored is as old as what is in it."""
    fill(tmp_path, name_of(0), name_of(24), name_of(25), name_of(26), name_of(26, 2))
    assert run(tmp_path, max_age=DAY) == (3, 30)
    assert left(tmp_path) == {name_of(0), name_of(24)}


def test_beyond_the_size_the_oldest_go_first_and_numbers_are_numbers(tmp_path: Path) -> None:
    fill(tmp_path, name_of(1), name_of(2, 2), name_of(2, 10), name_of(2, 9), name_of(3))
    assert run(tmp_path, max_size=25) == (3, 30)
    assert left(tmp_path) == {name_of(1), name_of(2, 10)}


def test_the_file_being_written_stays_whatever_its_age_and_size(tmp_path: Path) -> None:
    fill(tmp_path, name_of(99), name_of(98), name_of(1))
    assert run(tmp_path, keep=tmp_path / name_of(99), max_age=3600.0, max_size=1) == (2, 20)
    assert left(tmp_path) == {name_of(99)}


def test_only_files_of_ours_are_looked_at(tmp_path: Path) -> None:
    others = {
        "HttpProxy_2020010100-1.LOG.gz", "HttpProxy_2020010100-1.log", "HttpProxy_2020010100.LOG", "notes.txt",
        "XHttpProxy_2020010100-1.LOG", "HttpProxy_2020139900-1.LOG", "RCA_2020010100-1.LOG", "HttpProxy_2020010100-.LOG",
        "HttpProxy_٢٠٢٠٠١٠١٠٠-1.LOG",
    }  # fmt: skip
    fill(tmp_path, *others, size=1000)
    (tmp_path / "HttpProxy_2020010100-2.LOG").mkdir()
    (tmp_path / "elsewhere").write_text("precious")
    os.symlink(tmp_path / "elsewhere", tmp_path / "HttpProxy_2020010100-3.LOG")
    assert run(tmp_path, max_age=DAY, max_size=1) == (0, 0)
    assert others < left(tmp_path)
    assert (tmp_path / "HttpProxy_2020010100-3.LOG").read_text() == "precious"


def test_a_folder_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert run(tmp_path / "none") == (0, 0)
    fill(tmp_path, "file")
    assert run(tmp_path / "file") == (0, 0)


def test_a_file_that_cannot_be_removed_is_told_and_the_others_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, name_of(1000, 1), name_of(1000, 2), name_of(1000, 3))
    real = Path.unlink

    def unlink(path: Path, missing_ok: bool = False) -> None:
        if path.name.endswith("-2.LOG"):
            raise PermissionError(13, "Permission denied")
        if path.name.endswith("-3.LOG"):
            raise FileNotFoundError(2, "somebody was faster")
        real(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", unlink)
    done = prune(tmp_path, "HttpProxy_", None, NOW.timestamp(), Retention())
    assert (done.files, str(done.trouble)) == (1, "[Errno 13] Permission denied")


@given(
    st.lists(st.tuples(st.integers(0, 200), st.integers(1, 12), st.integers(0, 50)), max_size=20, unique_by=lambda f: f[:2]),
    st.integers(1, 200),
    st.integers(0, 600),
)
def test_what_is_left_is_young_and_small_and_the_newest(files: list[tuple[int, int, int]], hours: int, size: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for ago, number, length in files:
            fill(folder, name_of(ago, number), size=length)
        prune(folder, "HttpProxy_", None, NOW.timestamp(), Retention(hours * 3600.0, size))
        kept = [each for each in files if (folder / name_of(*each[:2])).exists()]
        newest_first = sorted(files, key=lambda each: (each[0], -each[1]))
        assert sorted(kept) == sorted(newest_first[: len(kept)])
        assert sum(each[2] for each in kept) <= size
        assert all(each[0] <= hours for each in kept)
        if len(kept) < len(files):
            ago, _, length = newest_first[len(kept)]
            assert ago > hours or sum(each[2] for each in kept) + length > size
