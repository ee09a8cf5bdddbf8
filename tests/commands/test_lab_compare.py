"""``mapiproxy lab compare`` as a command; what it plays is in tests/scenario/test_comparing.py."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from mapiproxy.commands import main
from mapiproxy.commands.lab_compare import _columns


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name scenarios, or give --all"),
        (["backend-crash", "--all"], "name scenarios, or give --all"),
        (["no-such-scenario"], 'there is no scenario "no-such-scenario"'),
        (["backend-crash", "--with", "kemp"], "kemp"),
        (["backend-crash", "--speed", "1000"], "--speed"),
    ],
)
def test_what_cannot_be_meant_is_told(arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(main, ["lab", "compare", *arguments])
    assert result.exit_code == 2
    assert said in result.output


def test_columns_are_as_wide_as_they_have_to_be() -> None:
    lines = _columns([["scenario", "ours", "theirs"], ["a", "as expected", "contexts_lost: 3 (expected 0)"]])
    assert lines == [
        "scenario  ours         theirs",
        "a         as expected  contexts_lost: 3 (expected 0)",
    ]
