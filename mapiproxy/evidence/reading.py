"""The rows of one file, from its bytes: whatever layout, line ends or damage it has.

Streams: no more than a piece of the file and one line is held. What cannot be read is counted and named,
and never stops the reading. Does not open files.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator

from attrs import define, field, frozen

from mapiproxy.evidence.layout import BadHeader, Layout, guess, layout_of, read_header
from mapiproxy.evidence.moments import parse_stamp, stamp
from mapiproxy.evidence.row import Row, decode

#: A line that is longer is no row of such a log: ours are a few kilobytes at most.
LONGEST_LINE = 1 << 20
#: So many broken rows are named; the others are only counted.
NAMED = 20
_FIRST = frozenset(b"%d" % digit for digit in range(10))


@define
class Troubles:
    """What was wrong with what was read.

    :ivar broken: rows that could not be read; ``named``: the first of them, as ``FILE:LINE: why``.
    :ivar half: last lines without an end, which somebody is still writing.
    :ivar guessed: files without a header, whose columns were told by their number.
    """

    rows: int = 0
    broken: int = 0
    named: list[str] = field(factory=list)
    half: int = 0
    guessed: int = 0

    def add(self, where: str, line: int, why: str) -> None:
        self.broken += 1
        if len(self.named) < NAMED:
            self.named.append(f"{where}:{line}: {why}")


@frozen
class Window:
    """From when to when, in milliseconds since 1970, both included; ``None``: open.

    :ivar needle: lower-case bytes: rows before the window that contain them are handed out as well.
    """

    since: int | None = None
    until: int | None = None
    needle: bytes | None = None


ALL = Window()


def lines_of(chunks: Iterable[bytes]) -> Iterator[tuple[list[bytes], bool]]:
    """Lines without their ends, some at a time, and whether they had one. Of overlong ones a piece comes."""
    rest = b""
    skipping = False
    for chunk in chunks:
        lines = (rest + chunk).split(b"\n") if rest else chunk.split(b"\n")
        rest = lines.pop()
        if skipping and lines:
            skipping = False
            del lines[0]
        yield lines, True
        if len(rest) > LONGEST_LINE:
            if not skipping:
                yield [rest[: LONGEST_LINE + 1]], True
            rest, skipping = b"", True
    if rest and not skipping:
        yield [rest], False


class FileReader:
    """Reads one file, once or as it grows."""

    def __init__(self, source: str, troubles: Troubles, window: Window = ALL) -> None:
        """:param source: what the file is called in complaints."""
        self._source = source
        self._troubles = troubles
        self._layout: Layout | None = None
        self._guessed = False
        self._foreign = False
        self._line = 0
        self._since_text = b"" if window.since is None else stamp(window.since).encode()
        self._until_text = b"\xff" if window.until is None else stamp(window.until).encode()
        self._window = window

    def rows(self, chunks: Iterable[bytes]) -> Iterator[Row]:
        """All rows; may be called again with what the file has gained."""
        # The hot path of every command: names that are looked up for each row are local.
        since, until, needle = self._since_text, self._until_text, self._window.needle
        troubles = self._troubles
        for lines, whole in lines_of(chunks):
            for line in lines:
                self._line += 1
                layout = self._layout
                plain = line[:1] in _FIRST
                if not plain and (layout is None or line[:1] != b'"' or line[1:2] == b"D"):
                    self._headline(line)
                    continue
                dated = plain and layout is not None and layout.time_first
                if dated:
                    # Such dates are in the order of their bytes: most lines need not be cut at all.
                    when = line[:24]
                    if when > until or (when < since and (needle is None or needle not in line.lower())):
                        continue
                values = line.split(b",")
                if not plain or layout is None or len(values) != layout.width:
                    if not whole:
                        troubles.half += 1
                        continue
                    layout = self._layout_for(values)
                    if layout is None or not plain or len(values) != layout.width:
                        quoted = self._unquoted(line, layout)
                        if layout is None or quoted is None:
                            self._complain(values, layout)
                            continue
                        values = quoted
                if values[-1][-1:] == b"\r":
                    values[-1] = values[-1][:-1]
                if layout.spare:
                    values += layout.spare
                picked = layout.pick(values)
                at = parse_stamp(picked[0])
                if at is None:
                    troubles.add(self._source, self._line, f"{decode(picked[0][:40])!r} is no DateTime")
                    continue
                if not dated and not self._is_within(at, line):
                    continue
                troubles.rows += 1
                yield Row(at, picked)

    def _is_within(self, at: int, line: bytes) -> bool:
        window = self._window
        if window.until is not None and at > window.until:
            return False
        if window.since is None or at >= window.since:
            return True
        return window.needle is not None and window.needle in line.lower()

    def _headline(self, line: bytes) -> None:
        """A line that is no row: a header, a comment, nothing, or rubbish."""
        names = read_header(line)
        if names is not None:
            try:
                self._layout, self._guessed = layout_of(names), False
            except BadHeader as error:
                self._troubles.add(self._source, self._line, str(error))
        elif line.strip() and not line.lstrip(b"\xef\xbb\xbf").startswith(b"#"):
            if self._line == 1 and line[:2] in (b"\xff\xfe", b"\xfe\xff"):
                self._foreign = True
                self._troubles.add(self._source, 1, "is UTF-16, as PowerShell writes it; save it as UTF-8")
            elif not self._foreign:
                length = "too long" if len(line) > LONGEST_LINE else "neither a row nor a header"
                self._troubles.add(self._source, self._line, length)

    def _layout_for(self, values: list[bytes]) -> Layout | None:
        """The layout of the file; where it has said nothing, one that has as many columns as the row."""
        if self._layout is None or self._guessed:
            layout = guess(len(values))
            if layout is not None:
                self._troubles.guessed += not self._guessed
                self._layout, self._guessed = layout, True
        return self._layout

    def _unquoted(self, line: bytes, layout: Layout | None) -> list[bytes] | None:
        """Exchange quotes nothing; somebody who has worked on its files may have."""
        if layout is None or b'"' not in line:
            return None
        try:
            (values,) = csv.reader([line.rstrip(b"\r").decode("latin-1")])
        except (csv.Error, ValueError):
            return None
        return [value.encode("latin-1") for value in values] if len(values) == layout.width else None

    def _complain(self, values: list[bytes], layout: Layout | None) -> None:
        if layout is None:
            why = f"no header so far, and {len(values)} values fit no layout that is known"
        else:
            why = f"{len(values)} values, the header names {layout.width}"
        self._troubles.add(self._source, self._line, why)
