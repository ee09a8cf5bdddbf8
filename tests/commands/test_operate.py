"""The commands that change something, as a person gives them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from support.orders import SERVER, answering

from mapiproxy.commands import main, operate

FREE = {**SERVER, "admin": "drain", "safe_in": 0, "safe_text": "0 Execute, 0 waits, 0 sessions, safe now"}
BUSY = {**SERVER, "admin": "drain"}


def run(path: Path, *arguments: str) -> Result:
    command, *rest = arguments
    return CliRunner().invoke(main, [command, "--socket", str(path), *rest])


@pytest.mark.parametrize(
    ("arguments", "order"),
    [
        (["ready", "EXCH1"], {"command": "ready", "server": "EXCH1"}),
        (["maint", "EXCH1", "--pool", "mapi"], {"command": "maint", "server": "EXCH1", "pool": "mapi"}),
        (["drain", "EXCH1", "--deadline", "1h30m"], {"command": "drain", "server": "EXCH1", "deadline": 5400.0}),
        (["weight", "EXCH1", "50"], {"command": "weight", "server": "EXCH1", "weight": 50}),
    ],
)
def test_an_order_is_given_as_it_was_meant(tmp_path: Path, arguments: list[str], order: dict[str, Any]) -> None:
    with answering(tmp_path / "c", {"ok": True, "server": SERVER}) as orders:
        done = run(tmp_path / "c", *arguments)

    assert done.exit_code == 0, done.output
    assert orders == [order]
    assert done.stdout.strip()


def test_a_drain_that_is_waited_for_ends_when_the_server_is_free(tmp_path: Path, monkeypatch: Any) -> None:
    naps: list[float] = []
    monkeypatch.setattr(operate.time, "sleep", naps.append)
    replies = [{"ok": True, "server": BUSY}, {"ok": True, "servers": [BUSY]}, {"ok": True, "servers": [FREE]}]
    with answering(tmp_path / "c", *replies):
        done = run(tmp_path / "c", "drain", "EXCH1", "--wait")

    assert (done.exit_code, len(naps)) == (0, 2)
    assert done.stdout.splitlines()[-1] == "drain EXCH1: 0 Execute, 0 waits, 0 sessions, safe now"


def test_a_drain_that_takes_too_long_is_exit_code_1(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(operate.time, "sleep", lambda seconds: None)
    with answering(tmp_path / "c", {"ok": True, "server": BUSY}, {"ok": True, "servers": [BUSY]}):
        done = run(tmp_path / "c", "drain", "EXCH1", "--wait", "--timeout", "50ms")

    assert (done.exit_code, done.stderr) == (1, "Error: EXCH1 is still in use\n")


@pytest.mark.parametrize(
    ("rows", "error"),
    [
        ([{**FREE, "admin": "ready"}], "EXCH1 was made ready by somebody else"),
        ([], "EXCH1 is not in the configuration any more"),
        ([{**FREE, "pool": "other"}], "EXCH1 is not in the configuration any more"),
    ],
)
def test_a_drain_that_is_over_is_not_waited_for_nor_taken_for_done(
    tmp_path: Path, monkeypatch: Any, rows: list[dict[str, Any]], error: str
) -> None:
    monkeypatch.setattr(operate.time, "sleep", lambda seconds: None)
    with answering(tmp_path / "c", {"ok": True, "server": BUSY}, {"ok": True, "servers": rows}):
        done = run(tmp_path / "c", "drain", "EXCH1", "--wait")

    assert (done.exit_code, done.stderr) == (1, f"Error: {error}\n")


@pytest.mark.parametrize(("row", "code"), [(FREE, 0), ({**FREE, "admin": "ready"}, 1)])
def test_a_drain_that_is_waited_for_ends_in_json_where_that_is_wanted(
    tmp_path: Path, monkeypatch: Any, row: dict[str, Any], code: int
) -> None:
    monkeypatch.setattr(operate.time, "sleep", lambda seconds: None)
    with answering(tmp_path / "c", {"ok": True, "server": BUSY}, {"ok": True, "servers": [row]}):
        done = run(tmp_path / "c", "drain", "EXCH1", "--wait", "--json")
    reply = json.loads(done.stdout)

    assert (done.exit_code, reply["ok"], reply["server"]) == (code, code == 0, row)


def test_a_duration_without_a_unit_is_refused(tmp_path: Path) -> None:
    done = run(tmp_path / "c", "drain", "EXCH1", "--timeout", "10")

    assert done.exit_code == 2
    assert "--timeout" in done.stderr


def test_a_killed_session_is_told_with_what_it_took_along(tmp_path: Path) -> None:
    with answering(tmp_path / "c", {"ok": True, "session": "7f3a91c2aabbccdd", "cut": 1}):
        done = run(tmp_path / "c", "kill", "7f3a")

    assert done.stdout == "session 7f3a91c2aabbccdd ended, 1 call cut\n"


def test_a_reload_tells_what_changed(tmp_path: Path) -> None:
    reply = {"ok": True, "generation": 2, "changes": ["server EXCH3 added"], "problems": []}
    with answering(tmp_path / "c", reply):
        done = run(tmp_path / "c", "reload")

    assert done.stdout == "configuration 2 is in effect\n  server EXCH3 added\n"


def test_a_refused_reload_shows_every_problem_and_is_exit_code_1(tmp_path: Path) -> None:
    problem = 'm.toml:2: listener.mail.bnid: unknown key; did you mean "bind"?'
    with answering(tmp_path / "c", {"ok": False, "error": "refused", "problems": [problem]}):
        done = run(tmp_path / "c", "reload")

    assert done.exit_code == 1
    assert done.stderr == f"{problem}\nError: refused\n"
