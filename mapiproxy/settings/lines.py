"""On which line does each key of a TOML document stand?

``tomllib`` reads the values but keeps no places, so this walks the same text and notes them. It
relies on ``tomllib`` having accepted the document first: it finds keys, it judges nothing and
reads no values. Must not know what the keys mean.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Callable

from attrs import Factory, define, field

from mapiproxy.settings.problems import KeyPath

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_KEY_PART = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""")
# Up to two quotes may stand directly before the closing three ("""a"""""), hence the lookahead.
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"""(?!")'
    r"|'''.*?'''(?!')"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}#\r\n]+")


def find_lines(text: str) -> dict[KeyPath, int]:
    """Path → line (from 1) of every table, key and array element of a valid document.

    A key's line is where its name stands; a table's, its header; an element's, its value. What is
    only implied (``a`` in ``[a.b]``) has the line that implies it.
    """
    walk = _Walk(text)
    walk.document()
    return walk.lines


@define
class _Walk:
    text: str
    at: int = 0
    lines: dict[KeyPath, int] = Factory(dict)
    # Elements so far of each array of tables: [[a]] and then [a.b] mean the newest a.
    counts: dict[KeyPath, int] = Factory(dict)
    newlines: list[int] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.newlines = [match.start() for match in re.finditer("\n", self.text)]

    def document(self) -> None:
        table: KeyPath = ()
        while True:
            self.skip(_BLANK)
            if self.at >= len(self.text):
                return
            if self.text.startswith("[[", self.at):
                table = self.header(2)
            elif self.text[self.at] == "[":
                table = self.header(1)
            else:
                self.pair(table)

    def header(self, brackets: int) -> KeyPath:
        start = self.at
        self.at += brackets
        names = self.key()
        self.at += brackets
        path: KeyPath = ()
        for name in names[:-1]:
            path = (*path, name)
            self.note(path, start)
            if path in self.counts:
                path = (*path, self.counts[path] - 1)
        path = (*path, names[-1])
        if brackets == 2:
            self.note(path, start)
            self.counts[path] = self.counts.get(path, 0) + 1
            path = (*path, self.counts[path] - 1)
        # A table that an earlier header implied has its own line now.
        self.lines[path] = self.line(start)
        return path

    def pair(self, table: KeyPath) -> None:
        start, path = self.at, table
        for name in self.key():
            path = (*path, name)
            self.note(path, start)
        self.at += 1  # the equals sign
        self.skip(_SPACE)
        self.value(path)

    def key(self) -> list[str]:
        names = []
        while True:
            self.skip(_SPACE)
            names.append(_plain(self.skip(_KEY_PART)))
            self.skip(_SPACE)
            if not self.text.startswith(".", self.at):
                return names
            self.at += 1

    def value(self, path: KeyPath) -> None:
        first = self.text[self.at]
        if first == "[":
            count = 0

            def element() -> None:
                nonlocal count
                self.note((*path, count), self.at)
                self.value((*path, count))
                count += 1

            self.enclosed("]", element)
        elif first == "{":
            self.enclosed("}", lambda: self.pair(path))
        else:
            self.skip(_STRING if first in "\"'" else _SCALAR)

    def enclosed(self, end: str, item: Callable[[], None]) -> None:
        """The items between brackets, whatever blanks, comments and commas stand around them."""
        self.at += 1
        while True:
            self.skip(_BLANK)
            if self.text[self.at] == end:
                self.at += 1
                return
            if self.text[self.at] == ",":
                self.at += 1
            else:
                item()

    def skip(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        if match is None:
            raise ValueError(f"line {self.line(self.at)}: the document is not valid TOML")
        self.at = match.end()
        return match.group()

    def note(self, path: KeyPath, at: int) -> None:
        self.lines.setdefault(path, self.line(at))

    def line(self, at: int) -> int:
        return bisect_right(self.newlines, at - 1) + 1


def _plain(name: str) -> str:
    if name[0] == "'":
        return name[1:-1]
    return str(tomllib.loads(f"name = {name}")["name"]) if name[0] == '"' else name
