"""``mapiproxy log errors``: what failed, and what that means."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from support.logrows import ABORTED_UPLOAD, UNAUTHORIZED, line, write_log

from mapiproxy.commands import main
from mapiproxy.record.ending import Ending

LOST: dict[str, Any] = {"ending": Ending.BACKEND_LOST, "phase": "Wait", "status": None, "backend_status": None}


def run(tmp_path: Path, lines: list[bytes], *arguments: str) -> Result:
    path = write_log(tmp_path / "a.LOG", lines)
    return CliRunner().invoke(main, ["log", "errors", str(path), *arguments])


def test_each_way_to_fail_is_told_with_its_reason_and_examples(tmp_path: Path) -> None:
    lines = [
        line(at=at, **LOST, request_id=f"id{at}", mailbox=f"{at % 2}@domain.tld", error="closed") for at in range(3)
    ]
    done = run(tmp_path, [*lines, line(), UNAUTHORIZED])

    assert done.stdout.splitlines() == [
        "      3 backend lost at exch1, no answer, BackendDisconnect, BackendLost/Wait",
        "        the backend's connection was lost before its answer was complete, before the answer began",
        "        said: closed",
        "        2024-01-24 15:26:40 to 2024-01-24 15:26:40 UTC, 2 users",
        "        request ids: id0, id1, id2",
        "3 of 5 requests failed, 1 were a 401: the whole log, which ended 2024-01-24 15:26:47 UTC,"
        + done.stdout.splitlines()[-1].rpartition("UTC,")[2],
    ]
    assert done.exit_code == 1


def test_statuses_that_differ_and_codes_with_their_meaning_are_in_the_headline(tmp_path: Path) -> None:
    lines = [line(status=503, backend_status=None, ending=Ending.CONNECT_FAILED, phase="Dial", backend=None)]
    lines += [line(response_code=6, backend="gx")] * 2
    said = run(tmp_path, lines, "--kind", "grommunio").stdout

    assert "2 response code at gx, 200, code 6 Missing Cookie\n" in said
    assert "1 no backend at Host456.domain.tld, 503 (backend: none), ConnectFailed, Dial" in said
    assert "strips Cookie" in said
    assert "code 6 Invalid Context Cookie, or on grommunio Missing Cookie" in run(tmp_path, lines).stdout


def test_few_of_many(tmp_path: Path) -> None:
    lines = [line(response_code=code) for code in (1, 2, 3)]
    assert "... and 2 more groups (-n), 2 requests" in run(tmp_path, lines, "-n", "1").stdout


def test_nothing_failed(tmp_path: Path) -> None:
    done = run(tmp_path, [line(), line(status=401, backend_status=401)])
    assert (done.exit_code, done.stdout.startswith("0 of 2 requests failed, 1 were a 401: the whole log")) == (0, True)


def test_there_is_nothing(tmp_path: Path) -> None:
    assert run(tmp_path, []).exit_code == 2


def test_json(tmp_path: Path) -> None:
    answer = json.loads(run(tmp_path, [ABORTED_UPLOAD, b"2,x\r\n"], "--json").stdout)

    assert (answer["rows"], answer["broken"], len(answer["failures"])) == (1, 1, 1)
    assert answer["failures"][0]["explanation"].startswith("the client was gone")


@pytest.mark.parametrize("text", ["[/x]", "a\x9b2Jb"])
def test_no_row_can_steer_the_terminal(tmp_path: Path, text: str) -> None:
    row = line(**LOST, backend="NAME", error="NAME", request_id="NAME").replace(b"NAME", text.encode())
    said = run(tmp_path, [row]).stdout

    assert said.count(text.replace("\x9b", "?")) == 3
    assert "\x9b" not in said
