"""``mapiproxy log top``, small, and with MAPIPROXY_LONG=1 over a million rows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from support.logrows import line, write_log

from mapiproxy.commands import main
from mapiproxy.commands.logtop import show_bytes
from mapiproxy.record.ending import Ending

ROOT = Path(__file__).resolve().parents[2]
ROWS = 1_000_000 if os.environ.get("MAPIPROXY_LONG") else 20_000


def run(*arguments: str, columns: int = 140) -> Result:
    return CliRunner().invoke(main, ["log", "top", *arguments], env={"COLUMNS": str(columns)})


def log(tmp_path: Path) -> str:
    lines = [line(at=n, user="CORP\\alice", wait=10) for n in range(3)]
    lines += [line(user="CORP\\bob", wait=2000, response_bytes=5_000_000, phase="Answer", ending=Ending.BACKEND_LOST)]
    lines += [line(user="CORP\\alice", request_type="NotificationWait", wait=300_000)]
    return str(write_log(tmp_path / "HttpProxy_2024012415-1.LOG", lines))


def test_a_row_for_each_group_and_their_sum(tmp_path: Path) -> None:
    done = run(log(tmp_path))
    lines = [" ".join(each.split()) for each in done.stdout.splitlines()]

    assert lines == [
        "user requests errors 401 p50 p95 p99 max waits in out",
        "corp\\alice 4 0 0 10 ms 10 ms 10 ms 10 ms 1 280 B 528 B",
        "corp\\bob 1 1 0 2.0 s 2.0 s 2.0 s 2.0 s 0 70 B 5.0 MB",
        "all 5 1 0 10 ms 2.0 s 2.0 s 2.0 s 1 350 B 5.0 MB",
        "5 requests, 2024-01-24 15:26:40 to 2024-01-24 15:26:40 UTC; latencies within 2%, without waits and channels",
    ]
    assert done.exit_code == 0


def test_80_columns_are_enough(tmp_path: Path) -> None:
    lines = run(log(tmp_path), columns=80).stdout.splitlines()
    assert max(map(len, lines[:-1])) <= 80
    assert "bytes" in lines[0]


def test_few_of_many_and_an_honest_rest(tmp_path: Path) -> None:
    path = write_log(tmp_path / "a.LOG", [line(user=f"CORP\\u{n}") for n in range(10)])
    done = run(str(path), "-n", "2")
    assert "(8 others)" in done.stdout


def test_json_and_a_window(tmp_path: Path) -> None:
    done = run(log(tmp_path), "--by", "type", "--since", "2024-01-24T15:26:40.001", "--json")
    answer = json.loads(done.stdout)

    assert [(group["type"], group["count"]) for group in answer["groups"]] == [("Execute", 2)]
    assert (answer["files"], answer["broken"]) == (1, 0)
    assert answer["window"]["since"] == "2024-01-24 15:26:40"


def test_an_empty_log_says_so(tmp_path: Path) -> None:
    done = run(str(write_log(tmp_path / "a.LOG", [])))
    assert (done.exit_code, done.stdout) == (2, "no requests in the whole log\n")


def test_broken_rows_are_named_and_do_not_stop_it(tmp_path: Path) -> None:
    path = write_log(tmp_path / "a.LOG", [line(), b"2024-01-24,x\r\n", line()])
    done = run(str(path))

    assert done.stderr == f"{path}:8: 2 values, the header names 74\n"
    assert "execute" not in done.stdout
    assert done.exit_code == 0


@pytest.mark.parametrize("text", ["[/x]", "[bold]x", "a\x9b2jb", "a\u202eb"])
def test_no_user_can_steer_the_terminal(tmp_path: Path, text: str) -> None:
    """Even of a file that somebody else has written, with control characters in it."""
    row = line(user="CORP\\NAME").replace(b"NAME", text.encode())
    done = run(str(write_log(tmp_path / "a.LOG", [row])))
    safe = "".join(each if each.isprintable() else "?" for each in text)
    assert f"corp\\{safe}" in done.stdout


def test_sizes_are_for_people() -> None:
    sizes = (0, 999, 1000, 99_400, 100_000, 5_000_000, 2 * 10**9, 10**13)
    assert [show_bytes(size) for size in sizes] == ["0 B", "999 B", "1.0 kB", "99.4 kB", "100 kB", "5.0 MB", "2.0 GB", "10.0 TB"]


def test_a_long_log_needs_no_more_memory_than_a_short_one() -> None:
    """With MAPIPROXY_LONG=1 a million rows; the benchmark prints how fast and how large."""
    done = subprocess.run(
        [sys.executable, "benchmarks/log_top.py", "--rows", str(ROWS), "--by", "user", "--json"],
        cwd=ROOT, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    print("\n" + done.stdout)
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)

    assert result["rows"] == result["counted"] == ROWS
    # Thousands of users, each with quantiles, and the interpreter itself.
    assert result["grown_mib"] < 64
