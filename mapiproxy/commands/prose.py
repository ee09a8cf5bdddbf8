"""Sentences on a terminal: broken between words, the rest of a sentence further in. Whole in a pipe.

What is said may be somebody else's text, so nothing of it is obeyed.
"""

from __future__ import annotations

from textwrap import wrap

from rich.console import Console
from rich.text import Text

from mapiproxy.commands.asking import plain


def say(out: Console, text: str, style: str = "", indent: int = 0) -> None:
    """Print a sentence; in lines of the console's width, all but the first two columns further in."""
    for line in prose(text, out.width, style, indent):
        out.print(line, soft_wrap=True)


def prose(text: str, width: int, style: str = "", indent: int = 0) -> list[Text]:
    """A sentence as lines. A word that is longer than a line stays whole, so that it can be copied."""
    first = " " * indent
    lines = wrap(
        plain(text).plain,
        max(width, indent + 20),
        initial_indent=first,
        subsequent_indent=first + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [Text(line, style) for line in lines or [""]]
