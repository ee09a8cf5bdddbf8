"""Heads, edited: only what is named changes."""

from __future__ import annotations

from mapiproxy.lab.network.faults.editing import edited, named

RAW = b"HTTP/1.1 200 OK\r\nA:  1 \r\nodd line\r\nB: 2\r\n\r\n"


def test_lines_that_do_not_change_keep_every_byte() -> None:
    assert edited(RAW, lambda name, value: (name, value)) == RAW


def test_lines_are_changed_and_left_out() -> None:
    assert edited(RAW, lambda name, value: None if name == b"A" else (name, b"3")) == (
        b"HTTP/1.1 200 OK\r\nodd line\r\nB: 3\r\n\r\n"
    )


def test_patterns() -> None:
    assert named(b"X-RequestId", ["x-req*"])
    assert not named(b"X-RequestId", ["X-Req"])
