"""The console script itself."""

from __future__ import annotations

import subprocess
import sys

from click.testing import CliRunner

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
