"""What ``mapiproxy metrics`` prints and writes."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.orders import answering

from mapiproxy.commands import main

TEXT = "# HELP mapiproxy_x X.\n# TYPE mapiproxy_x gauge\nmapiproxy_x 1.0\n"
REPLY = {"ok": True, "content_type": "text/plain", "text": TEXT}


def run(tmp_path: Path, *arguments: str) -> tuple[int, str, list[dict[str, object]]]:
    with answering(tmp_path / "c", REPLY) as orders:
        done = CliRunner().invoke(main, ["metrics", "--socket", str(tmp_path / "c"), *arguments])
    return done.exit_code, done.output, orders


def test_the_exposition_is_printed_as_it_is(tmp_path: Path) -> None:
    assert run(tmp_path) == (0, TEXT, [{"command": "metrics"}])


def test_openmetrics_is_asked_for(tmp_path: Path) -> None:
    _, _, (order,) = run(tmp_path, "--openmetrics")
    assert order == {"command": "metrics", "accept": "application/openmetrics-text"}


def test_scripts_get_the_reply(tmp_path: Path) -> None:
    code, output, _ = run(tmp_path, "--json")
    assert (code, json.loads(output)) == (0, REPLY)


def test_a_file_is_replaced_at_once_and_readable_for_the_collector(tmp_path: Path) -> None:
    folder = tmp_path / "textfile"
    folder.mkdir()
    file = folder / "mapiproxy.prom"
    file.write_text("old")
    code, output, _ = run(tmp_path, "--output", str(file))

    assert (code, output, file.read_text()) == (0, "", TEXT)
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert [each.name for each in folder.iterdir()] == ["mapiproxy.prom"]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    code, output, _ = run(tmp_path, "--output", str(tmp_path / "none" / "m.prom"))
    assert code == 1
    assert f"{tmp_path}/none" in output
    assert "No such file" in output


def test_a_file_that_cannot_be_replaced_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: str, target: Path) -> None:
        raise PermissionError(13, "Permission denied", str(target))

    monkeypatch.setattr("os.replace", refuse)
    folder = tmp_path / "textfile"
    folder.mkdir()
    code, output, _ = run(tmp_path, "--output", str(folder / "m.prom"))

    assert (code, [*folder.iterdir()]) == (1, [])
    assert "Permission denied" in output
