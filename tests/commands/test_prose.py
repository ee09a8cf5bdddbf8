"""Sentences on a terminal."""

from __future__ import annotations

import io

from rich.console import Console

from mapiproxy.commands.prose import prose, say

GUID = "3422ea93-768f-4cd4-8b0c-578038deb0b2"


def test_a_sentence_is_broken_between_words_and_goes_on_further_in() -> None:
    lines = [line.plain for line in prose("one two three four five six", 20, indent=2)]
    assert lines == ["  one two three four", "    five six"]


def test_an_id_stays_whole() -> None:
    assert [line.plain for line in prose(f"ids: {GUID}", 24)] == ["ids:", f"  {GUID}"]


def test_what_fits_is_one_line_and_nothing_is_an_empty_one() -> None:
    assert [line.plain for line in prose("all is well", 1000)] == ["all is well"]
    assert [line.plain for line in prose("", 80)] == [""]


def test_nothing_in_it_is_obeyed() -> None:
    out = Console(file=io.StringIO(), width=40)
    say(out, "[bold]a\x1b[2Jb\u202e", "red", 1)
    assert isinstance(out.file, io.StringIO)
    assert out.file.getvalue() == " [bold]a?[2Jb?\n"
