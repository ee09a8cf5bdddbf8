"""From when to when."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from support.logrows import START, line, write_log

from mapiproxy.commands.logfiles import STDIN
from mapiproxy.commands.windows import Span, WindowCommand, span_of, windowed

MINUTE = 60_000
NOW = START + 100 * MINUTE


@click.command(cls=WindowCommand)
@click.argument("user")
@click.argument("paths", nargs=-1)
@windowed
def tried(user: str, paths: tuple[str, ...], since: str | None, until: str | None, at_end: bool) -> None:
    click.echo(f"{user} {list(paths)} {since} {until} {at_end}")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["alice", "-5m"], "alice [] -5m None False"),
        (["-5m", "alice", "x"], "alice ['x'] -5m None False"),
        (["alice", "--since", "5m"], "alice [] 5m None False"),
        (["alice", "--since", "-5m", "--until", "-1m"], "alice [] -5m -1m False"),
        (["alice", "-1h30m", "--at-end"], "alice [] -1h30m None True"),
        (["--", "-5m", "-x"], "-5m ['-x'] None None False"),
        (["alice", "--since=2026-11-27T14:00"], "alice [] 2026-11-27T14:00 None False"),
    ],
)
def test_five_minutes_are_no_option(arguments: list[str], said: str) -> None:
    assert CliRunner().invoke(tried, arguments).output.strip() == said


def test_what_is_neither_is_an_error() -> None:
    done = CliRunner().invoke(tried, ["alice", "-5q"])
    assert (done.exit_code, "No such option" in done.output) == (2, True)


def log(tmp_path: Path, *minutes: float) -> list[Path]:
    return [write_log(tmp_path / "a.LOG", [line(at=int(each * MINUTE)) for each in minutes])]


def test_of_a_log_that_goes_on_it_is_counted_from_now(tmp_path: Path) -> None:
    span = span_of("5m", None, False, log(tmp_path, 0, 99), NOW)

    assert span == Span(NOW - 5 * MINUTE, None, "2024-01-24 17:01:40 to now")


def test_of_a_log_that_has_ended_from_its_last_record_and_that_is_said(tmp_path: Path) -> None:
    span = span_of("-5m", None, False, log(tmp_path, 0, 10), NOW)

    assert (span.since, span.until) == (START + 5 * MINUTE, START + 10 * MINUTE)
    assert span.words == (
        "2024-01-24 15:31:40 to 2024-01-24 15:36:40 UTC (counted from the last record, 1h30m ago)"
    )


def test_a_quiet_log_is_no_ended_one(tmp_path: Path) -> None:
    assert span_of("5m", None, False, log(tmp_path, 90), NOW).since == NOW - 5 * MINUTE


def test_a_window_that_reaches_back_into_the_log_is_counted_from_now(tmp_path: Path) -> None:
    assert span_of("2h", None, False, log(tmp_path, 10), NOW).since == NOW - 120 * MINUTE


def test_the_end_can_be_asked_for(tmp_path: Path) -> None:
    span = span_of("5m", "1m", True, log(tmp_path, 99), NOW)
    assert (span.since, span.until) == (START + 94 * MINUTE, START + 98 * MINUTE)
    with pytest.raises(click.ClickException, match="no record"):
        span_of("5m", None, True, log(tmp_path), NOW)


def test_without_anything_it_is_the_whole_log_or_what_is_usual(tmp_path: Path) -> None:
    assert span_of(None, None, False, log(tmp_path, 99), NOW) == Span(None, None, "the whole log")
    assert span_of(None, None, False, log(tmp_path, 99), NOW, "15m").since == NOW - 15 * MINUTE
    span = span_of(None, None, False, log(tmp_path, 10), NOW, "15m")
    assert span == Span(None, None, "the whole log, which ended 2024-01-24 15:36:40 UTC, 1h30m ago")


def test_of_what_comes_through_a_pipe_all_is_meant() -> None:
    assert span_of(None, None, False, [STDIN], NOW, "15m") == Span(None, None, "the whole log")


def test_moments_are_utc_whatever_the_log_does(tmp_path: Path) -> None:
    span = span_of("2024-01-24T15:00", "2024-01-24T16:00", False, log(tmp_path, 10), NOW)
    assert span.as_plain() == {
        "since": "2024-01-24 15:00:00",
        "until": "2024-01-24 16:00:00",
        "words": "2024-01-24 15:00:00 to 2024-01-24 16:00:00 UTC",
    }


@pytest.mark.parametrize(
    ("since", "until", "text"),
    [("yesterday", None, "is no time"), (None, "x", "is no time"), ("1m", "5m", "begins after it ends")],
)
def test_what_means_nothing_is_refused(tmp_path: Path, since: str | None, until: str | None, text: str) -> None:
    with pytest.raises(click.BadParameter, match=text):
        span_of(since, until, False, log(tmp_path, 99), NOW)
