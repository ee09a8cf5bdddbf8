"""Problems say where they are, all of them, in order."""

from __future__ import annotations

from pathlib import Path

import pytest

from mapiproxy.settings.problems import (
    Problem,
    Problems,
    SettingsError,
    Severity,
    meant,
    nearest,
    show_key,
)

FILE = Path("mail.toml")


def test_a_problem_reads_file_line_key_text() -> None:
    problem = Problem(FILE, 3, "log.flush", "is wrong")
    assert str(problem) == "mail.toml:3: log.flush: is wrong"
    assert str(Problem(FILE, 3, "", "bad")) == "mail.toml:3: bad"


def test_a_warning_says_that_it_is_one() -> None:
    warning = Problem(FILE, 3, "log", "is odd", Severity.WARNING)
    assert str(warning) == "mail.toml:3: warning: log: is odd"


def test_problems_are_sorted_by_line() -> None:
    problems = Problems(FILE, {("a",): 9, ("b",): 2})
    problems.error(("a",), "one")
    problems.error(("b",), "two")
    assert [each.line for each in problems.in_order()] == [2, 9]


def test_what_is_not_written_has_the_line_of_what_surrounds_it() -> None:
    problems = Problems(FILE, {("a", "b"): 7})
    assert problems.line(("a", "b", "c", 0, "d")) == 7
    assert problems.line(("x",)) == 1


def test_nothing_is_called_missing_that_was_refused_before() -> None:
    problems = Problems(FILE)
    problems.quiet.add(("listener", "mail", "bind"))
    problems.missing(("listener", "mail", "bind"), "missing")
    assert problems.found == []
    problems.missing(("listener", "mail", "key"), "missing")
    assert len(problems.found) == 1


def test_warnings_alone_are_no_errors() -> None:
    problems = Problems(FILE)
    problems.warning((), "odd")
    assert not problems.any_errors()
    problems.error((), "bad")
    assert problems.any_errors()


def test_the_error_carries_the_problems_and_shows_them() -> None:
    error = SettingsError([Problem(FILE, 1, "a", "x"), Problem(FILE, 2, "b", "y")])
    assert len(error.problems) == 2
    assert str(error) == "mail.toml:1: a: x\nmail.toml:2: b: y"


def test_keys_are_shown_as_one_would_write_them() -> None:
    path = ("listener", "my mail", "sni", 0, "key")
    assert show_key(path) == 'listener."my mail".sni[0].key'


@pytest.mark.parametrize(
    ("word", "expected"),
    [("certifcate", "certificate"), ("cert", "certificate"), ("BIND", "bind"),
     ("roll-size", "roll_size"), ("zebra", None)],
)  # fmt: skip
def test_the_nearest_word(word: str, expected: str | None) -> None:
    known = ["bind", "certificate", "key", "roll_size"]
    assert nearest(word, known) == expected


def test_a_suggestion_is_silent_when_nothing_is_near() -> None:
    assert meant("zebra", ["bind"]) == ""
    assert meant("bnid", ["bind"]) == '; did you mean "bind"?'
