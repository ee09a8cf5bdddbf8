"""Which files are meant, and how their bytes are had."""

from __future__ import annotations

import gzip
from pathlib import Path

import click
import pytest
from support.logrows import START, line, write_log

from mapiproxy.backends.kind import Kind
from mapiproxy.commands import logfiles
from mapiproxy.commands.logfiles import (
    Advance,
    NoLog,
    files_of,
    find_files,
    hour_of,
    last_moment,
    needed,
    pieces_of,
    place_of,
    rows_of,
    tell_troubles,
)
from mapiproxy.evidence.reading import Troubles

HOUR = 3_600_000


def test_folders_are_searched_whatever_the_case_of_a_name_the_oldest_first(tmp_path: Path) -> None:
    names = [
        "Mapi/HttpProxy_2024012415-10.LOG", "Mapi/HttpProxy_2024012415-2.log", "Ews/HttpProxy_2024012414-1.LOG",
        "Mapi/httpproxy_2024012416-1.log.GZ", "Mapi/other.log", "Mapi/HttpProxy_x.LOG", "HttpProxy_2024012415-1.LOG.tmp",
    ]  # fmt: skip
    for name in names:
        write_log(tmp_path / name, [])
    (tmp_path / "HttpProxy_2024012413-1.LOG").mkdir()

    assert [path.name for path in find_files([tmp_path])] == [
        "HttpProxy_x.LOG",
        "HttpProxy_2024012414-1.LOG",
        "HttpProxy_2024012415-2.log",
        "HttpProxy_2024012415-10.LOG",
        "httpproxy_2024012416-1.log.GZ",
    ]


def test_a_file_that_is_named_is_read_whatever_it_is_called(tmp_path: Path) -> None:
    path = write_log(tmp_path / "mine.txt", [line()])
    assert find_files([path, path]) == [path]
    assert len(list(rows_of([path], Troubles()))) == 1


def test_the_hour_is_in_the_name() -> None:
    assert hour_of(Path("HttpProxy_2024012415-1.LOG")) == START // HOUR * HOUR
    assert hour_of(Path("HttpProxy_2024992415-1.LOG")) is None
    assert hour_of(Path("x.LOG")) is None


def test_files_of_other_hours_are_left_alone() -> None:
    files = [Path(f"HttpProxy_20240124{hour:02}-1.LOG") for hour in range(24)] + [Path("x")]
    chosen = needed(files, START, START + 60_000)

    # 15:26: its own hour, the one before, whose end may be late, and the one that may hold older rows.
    assert [path.name[18:20] for path in chosen[:-1]] == ["14", "15", "16"]
    assert chosen[-1] == Path("x")
    assert needed(files, None, None) == files


