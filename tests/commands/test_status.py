"""What ``mapiproxy status`` shows."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner
from support.orders import STATUS, answering

from mapiproxy.commands import main


def test_it_shows_how_requests_find_their_backend(tmp_path: Path) -> None:
    with answering(tmp_path / "c", STATUS):
        done = CliRunner().invoke(main, ["status", "--socket", str(tmp_path / "c")], env={"COLUMNS": "100"})

    assert done.exit_code == 0
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert "mapiproxy 0.1, running for 2h00m, pid 4711, configuration 2" in lines
    assert "pool mapi (exchange): 1 of 2 servers in service, 41 sessions, skew 1.3x" in lines
    assert "routed by route-cookie 90 90%" in lines
    assert "session cookie not known here 2 2%" in lines
    assert "connections broken (outcome unknown) 3" in lines


def test_a_proxy_that_has_served_nobody_can_be_shown(tmp_path: Path) -> None:
    pool = {**STATUS["pools"][0], "rungs": {"session": 0}, "skew": None, "unmatched_cookies": 0}
    with answering(tmp_path / "c", {**STATUS, "pools": [pool], "file": None, "stopping": True}):
        done = CliRunner().invoke(main, ["status", "--socket", str(tmp_path / "c")])

    assert done.exit_code == 0
    assert "stopping" in done.stdout


def test_an_address_in_brackets_is_shown_whole(tmp_path: Path) -> None:
    listener = {**STATUS["listeners"][0], "binds": ["[fe80::1]:443"]}
    with answering(tmp_path / "c", {**STATUS, "listeners": [listener], "file": "/etc/[a]/m.toml"}):
        done = CliRunner().invoke(main, ["status", "--socket", str(tmp_path / "c")])

    assert "[fe80::1]:443" in done.stdout
    assert "from /etc/[a]/m.toml" in done.stdout


def test_what_is_amiss_is_said_below(tmp_path: Path) -> None:
    with answering(tmp_path / "c", STATUS):
        done = CliRunner().invoke(main, ["status", "--socket", str(tmp_path / "c")], env={"COLUMNS": "100"})

    assert "  ews: not served by EXCH2" in done.output
    assert "  owa: switched off" in done.output
    assert "mapi: " not in done.output
    assert "CERT drift since 2026-11-01: listener mail renewed, EXCH2 not" in done.output


def test_a_log_that_cannot_be_written_is_said_and_one_that_can_is_not(tmp_path: Path) -> None:
    log = {"directory": "/var/log/x", "written": 9, "waiting": 7, "lost": 2, "trouble": "[Errno 28] No space left on device"}
    well = {**log, "lost": 0, "trouble": None}
    with answering(tmp_path / "c", {**STATUS, "log": log}, {**STATUS, "log": well}):
        ill, fine = (CliRunner().invoke(main, ["status", "--socket", str(tmp_path / "c")]).output for _ in range(2))

    assert "log in /var/log/x: 7 lines wait, 2 are lost; it cannot be written: [Errno 28] No space left" in ill
    assert "?" not in ill
    assert "log in" not in fine
