"""``mapiproxy log tail``: requests in lines that can be read."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from rich.console import Console
from support.logrows import ABORTED_UPLOAD, RPC_2013, line, row, write_log

from mapiproxy.commands import logtail, main
from mapiproxy.commands.following import Follower
from mapiproxy.commands.logtail import Lines, answer_of, keep_on
from mapiproxy.evidence.reading import Troubles
from mapiproxy.record.ending import Ending


def run(path: Path, *arguments: str, columns: int = 80) -> Result:
    return CliRunner().invoke(main, ["log", "tail", str(path), *arguments], env={"COLUMNS": str(columns)})


def test_a_line_for_each_request(tmp_path: Path) -> None:
    path = write_log(
        tmp_path / "a.LOG",
        [
            line(at=0, wait=42),
            line(at=10, choose=7, wait=1),
            line(at=20, phase="Wait", ending=Ending.BACKEND_LOST, status=None, backend_status=None, wait=1500),
            line(at=30, status=401, backend_status=401, wait=2),
            line(at=86_400_000, response_code=10, request_type="NotificationWait", backend="EXCHANGE-NUMBER-1"),
        ],
    )
    assert run(path).stdout.splitlines() == [
        "2024-01-24 (UTC)",
        "15:26:40 DOMAIN\\user    Execute          exch1    200/0     42 ms backend 42 ms",
        "15:26:40 DOMAIN\\user    Execute          exch1    200/0      8 ms proxy 7 ms",
        "15:26:40 0aa89c…5556666 Execute          exch1    none/0    1.5 s backend 1.5 s; BackendLost/Wait",
        "15:26:40 0aa89c…5556666 Execute          exch1    401/0      2 ms backend 2 ms; ProtocolError",
        "2024-01-25 (UTC)",
        "15:26:40 DOMAIN\\user    NotificationWait EXC…ER-1 200/10     3 ms backend 3 ms; response code",
    ]


def test_a_wide_terminal_has_room_for_names(tmp_path: Path) -> None:
    path = write_log(tmp_path / "a.LOG", [line(user="CORPORATION\\a.rather.long.name")])
    assert "15:26:40.000 CORPORATION\\a.rather.long.name" in run(path, columns=140).stdout


def test_the_lines_of_exchange(tmp_path: Path) -> None:
    path = tmp_path / "a.LOG"
    path.write_bytes(ABORTED_UPLOAD + RPC_2013.encode())
    said = run(path, columns=140)

    assert re.search(r"tailspin\\Wendy +RPC_OUT_DATA +exch2.ta…ntoys.com +200 +16\.3 s .*; Broken", said.stdout)
    assert re.search(r"Eas Sync .* 200 .* ClientDisconnect/Request", said.stdout)
    assert "columns were told by their number" in said.stderr


def test_so_many(tmp_path: Path) -> None:
    path = write_log(tmp_path / "a.LOG", [line(at=at) for at in range(50)])
    assert len(run(path).stdout.splitlines()) == 21
    assert len(run(path, "-n", "3").stdout.splitlines()) == 4


def test_json_is_one_object_a_line(tmp_path: Path) -> None:
    path = write_log(tmp_path / "a.LOG", [line(wait=42), line(phase="Answer")])
    first, second = map(json.loads, run(path, "--json").stdout.splitlines())

    assert (first["total_ms"], first["where_ms"]["backend"], first["fate"]) == (42, 42, "fine")
    assert (second["ending"], second["phase"], second["time"]) == ("ClientDisconnect", "Answer", "2024-01-24T15:26:40.000Z")


def test_nothing_to_show(tmp_path: Path) -> None:
    done = run(write_log(tmp_path / "a.LOG", []))
    assert (done.exit_code, done.stdout) == (2, "")


@pytest.mark.parametrize("text", ["[/x]", "[bold]x", "a\x9b2Jb", "a\u202eb"])
def test_no_row_can_steer_the_terminal(tmp_path: Path, text: str) -> None:
    data = line(user="NAME", request_type="NAME", backend="NAME").replace(b"NAME", text.encode())
    done = run(write_log(tmp_path / "a.LOG", [data]))
    safe = "".join(each if each.isprintable() else "?" for each in text)

    assert done.stdout.count(safe) == 3


def test_an_empty_folder_can_be_followed_and_the_standard_input_cannot(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert (done.exit_code, done.stderr) == (2, f"Error: there is no HttpProxy_*.LOG below {tmp_path}\n")
    done = run(Path("-"), "-f")
    assert (done.exit_code, "cannot be followed" in done.stderr) == (2, True)
    assert Follower([tmp_path], Troubles()).begin() == {}


def test_it_goes_on_until_somebody_stops_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_log(tmp_path / "a.LOG", [line()])
    troubles = Troubles()
    follower = Follower([path], troubles)
    follower.begin()
    looks = iter([line(request_id="one"), b"2,rubbish\r\n", b"", None])

    def sleep(seconds: float) -> None:
        more = next(looks)
        if more is None:
            raise KeyboardInterrupt
        with path.open("ab") as file:
            file.write(more)

    lines = Lines(Console(width=80), False)
    keep_on(follower, troubles, lines, sleep)

    assert lines.shown == 1
    # Told once, not at each look.
    assert capsys.readouterr().err.count("2 values") == 1


def test_following_begins_with_the_last_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_log(tmp_path / "a.LOG", [line(request_id="seen")])

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(logtail.Follower, "poll", stop)
    done = run(path, "-f", "--json")

    assert (json.loads(done.stdout)["request_id"], done.exit_code) == ("seen", 0)


def test_an_answer_is_a_status_and_a_code() -> None:
    assert answer_of(row(response_code=None)) == "200"
    assert answer_of(row(status=None, backend_status=None, response_code=None)) == "none"
