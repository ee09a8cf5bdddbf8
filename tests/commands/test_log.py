"""The group: its commands, their help, and the alias at the top."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from mapiproxy.commands import main
from mapiproxy.commands.log import COMMANDS


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_has_help(name: str) -> None:
    done = CliRunner().invoke(main, ["log", name, "--help"])
    assert (done.exit_code, done.output.startswith(f"Usage: main log {name}")) == (0, True)


def test_the_group_names_them_all() -> None:
    done = CliRunner().invoke(main, ["log", "--help"])
    assert all(text in done.output for _, text in COMMANDS.values())
    assert "such command" in CliRunner().invoke(main, ["log", "nothing"]).output


def test_why_is_at_the_top_as_well() -> None:
    assert CliRunner().invoke(main, ["why", "--help"]).output.startswith("Usage: main why [OPTIONS] USER [PATH]...")
