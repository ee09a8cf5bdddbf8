"""``mapiproxy why USER``: from the files to the line and the exit code."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from support.logrows import RPC_2013, START, line, write_log
from support.windows import ALICE, calls, crowd

from mapiproxy.commands import logfiles, main, why
from mapiproxy.record.ending import Ending

MINUTE = 60_000
NOW = START + 20 * MINUTE
BROKEN = b"2024-01-24T15:45:00.000Z,x\r\n"
REFUSED: dict[str, Any] = {
    "phase": "Head", "ending": Ending.REFUSED, "backend_status": None, "backend": None, "response_code": None, "status": 503,
}  # fmt: skip


@pytest.fixture(autouse=True)
def _twenty_minutes_later(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (logfiles, why):
        monkeypatch.setattr(module, "now_ms", lambda: NOW)


def run(*arguments: object, columns: int = 140) -> Result:
    return CliRunner().invoke(main, ["why", *map(str, arguments)], env={"COLUMNS": str(columns)})


def late(lines: list[bytes]) -> list[bytes]:
    """The same at 15:45, a minute and a half before now."""
    return [each.replace(b"2024-01-24T15:26", b"2024-01-24T15:45") for each in lines]


def test_the_first_line_is_the_verdict_and_the_exit_code_says_the_same(tmp_path: Path) -> None:
    lines = calls(20) + calls(20, wait=2200, send=20, dial=80) + crowd(wait=2100)
    done = run("alice", "-5m", write_log(tmp_path / "a.LOG", late(lines)))

    assert done.stdout.splitlines()[:2] == [
        "slow: backend EXCH1 2.2 s of 2.3 s (Execute), 20 of 40 requests",
        "  not only this user: everybody on EXCH1 has it (p95 2.1 s of 60 requests, here 2.3 s)",
    ]
    assert done.exit_code == 1


def test_fine_is_0_and_nobody_is_2(tmp_path: Path) -> None:
    path = write_log(tmp_path / "a.LOG", late(calls(40)))

    assert (run("alice", path).exit_code, run("CORP\\ALICE", path).exit_code) == (0, 0)
    assert run("bob", path).exit_code == 2
    assert run("bob", path).stdout.splitlines()[:3] == [
        "no data: nothing of bob in this window",
        "  window: 2024-01-24 15:31:40 to now",
        "  40 requests of others are in it",
    ]


def test_since_may_be_written_either_way(tmp_path: Path) -> None:
    path = write_log(tmp_path / "a.LOG", late(calls(40)))
    said = {run("alice", path, *words).stdout for words in (["-5m"], ["--since", "5m"], ["--since", "-5m"])}

    assert len(said) == 1
    assert "window: 2024-01-24 15:41:40 to now" in said.pop()


def test_a_log_that_has_ended_is_looked_at_from_its_end_and_that_is_said(tmp_path: Path) -> None:
    """15:26:44 is the last row; 15:46:40 is now."""
    path = write_log(tmp_path / "a.LOG", calls(40))
    said = run("alice", "-5m", path).stdout

    assert said.startswith("fine: 40 requests, Execute p95 20 ms\n")
    assert "window: 2024-01-24 15:21:43 to 2024-01-24 15:26:43 UTC (counted from the last record, 19m56s ago)" in said
    assert "window: the whole log, which ended 2024-01-24 15:26:43 UTC" in run("alice", path).stdout


def test_whoever_is_only_refused_is_known_by_older_rows(tmp_path: Path) -> None:
    """A refusal names nobody; the mailbox in its URL was somebody's three hours ago, in a packed file."""
    old = [each.replace(b"2024-01-24T15", b"2024-01-24T12") for each in calls(2)]
    (tmp_path / "HttpProxy_2024012412-1.LOG.gz").write_bytes(gzip.compress(b"".join(old)))
    write_log(tmp_path / "HttpProxy_2024012415-1.LOG", late(calls(6, **REFUSED, error="no backend is there")))
    done = run("alice", "-5m", tmp_path)

    assert done.stdout.startswith("refused: no backend fit (503) since 15:45:40, 6 of 6 requests: no backend is there\n")
    assert done.exit_code == 1


def test_the_line_of_2013_is_understood(tmp_path: Path) -> None:
    path = tmp_path / "a.LOG"
    path.write_bytes(b"".join(RPC_2013.replace("T13:30:49", f"T13:3{n}:49").encode() for n in range(6)))
    done = run("tailspin\\wendy", path)

    assert done.stdout.startswith(
        "lost: one of the paths, 6 connections cut after 16.3 s of waiting (+/- 0.0 s)"
        " -> a 16 s device sits before or behind the proxy\n"
    )


def test_json_has_verdict_and_evidence(tmp_path: Path) -> None:
    path = write_log(tmp_path / "a.LOG", [*late(calls(40, wait=3000) + crowd()), BROKEN])
    answer = json.loads(run("alice", path, "--json").stdout)

    assert (answer["verdict"], answer["place"], answer["exit_code"], answer["broken"]) == ("slow", "backend", 1, 1)
    assert answer["me"]["requests"] == 40
    assert answer["backends"]["EXCH1"]["others"]["requests"] == 60
    assert answer["clients"]["10.0.0.7"]["network"] == "10.0.0.0/24"
    assert answer["phases"]["backend"]["user"]["p95_ms"] > 2900
    assert len(answer["slowest"]) == 5


def test_a_name_that_names_nobody_is_wrong_use(tmp_path: Path) -> None:
    done = run("corp\\", write_log(tmp_path / "a.LOG", []))
    assert (done.exit_code, "names nobody" in done.stderr) == (2, True)


def test_what_cannot_be_read_is_told_and_the_rest_is_judged(tmp_path: Path) -> None:
    path = write_log(tmp_path / "a.LOG", [BROKEN, *late(calls(9))])
    done = run("alice", path)

    assert done.stderr == f"{path}:7: 2 values, the header names 74\n"
    assert done.stdout.startswith("fine: 9 requests")


@pytest.mark.parametrize("text", ["[/x]", "a\x9b2Jb"])
@pytest.mark.parametrize("columns", [80, 140])
def test_no_row_can_steer_the_terminal(tmp_path: Path, text: str, columns: int) -> None:
    rows = [
        line(
            at=19 * MINUTE + n, user=ALICE, backend="NAME", client_ip="NAME", request_type="NAME", request_id="NAME",
            client_application="NAME", error="NAME", phase="Answer" if n % 2 else None,
        ).replace(b"NAME", text.encode())
        for n in range(20)
    ]  # fmt: skip
    done = run("alice", write_log(tmp_path / "a.LOG", rows), columns=columns)

    assert done.exit_code == 1
    assert "\x9b" not in done.stdout
    assert done.stdout.count(text.replace("\x9b", "?")) > 8


def test_the_log_of_a_real_proxy_is_understood_from_end_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the laboratory leaves: two mailboxes on two servers, each client reset in the middle of a wait."""
    script = "from mapiproxy.commands import main; main()"
    played = subprocess.run(
        [sys.executable, "-c", script, "lab", "--once", "--port", "0", "--folder", str(tmp_path)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert played.returncode == 0, played.stdout + played.stderr
    monkeypatch.setattr(why, "now_ms", lambda: 4_000_000_000_000)
    done = run("alice", tmp_path / "log", "--json")
    answer = json.loads(done.stdout)

    assert (answer["verdict"], done.exit_code, answer["broken"]) == ("fine", 0, 0)
    assert answer["me"]["requests"] > 15
    assert [loss["what"] for loss in answer["losses"]] == ["client lost"]
    assert list(answer["backends"]) in (["EXCH1"], ["EXCH2"])
