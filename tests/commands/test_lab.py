"""``mapiproxy lab``: what it compares, and the whole thing once, for each kind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.staging import step

from mapiproxy.commands import main
from mapiproxy.commands.lab import VALUES, compare, read_log

ROOT = Path(__file__).parents[2]


def line(request_id: str, values: int = VALUES) -> str:
    return ",".join(["2026-01-05T08:00:00.000Z", f"R:{request_id};RT:Execute"] + ["x"] * (values - 2))


def test_each_request_wants_a_line_of_its_own() -> None:
    sent = [step(1), step(2)]
    assert compare(sent, [line("{A}:2"), line("{A}:1")]) == []
    assert compare(sent, [line("{A}:1")]) == ["no log line for Execute of alice@lab.test (2)"]
    assert compare(sent[:1], [line("{A}:1")] * 2) == ["1 log lines belong to no request"]


def test_an_id_is_not_taken_for_a_longer_one() -> None:
    assert len(compare([step(1)], [line("{A}:11")])) == 2


@pytest.mark.parametrize("values", [VALUES - 1, VALUES + 1])
def test_a_line_has_74_values(values: int) -> None:
    (wrong,) = compare([step(1)], [line("{A}:1", values)])
    assert f"{values} values, not 74" in wrong


def test_only_whole_data_lines_are_read(tmp_path: Path) -> None:
    folder = tmp_path / "Mapi"
    folder.mkdir()
    text = "DateTime,RequestId\r\n#Software: x\r\n#Fields: DateTime\r\na,b\r\nc,"
    (folder / "HttpProxy_2026010508-1.LOG").write_text(text, newline="")
    assert read_log(tmp_path) == ["a,b"]


def test_options_of_the_whole_are_refused_before_a_part() -> None:
    result = CliRunner().invoke(main, ["lab", "--once", "device", "--help"])
    assert result.exit_code == 2
    assert "--once is for the whole laboratory" in result.stderr


@pytest.mark.parametrize("kind", ["exchange", "grommunio"])
def test_once_plays_the_whole_conversation_through_the_proxy(tmp_path: Path, kind: str) -> None:
    arguments = ["lab", "--once", "--kind", kind, "--port", "0", "--folder", str(tmp_path)]
    code = "from mapiproxy.commands import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Everything went as expected." in done.stdout
    lines = read_log(tmp_path / "log")
    assert lines
    assert {each.count(",") + 1 for each in lines} == {VALUES}
