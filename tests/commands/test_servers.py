"""What ``mapiproxy servers`` shows."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from rich.console import Console
from support.orders import DOWN, SERVER, answering

from mapiproxy.commands import main
from mapiproxy.commands.servers import show, state, timing


def test_a_row_for_each_server_and_a_line_for_what_is_wrong(tmp_path: Path) -> None:
    with answering(tmp_path / "c", {"ok": True, "servers": [SERVER, DOWN]}):
        done = CliRunner().invoke(main, ["servers", "--socket", str(tmp_path / "c")])
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]

    assert lines[1] == (
        "EXCH1 mapi ready UP 4m12s 100 41 78 1+3+2+0 ms 0 Execute, 37 waits, 41 sessions, safe in <= 4m12s"
    )
    assert lines[2].startswith("EXCH2 mapi ready DOWN 4m12s 100 0 78 1+-+-+- ms 0 Execute")
    assert lines[3] == "EXCH2: probe: tls: took longer than 5 s"


def test_at_100_columns_numbers_say_what_words_would_and_nothing_is_lost(tmp_path: Path) -> None:
    long = {**SERVER, "name": "EXCH3-LONDON", "admin": "drain", "drain_ends_in": 60.0}
    with answering(tmp_path / "c", {"ok": True, "servers": [long, DOWN]}):
        done = CliRunner().invoke(main, ["servers", "--socket", str(tmp_path / "c")], env={"COLUMNS": "100"})
    shown = done.stdout.splitlines()
    lines = [" ".join(line.split()) for line in shown]

    assert lines[0] == "server pool state weight sess conn exec wait safe in probe ms"
    assert lines[1] == "EXCH3-LONDON mapi drain (1m00s left) UP 4m12s 100 41 78 0 37 4m12s 1+3+2+0"
    assert lines[2] == "EXCH2 mapi ready DOWN 4m12s 100 0 78 0 0 now 1+-+-+-"
    assert max(map(len, shown)) <= 100


def test_calls_of_another_kind_get_a_column_where_there_are_any() -> None:
    assert "other" in shown_narrow({**SERVER, "others": 3})
    assert "other" not in shown_narrow(SERVER)


def test_what_a_server_is_blamed_for_may_hold_brackets() -> None:
    assert "EXCH2: tls: [/ssl] no [a] for [::1]" in shown_narrow({**DOWN, "why": "tls: [/ssl] no [a] for [::1]"})


def shown_narrow(row: dict[str, Any]) -> str:
    out = Console(file=io.StringIO(), width=100, markup=False)
    show([row], out)
    return out.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def test_a_drain_with_a_deadline_shows_what_is_left_of_it() -> None:
    text = state({**SERVER, "admin": "drain", "drain_ends_in": 60.0})

    assert text.plain == "drain (1m00s left) UP 4m12s"
    assert [(text.plain[span.start : span.end], span.style) for span in text.spans] == [
        ("drain (1m00s left)", "yellow"),
        ("UP", "green"),
    ]
    assert state(DOWN).spans[1].style == "red"


def test_plain_http_has_no_tls_to_be_timed() -> None:
    assert timing(None) == "none yet"
    assert timing({**SERVER["probe"], "tls_ms": None}) == "1+2+0 ms"
