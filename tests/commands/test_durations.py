"""Durations on the command line."""

from __future__ import annotations

import click
import pytest

from mapiproxy.commands.durations import Duration


def test_written_as_in_the_configuration_file() -> None:
    assert Duration().convert("1h30m", None, None) == 5400.0
    assert Duration().convert(2.5, None, None) == 2.5


@pytest.mark.parametrize(("text", "said"), [("30", "needs a unit"), ("soon", "is not a duration"), ("0s", "more than zero")])
def test_a_mistake_is_told_as_there(text: str, said: str) -> None:
    with pytest.raises(click.BadParameter, match=said):
        Duration().convert(text, None, None)
