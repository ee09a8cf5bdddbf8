"""What ``mapiproxy sessions`` shows."""

from __future__ import annotations

from pathlib import Path

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
        "NotificationWait answer 33s, 1 PENDING, last sign 3.0s ago"
    )
    assert lines[2] == "... and 2 more (--limit)"


def test_both_ends_of_a_long_mailbox_tell_who_it_is() -> None:
    assert shorten("alice@example.test") == "alice@example.test"
    assert len(shorten("x" * 99)) == 24
