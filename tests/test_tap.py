"""``twistd mapiproxy``: its options, and what it does with a file that cannot be run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.settings_files import PLAIN, write_config
from twisted.python.usage import UsageError

from mapiproxy.tap import Options, makeService

ROOT = Path(__file__).resolve().parent.parent


def twist(*arguments: str) -> subprocess.CompletedProcess[str]:
    """``python -m twisted``, as from a checkout."""
    return subprocess.run(
        [sys.executable, "-m", "twisted", *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip


def test_the_file_must_be_named() -> None:
    with pytest.raises(UsageError, match="--config"):
        Options().parseOptions([])


def test_the_file_can_be_named_shortly() -> None:
    options = Options()
    options.parseOptions(["-c", "x.toml"])
    assert options["config"] == "x.toml"


def test_a_broken_file_is_a_list_of_problems_and_exit_code_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = Options()
    path = write_config(tmp_path, PLAIN.replace("bind", "bnid"))
    options.parseOptions(["--config", str(path)])
    with pytest.raises(SystemExit) as caught:
        makeService(options)
    assert caught.value.code == 1
    problem = f'{path}:2: listener.mail.bnid: unknown key; did you mean "bind"?\n'
    assert capsys.readouterr().err == problem


def test_from_a_checkout_the_plugin_is_found_and_says_the_same(tmp_path: Path) -> None:
    path = write_config(tmp_path, "x = 1")
    done = twist("mapiproxy", "--config", str(path))
    assert done.returncode == 1
    assert f"{path}:1: x: unknown key" in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
