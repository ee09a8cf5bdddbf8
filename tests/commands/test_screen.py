"""What the laboratory shows: rows, summary, commands to copy."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from support.staging import staged, step

from mapiproxy.commands.screen import Screen


def shown(act: Any) -> str:
    out = io.StringIO()
    act(Screen(Console(file=out, width=200)))
    return out.getvalue()


def test_rows_say_what_happened_and_show_no_cookie() -> None:
    text = shown(
        lambda screen: screen.row(
            step(
                1,
                connection=3,
                backend="EXCH1",
                status=200,
                code=0,
                late_code=17,
                first_ms=1.25,
                total_ms=400.0,
                pulses=2,
                note="as it was",
                cookies="sid:abcdef",
            )
        )
    )
    for piece in ("alice", "Execute", "EXCH1", "200/17", "1.2", "400.0", " 2 ", "as it was"):
        assert piece in text
    assert "abcdef" not in text


def test_the_summary_names_surprises_but_not_all_of_a_flood() -> None:
    good = shown(lambda screen: screen.summary([step(1, connection=1)], [], ["a,b"]))
    assert "1 requests over 1 connections" in good
    assert "Everything went as expected." in good
    bad = shown(lambda screen: screen.summary([], [f"surprise {n}" for n in range(20)], []))
    assert "surprise 11" in bad
    assert "surprise 12" not in bad
    assert "and 8 more" in bad


@pytest.mark.parametrize("kind", ["exchange", "grommunio"])
def test_the_invitation_has_whole_commands(tmp_path: Path, kind: str) -> None:
    stage, _ = staged(tmp_path, kind)
    text = shown(lambda screen: screen.invitation(stage))
    commands = [each for each in text.splitlines() if each.startswith("  curl")]
    assert len(commands) == 2
    assert all(f"--cacert {stage.ca_file}" in command for command in commands)
    assert f"mapiproxy test https://mail.lab.test:{stage.port} --connect-to 127.0.0.1 --ca-file {stage.ca_file}" in text


def test_log_lines_are_whole_where_nobody_looks_at_a_screen() -> None:
    long = ",".join(["value"] * 74)
    assert long in shown(lambda screen: screen.summary([], [], [long]))
