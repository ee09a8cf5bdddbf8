"""The phases of a body without any HTTP around it; test_observer.py has it with."""

from __future__ import annotations

import pytest

from mapiproxy.lab.network.preamble import Preamble


def phases(payload: bytes, mapi: bool = True) -> list[tuple[str, int, bytes]]:
    preamble = Preamble(mapi)
    out: list[tuple[str, int, bytes]] = []
    for mark in [*preamble.payload(payload, chunked=False), *preamble.end()]:
        if out and out[-1][:2] == (mark.phase, mark.number):
            out[-1] = (*out[-1][:2], out[-1][2] + mark.data)
        else:
            out.append((mark.phase, mark.number, mark.data))
    return out


def test_a_preamble_with_a_length() -> None:
    assert phases(b"PROCESSING\r\nPENDING\r\nDONE\r\nX-A: 1\r\n\r\nbinary") == [
        ("before_answer", 0, b"PROCESSING\r\n"),
        ("after_processing", 0, b""),
        ("pending", 1, b"PENDING\r\n"),
        ("before_done", 1, b"DONE\r\nX-A: 1\r\n\r\n"),
        ("in_binary", 1, b"binary"),
    ]


def test_words_in_any_case_and_without_line_ends() -> None:
    assert [phase for phase, _, _ in phases(b"processingPendingPENDINGdone\r\n\r\n")] == [
        "before_answer", "after_processing", "pending", "pending", "before_done", "in_binary",
    ]  # fmt: skip


@pytest.mark.parametrize("payload", [b"<html>", b"PROC", b"PROCESSING\r\n<html>", b""])
def test_what_is_no_preamble_is_given_out_whole(payload: bytes) -> None:
    assert b"".join(data for _, _, data in phases(payload)) == payload


def test_another_type_has_no_phases() -> None:
    assert phases(b"PROCESSING\r\nDONE\r\n\r\n", mapi=False) == [("", 0, b"PROCESSING\r\nDONE\r\n\r\n")]
