"""What ``mapiproxy servers`` shows."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner
from support.orders import DOWN, SERVER, answering

from mapiproxy.commands import main
from mapiproxy.commands.servers import state, timing


def test_a_row_for_each_server_and_a_line_for_what_is_wrong(tmp_path: Path) -> None:
    with answering(tmp_path / "c", {"ok": True, "servers": [SERVER, DOWN]}):
        done = CliRunner().invoke(main, ["servers", "--socket", str(tmp_path / "c")])
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]

    assert lines[1] == (
        "EXCH1 mapi ready UP 4m12s 100 41 78 1+3+2+0 ms 0 Execute, 37 waits, 41 sessions, safe in <= 4m12s"
    )
    assert lines[2].startswith("EXCH2 mapi ready DOWN 4m12s 100 0 78 1+-+-+- ms 0 Execute")
    assert lines[3] == "EXCH2: probe: tls: took longer than 5 s"


def test_a_drain_with_a_deadline_shows_what_is_left_of_it() -> None:
    assert state({**SERVER, "admin": "drain", "drain_ends_in": 60.0}) == (
        "[yellow]drain (1m00s left)[/] [green]UP[/] 4m12s"
    )


def test_plain_http_has_no_tls_to_be_timed() -> None:
    assert timing(None) == "none yet"
    assert timing({**SERVER["probe"], "tls_ms": None}) == "1+2+0 ms"
