"""What ``mapiproxy sessions`` shows."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from support.orders import SESSION, answering

from mapiproxy.commands import main
from mapiproxy.commands.sessions import shorten


def test_a_row_for_each_session_and_the_number_of_the_rest(tmp_path: Path) -> None:
    with answering(tmp_path / "c", {"ok": True, "total": 3, "sessions": [SESSION]}) as orders:
        done = CliRunner().invoke(
            main, ["sessions", "--socket", str(tmp_path / "c"), "--mailbox", "616c", "--limit", "1"]
        )
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]

    assert orders == [{"command": "sessions", "mailbox": "616c", "limit": 1}]
    assert lines[1] == (
        "7f3a91c2 EXCH1 emsmdb 616c6963-65…example.test 10.0.0.7 214 2 0.0s 17m00s "
        "Outlook 2013 SP1 or later (16.0) NotificationWait answer 33s, 1 PENDING, last sign 3.0s ago"
    )
    assert lines[2] == "... and 2 more (--limit)"


@pytest.mark.parametrize("client", ["10.0.0.7", "2001:db8:85a3:1111:2222:8a2e:370:7334"])
def test_at_100_columns_calls_stand_below_and_the_id_is_whole(tmp_path: Path, client: str) -> None:
    row = {**SESSION, "backend": "EXCH3-LONDON", "client": client}
    idle = {**row, "current": [], "idle": 700.0}
    with answering(tmp_path / "c", {"ok": True, "total": 2, "sessions": [row, idle]}):
        done = CliRunner().invoke(main, ["sessions", "--socket", str(tmp_path / "c")], env={"COLUMNS": "100"})
    lines = done.stdout.splitlines()

    assert [line.split()[0] for line in lines] == ["session", "7f3a91c2", "NotificationWait", "7f3a91c2"]
    assert lines[2] == "  NotificationWait answer 33s, 1 PENDING, last sign 3.0s ago"
    assert lines[3].endswith("214     2  11m40s   17m00s")
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize("text", ["[/x]", "[bold]x", "a\x1b[2Jb"])
def test_no_client_can_hide_or_break_the_list(tmp_path: Path, text: str) -> None:
    """Mailbox, user and request type are what clients send."""
    current = [{**SESSION["current"][0], "request_type": text}]
    row = {**SESSION, "user": text, "current": current}
    for columns in ("100", "200"):
        with answering(tmp_path / columns, {"ok": True, "total": 1, "sessions": [row]}):
            done = CliRunner().invoke(
                main, ["sessions", "--socket", str(tmp_path / columns)], env={"COLUMNS": columns}
            )
        assert done.exit_code == 0
        assert done.stdout.count(text.replace("\x1b", "?")) == 2


def test_both_ends_of_a_long_mailbox_tell_who_it_is() -> None:
    assert shorten("alice@example.test") == "alice@example.test"
    assert len(shorten("x" * 99)) == 24
