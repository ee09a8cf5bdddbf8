"""``mapiproxy trace``: what stands on the screen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console
from support.orders import answering

from mapiproxy.commands import main
from mapiproxy.commands.trace import Shown

REQUEST = {
    "n": 1, "event": "request", "wall": 1_767_600_000.25, "exchange": "aaaa-bbb-0000001", "session": None,
    "method": "POST", "path": "/mapi/emsmdb/", "request_type": "Execute", "backend": None,
    "client": "10.0.0.5:51234", "request_id": "{G}:7", "mailbox": "m@x", "user": "CORP\\alice",
    "application": None, "head": [["Cookie", "sid=#1a2b3c4d"]],
}  # fmt: skip
ANSWER = {**REQUEST, "n": 2, "event": "answer", "backend": "EXCH1", "status": 200, "code": 10, "head": []}
END = {
    **REQUEST, "n": 3, "event": "end", "ending": "Done", "status": 503, "backend_status": 200, "code": 0,
    "late_code": 15, "pulses": 2, "routed_by": "session", "retries": 1, "moved_from": "10.0.0.9",
    "request_bytes": 300, "response_bytes": 2000, "error": "lost \x1b[2J", "total_ms": 25.5,
    "phases_ms": {"route": 0.0, "wait": 20.1, "answer": 5.4},
}  # fmt: skip


@pytest.fixture
def shown(capsys: Any) -> Any:
    def show(*events: dict[str, Any], verbose: bool = False) -> str:
        screen = Shown(Console(width=200, highlight=False, markup=False), verbose)
        for event in events:
            screen.event(event)
        screen.running([{"exchange": "x-1", "pulses": 1, "seconds": 27.0}])
        screen.running([{"exchange": "x-1", "pulses": 1, "seconds": 28.0}])
        return str(capsys.readouterr().out)

    return show


def test_each_event_is_a_line(shown: Any) -> None:
    lines = shown(REQUEST, ANSWER, END).splitlines()
    assert lines[0] == "08:00:00.250 000001 > Execute {G}:7 of CORP\\alice from 10.0.0.5:51234"
    assert lines[1] == "08:00:00.250 000001 < 200 code 10 from EXCH1"
    assert lines[2] == (
        "08:00:00.250 000001 = Done, we said 503, code 15 after DONE, 2 PENDING, 1 tried again,"
        " moved from 10.0.0.9, 25.5 ms (wait 20.1, answer 5.4), 300 bytes in, 2000 out, lost ?[2J"
    )
    assert [line for line in lines if "PENDING 1" in line] == [
        "             x-1 . PENDING 1, 27s since the request"
    ]


def test_heads_are_shown_when_they_are_wanted(shown: Any) -> None:
    assert "Cookie" not in shown(REQUEST)
    assert "                    Cookie: sid=#1a2b3c4d" in shown(REQUEST, verbose=True)


class Hours:
    """Time that passes while one sleeps, and only then."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_the_command_asks_again_from_where_it_was(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("mapiproxy.commands.trace.time", Hours())
    path = tmp_path / "c"
    reply = {"ok": True, "trace": 5, "after": 1, "lost": 2, "events": [REQUEST], "running": []}
    with answering(path, reply, {**reply, "lost": 0}) as asked:
        result = CliRunner().invoke(main, ["trace", "alice", "--socket", str(path), "--json", "--for", "500ms"])
    assert result.exit_code == 0
    assert json.loads(result.stdout.splitlines()[0]) == REQUEST
    assert "2 events were not fetched in time" in result.stderr
    assert asked[1] == {"command": "trace", "who": "alice", "trace": 5, "after": 1}
    assert len(asked) == 3
    assert asked[0] == {"command": "trace", "who": "alice", "trace": 0, "after": 0}


def test_a_refusal_is_told(tmp_path: Path) -> None:
    path = tmp_path / "c"
    with answering(path, {"ok": False, "error": "whom?"}):
        result = CliRunner().invoke(main, ["trace", "al", "--socket", str(path)])
    assert result.exit_code == 1
    assert "whom?" in result.output
