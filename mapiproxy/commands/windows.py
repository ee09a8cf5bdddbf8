"""From when to when? ``-5m``, ``--since``, ``--until`` and ``--at-end`` as moments, and in words.

``-5m`` looks like an option and is none, so commands that take it are of a class of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
from attrs import frozen

from mapiproxy.commands.logfiles import STDIN, NoLog, last_moment
from mapiproxy.evidence.moments import parse_iso, parse_length, show_moment, show_ms

#: A log whose last row is older than this has ended.
ENDED_MS = 15 * 60_000


class WindowCommand(click.Command):
    """A command in which ``-5m`` means ``--since 5m``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the option's name before a length of time, unless it has one already."""
        found: list[str] = []
        for place, text in enumerate(args):
            if text == "--":
                found += args[place:]
                break
            named = bool(found) and found[-1] in ("--since", "--until")
            if text.startswith("-") and not named and parse_length(text) is not None:
                found.append("--since")
            found.append(text)
        return super().parse_args(ctx, found)


@frozen
class Span:
    """Milliseconds since 1970, or ``None`` for open, and what is to be said about it."""

    since: int | None
    until: int | None
    words: str

    def as_plain(self) -> dict[str, str | None]:
        """For JSON."""
        return {
            "since": None if self.since is None else show_moment(self.since),
            "until": None if self.until is None else show_moment(self.until),
            "words": self.words,
        }


def windowed(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every command that looks at a window."""
    for option in (
        click.option("--at-end", is_flag=True, help="Times are before the last record, not before now."),
        click.option("--until", metavar="WHEN", help="Until then: 5m (ago), or 2026-11-27T14:00 (UTC)."),
        click.option("--since", metavar="WHEN", help="Since then, likewise; -5m is short for --since 5m."),
    ):
        command = option(command)
    return command


def span_of(
    since: str | None,
    until: str | None,
    at_end: bool,
    files: Sequence[Path],
    now: int,
    default: str | None = None,
) -> Span:
    """What the options mean.

    :param default: a length of time, for a log that goes on and is asked for without ``--since``.
    :raise click.BadParameter: they mean nothing.
    """
    last = last_moment(files) if at_end or STDIN not in files else None
    ended = last is not None and last < now - ENDED_MS
    if since is None and until is None and last is not None and not ended and not at_end:
        since = default
    if since is None and until is None:
        words = "the whole log"
        if last is not None and ended:
            words += f", which ended {show_moment(last)} UTC, {show_ms(now - last)} ago"
        return Span(None, None, words)
    lengths = [parse_length(text) for text in (since, until) if text is not None]
    base, words = now, ""
    if at_end or (ended and last is not None and any(length and now - length > last for length in lengths)):
        if last is None:
            raise NoLog("there is no record, so there is no end to count from")
        base, words = last, f"the last record, {show_ms(max(0, now - last))} ago"
    begin, end = _moment("--since", since, base), _moment("--until", until, base)
    if begin is not None and end is not None and begin > end:
        raise click.BadParameter("it begins after it ends", param_hint="--since")
    if end is None and any(lengths):
        end = base if base != now else None
    to = f"{show_moment(end)} UTC" if end is not None else "now"
    since_words = show_moment(begin) if begin is not None else "the beginning"
    counted = f" (counted from {words})" if base != now else ""
    return Span(begin, end, f"{since_words} to {to}{counted}")


def _moment(name: str, text: str | None, base: int) -> int | None:
    if text is None:
        return None
    length = parse_length(text)
    if length is not None:
        return base - length
    try:
        return parse_iso(text)
    except ValueError as error:
        raise click.BadParameter(f"{error}, or 5m for five minutes ago", param_hint=name) from None
