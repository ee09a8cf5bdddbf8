"""Lengths of time for people."""

from __future__ import annotations

import pytest

from mapiproxy.record.lengths import show_length


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(-1, "0s"), (0, "0.0s"), (0.44, "0.4s"), (42.4, "42s"), (252, "4m12s"), (25_500, "7h05m"), (273_600, "3d04h")],
)
def test_the_two_largest_units(seconds: float, shown: str) -> None:
    assert show_length(seconds) == shown
