"""Durations and sizes of others."""

from __future__ import annotations

import pytest

from mapiproxy.lint.words import find_bytes, find_seconds


@pytest.mark.parametrize(
    ("text", "bare", "seconds"),
    [("50s", 1e-3, 50.0), ("5000", 1e-3, 5.0), ("60", 1.0, 60.0), ("3h", 1.0, 10800.0), ("1h30m", 1.0, 5400.0),
     ("500ms", 1.0, 0.5), ("soon", 1.0, None), ("", 1.0, None), ("5x", 1.0, None)],
)  # fmt: skip
def test_durations(text: str, bare: float, seconds: float | None) -> None:
    assert find_seconds(text, bare) == (pytest.approx(seconds) if seconds is not None else None)


@pytest.mark.parametrize(
    ("text", "size"), [("0", 0), ("8k", 8192), ("1m", 1 << 20), ("2G", 2 << 30), ("16384", 16384), ("x", None)]
)
def test_sizes(text: str, size: int | None) -> None:
    assert find_bytes(text) == size
