"""The console script itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner
from support.logrows import line, write_log

import mapiproxy
from mapiproxy.commands import COMMANDS, main


def test_version() -> None:
    result = CliRunner().invoke(main, ["--version"])
    assert result.output == f"mapiproxy {mapiproxy.__version__}\n"


def test_help_names_every_command_and_imports_none() -> None:
    script = (
        "import sys; from mapiproxy.commands import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print([m for m in sys.modules if m.startswith(('mapiproxy.', 'twisted'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "--help"], capture_output=True, text=True, check=True
    )
    *help_text, modules = done.stdout.splitlines()
    assert modules == "['mapiproxy.commands']"
    for name in COMMANDS:
        assert any(line.split()[:1] == [name] for line in help_text)


def test_an_unknown_command_is_wrong_use() -> None:
    result = CliRunner().invoke(main, ["chekc"])
    assert result.exit_code == 2
    assert "No such command" in result.stderr


def test_a_terminal_without_the_letters_of_a_name_shows_the_rest(tmp_path: Path) -> None:
    path = write_log(tmp_path / "a.LOG", [line(user="CORP\\jörg") for _ in range(9)])
    command = [sys.executable, "-c", "from mapiproxy.commands import main; main()", "log", "tail", "-n1", str(path)]
    done = subprocess.run(command, env=os.environ | {"PYTHONIOENCODING": "ascii"}, capture_output=True, check=True)
    assert b"CORP\\j?rg" in done.stdout


def test_without_a_standard_output_there_is_still_an_exit_code(tmp_path: Path) -> None:
    path = write_log(tmp_path / "a.LOG", [line(user="CORP\\alice") for _ in range(9)])
    run = "from mapiproxy.commands import main; main()"
    command = ["sh", "-c", f"exec {sys.executable} -c '{run}' why alice {path} >&-"]
    done = subprocess.run(command, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_who_reads_only_the_first_line_gets_the_exit_code_all_the_same(tmp_path: Path) -> None:
    path = write_log(tmp_path / "a.LOG", [line(user="CORP\\alice", request_id=f"id-{n}") for n in range(9)])
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-c", "from mapiproxy.commands import main; main()", "why", "alice", str(path)]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")