def test_packed_files_are_unpacked_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    whole = write_log(tmp_path / "a.LOG", [line() for _ in range(500)]).read_bytes()
    packed = gzip.compress(whole)
    (tmp_path / "HttpProxy_a.LOG.gz").write_bytes(packed)
    (tmp_path / "HttpProxy_b.LOG.gz").write_bytes(packed[: len(packed) // 2])
    troubles = Troubles()
    rows = list(rows_of(find_files([tmp_path]), troubles))

    assert len(rows) >= 500
    assert len(troubles.named) == 1
    assert "HttpProxy_b.LOG.gz:0: cannot be read: " in troubles.named[0]


def test_bytes_are_told_as_they_are_read(tmp_path: Path) -> None:
    path = write_log(tmp_path / "a.LOG", [line() for _ in range(200)])
    told: list[int] = []
    data = b"".join(pieces_of(path, Troubles(), told.append))

    assert (sum(told), data) == (path.stat().st_size, path.read_bytes())


def test_a_file_that_cannot_be_opened_is_named_and_the_next_is_read(tmp_path: Path) -> None:
    path = write_log(tmp_path / "a.LOG", [line()])
    troubles = Troubles()
    rows = list(rows_of([tmp_path / "gone.LOG", path], troubles))

    assert len(rows) == 1
    assert troubles.named == [f"{tmp_path / 'gone.LOG'}:0: cannot be read: No such file or directory"]


def test_the_end_of_a_log_is_that_of_its_newest_file(tmp_path: Path) -> None:
    write_log(tmp_path / "HttpProxy_2024012414-1.LOG", [line(at=0)])
    write_log(tmp_path / "HttpProxy_2024012415-1.LOG", [line(at=at) for at in (9000, 7000)])
    assert last_moment(find_files([tmp_path])) == START + 9000

    (tmp_path / "HttpProxy_2024012416-1.LOG.gz").write_bytes(gzip.compress(line(at=50_000)))
    assert last_moment(find_files([tmp_path])) == START + 50_000
    assert last_moment([]) is None

    # An hour that has just begun has a header and no row yet.
    write_log(tmp_path / "HttpProxy_2024012417-1.LOG", [])
    assert last_moment(find_files([tmp_path])) == START + 50_000
    late = write_log(tmp_path / "mine.txt", [line(at=90_000)])
    assert last_moment([late, *find_files([tmp_path])]) == START + 90_000


def test_without_a_path_it_is_the_folder_of_the_configuration(tmp_path: Path) -> None:
    config = tmp_path / "m.toml"
    config.write_text(
        '[listener.mail]\nbind = "127.0.0.1:8080"\ntls = false\n'
        '[backend.gx]\nkind = "grommunio"\nservers = ["http://gx01.example.test"]\n'
        '[log]\ndirectory = "logs"\n'
    )
    with pytest.raises(click.ClickException, match=r"there is no folder .*logs, which .*m\.toml names"):
        place_of([], config)
    (tmp_path / "logs").mkdir()
    place = place_of([], config)

    assert place.paths == (tmp_path / "logs",)
    assert list(place.kinds.values()) == [Kind.GROMMUNIO]
    assert place_of([tmp_path], config).kinds == place.kinds
    assert place_of([tmp_path], None).kinds == {}


def test_a_folder_without_a_log_is_said_and_is_no_finding(tmp_path: Path) -> None:
    with pytest.raises(NoLog, match=r"there is no HttpProxy_\*\.LOG below /") as raised:
        files_of([tmp_path])
    assert raised.value.exit_code == 2


def test_what_is_not_there_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NoLog, match="there is no file or folder"):
        place_of([tmp_path / "gone"], None)
    monkeypatch.setattr(logfiles, "USUAL_CONFIG", tmp_path / "usual.toml")
    with pytest.raises(NoLog, match=r"which log\? Give a file or a folder, or --config FILE"):
        place_of([], None)
    (tmp_path / "usual.toml").write_text("this is no TOML")
    with pytest.raises(click.ClickException, match="try: mapiproxy check"):
        place_of([], None)


def test_what_is_in_a_closed_folder_is_said_to_be_unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(path: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "exists", closed)
    with pytest.raises(click.ClickException, match=r"^/srv/a\.LOG cannot be read: Permission denied$") as caught:
        place_of([Path("/srv/a.LOG")], None)
    assert caught.value.exit_code == 2


def test_an_interrupt_is_no_finding(tmp_path: Path) -> None:
    with pytest.raises(click.ClickException, match=r"^interrupted$") as caught, Advance([], Troubles()):
        raise KeyboardInterrupt
    assert caught.value.exit_code == 2


def test_nobody_sees_a_bar_where_there_is_no_terminal(tmp_path: Path) -> None:
    path = write_log(tmp_path / "a.LOG", [line()])
    with Advance([path], Troubles()) as advance:
        assert advance is None


def test_troubles_are_told_on_stderr_and_steer_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    troubles = Troubles(broken=3, named=["f\x1b[2J:1: bad", "f:2: bad"], half=1, guessed=1)
    tell_troubles(troubles)
    told = capsys.readouterr()

    assert told.out == ""
    assert told.err.splitlines() == [
        "f?[2J:1: bad",
        "f:2: bad",
        "... and 1 more that could not be read",
        "1 last lines are still being written, and were left out",
        "1 files have no header: columns were told by their number",
    ]
