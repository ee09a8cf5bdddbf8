"""What a person is told when nobody answers, or the wrong one; and how the rest is asked."""

from __future__ import annotations

import io
import json
import socket
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from rich.console import Console
from rich.table import Table
from support.orders import STATUS, answering

from mapiproxy.commands import main
from mapiproxy.commands.asking import ask, fits, lines_of, plain, show_seconds


def complaint(path: Path) -> str:
    with pytest.raises(click.ClickException) as caught:
        ask(path, "status")
    return caught.value.message


def test_an_order_carries_its_arguments_but_those_that_were_not_given(tmp_path: Path) -> None:
    with answering(tmp_path / "c", STATUS) as orders:
        assert ask(tmp_path / "c", "drain", server="EXCH1", pool=None) == STATUS
    assert orders == [{"command": "drain", "server": "EXCH1"}]


def test_without_a_socket_it_is_asked_whether_there_should_be_one(tmp_path: Path) -> None:
    assert complaint(tmp_path / "c").endswith("is mapiproxy running, and does its file say [control] socket?")


def test_a_socket_that_nobody_listens_on_is_told_apart(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "c"))
    assert complaint(tmp_path / "c").endswith("mapiproxy is not running")


@pytest.mark.parametrize("reply", [b"220 smtp\r\n", b"[1]\n"])
def test_who_does_not_speak_as_we_do_is_not_believed(tmp_path: Path, reply: bytes) -> None:
    with answering(tmp_path / "c", reply):
        assert complaint(tmp_path / "c").endswith("is not mapiproxy")


def test_an_end_without_an_answer_is_no_stranger(tmp_path: Path) -> None:
    with answering(tmp_path / "c", b""):
        assert "closed without an answer: mapiproxy is stopping" in complaint(tmp_path / "c")


def test_what_others_wrote_is_shown_and_not_obeyed() -> None:
    out = Console(file=io.StringIO(), force_terminal=True, width=80)
    out.print(plain("[/x] [bold]a\x1b[2J\x9b2J\r\nb"))

    assert out.file.getvalue() == "[/x] [bold]a?[2J?2J??b\n"  # type: ignore[attr-defined]


def test_no_line_of_a_table_is_cut_where_it_is_too_long() -> None:
    table = Table("a", "b", box=None, pad_edge=False)
    table.add_row("x" * 60, "y" * 60)
    out = Console(width=80)

    assert not fits(table, out)
    assert [line.plain for line in lines_of(table, out)][1] == f"{'x' * 60}  {'y' * 60}"


def test_json_is_the_reply_itself_and_a_refusal_is_exit_code_1(tmp_path: Path) -> None:
    runner = CliRunner()
    with answering(tmp_path / "c", STATUS, {"ok": False, "error": "no"}):
        arguments = ["status", "--json", "--socket", str(tmp_path / "c")]
        good, bad = runner.invoke(main, arguments), runner.invoke(main, arguments)

    assert (json.loads(good.stdout), good.exit_code) == (STATUS, 0)
    assert (json.loads(bad.stdout)["error"], bad.exit_code) == ("no", 1)


def test_the_socket_may_be_named_by_the_environment(tmp_path: Path) -> None:
    with answering(tmp_path / "c", STATUS):
        done = CliRunner().invoke(main, ["status"], env={"MAPIPROXY_SOCKET": str(tmp_path / "c")})
    assert done.exit_code == 0


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(None, "-"), (0.04, "0.0s"), (9.9, "9.9s"), (59.6, "1m00s"), (252, "4m12s"), (3780, "1h03m"), (90000, "1d01h")],
)
def test_durations_as_people_say_them(seconds: float | None, shown: str) -> None:
    assert show_seconds(seconds) == shown
