"""Faults before a production proxy: two keys, and neither alone does anything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.settings_files import PLAIN, write_config
from twisted.internet.testing import MemoryReactorClock

from mapiproxy.commands.examining import examine, settings_or_exit
from mapiproxy.commands.faulty import Faults
from mapiproxy.settings import load_settings

DEVICE = """
[[lab.device]]
listen = "127.0.0.1:8444"
device = "idle_firewall"
timeout = "60s"
rules = [{fault = "latency", delay = "200ms"}]
"""
ENABLED = "[lab]\nenabled = true\n" + DEVICE


def line_of(text: str, words: str) -> int:
    return text[: text.index(words)].count("\n") + 1


def test_enabled_without_the_option_is_refused_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_config(tmp_path, PLAIN + ENABLED)
    with pytest.raises(SystemExit):
        settings_or_exit(path)

    line = line_of(path.read_text(), "enabled = true")
    assert f"{path}:{line}: lab.enabled: faults of the laboratory are enabled" in capsys.readouterr().err


def test_the_option_without_enabled_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for more in ("", "[lab]\nenabled = false\n" + DEVICE):
        path = write_config(tmp_path, PLAIN + more)
        with pytest.raises(SystemExit):
            settings_or_exit(path, lab=True)
        assert "--lab was given, and there is no enabled = true" in capsys.readouterr().err


def test_both_keys_are_a_settings_like_any_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert settings_or_exit(write_config(tmp_path, PLAIN + ENABLED), lab=True).lab.enabled
    assert capsys.readouterr().err == ""


def test_check_warns(tmp_path: Path) -> None:
    (problem,) = examine(write_config(tmp_path, PLAIN + ENABLED)).problems

    assert "with --lab only" in str(problem)
    assert "warning" in str(problem)


def test_without_both_keys_nothing_of_the_laboratory_is_imported(tmp_path: Path) -> None:
    """Devices stand in the file, and the real service is made and started."""
    path = write_config(tmp_path, PLAIN + "[lab]\nenabled = false\n" + DEVICE)
    program = """
import sys
from twisted.internet import reactor
reactor.callWhenRunning(reactor.stop)
from mapiproxy.commands import main
try:
    main()
finally:
    print("LAB", sorted(name for name in sys.modules if name.startswith("mapiproxy.lab")))
"""
    done = subprocess.run(
        [sys.executable, "-c", program, "run", str(path)], capture_output=True, text=True, timeout=60
    )

    assert done.returncode == 0, done.stderr
    assert "listener" in done.stdout
    assert "LAB []" in done.stdout


def faults(tmp_path: Path, more: str) -> Faults:
    path = write_config(tmp_path, PLAIN + more)
    return Faults(load_settings(path), path, MemoryReactorClock())


def test_a_device_listens_before_the_listener(tmp_path: Path) -> None:
    path = write_config(tmp_path, PLAIN + ENABLED)
    settings, reactor = load_settings(path), MemoryReactorClock()
    made = Faults(settings, path, reactor)
    assert made.problems.found == []
    made.start()
    ((port, factory, _, interface),) = reactor.tcpServers
    factory.buildProtocol(None)

    assert (port, interface) == (8444, "127.0.0.1")


@pytest.mark.parametrize(
    ("more", "words", "text"),
    [
        ('device = "idle_firewal"\nlisten = "127.0.0.1:1"', "device = ", "did you mean idle_firewall"),
        ('listen = "127.0.0.1:1"\nlistener = "nobody"', "listener = ", "name one of: "),
        ('device = "wire"', "[[lab.device]]", "missing; write listen"),
        ('listen = "127.0.0.1:1"\nrules = [{fault = "latency"}]', "[[lab.device]]", "delay is needed"),
    ],
)
def test_a_device_that_cannot_be_made_is_told_with_its_line(
    tmp_path: Path, more: str, words: str, text: str
) -> None:
    (problem,) = faults(tmp_path, f"[lab]\nenabled = true\n[[lab.device]]\n{more}\n").problems.found

    assert text in str(problem)
    assert problem.line == line_of((problem.file).read_text(), words)
