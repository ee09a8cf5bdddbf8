"""Which sections of an haproxy.cfg does a request for /mapi/emsmdb/ go through?

Conditions are judged by their path ACLs alone; what depends on host names or addresses may be true.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from attrs import define, frozen

from mapiproxy.lint.haproxy import HaproxyFile, Line, Section, anonymous_of, conditions_of

PATH = "/mapi/emsmdb/"
_CRITERIA = ("path", "path_beg", "path_dir", "path_end", "path_reg", "path_str", "path_sub", "path_len")


@frozen
class PathTest:
    """One ACL on paths."""

    line: Line
    criterion: str
    flags: tuple[str, ...]
    values: tuple[str, ...]

    @property
    def any_case(self) -> bool:
        """Whether it does not care about case."""
        return "-i" in self.flags

    def matches(self, path: str) -> bool:
        """Whether it is true of this path."""
        if self.any_case:
            path = path.lower()
        return any(self._one(path, value.lower() if self.any_case else value) for value in self.values)

    def _one(self, path: str, value: str) -> bool:
        match self.criterion:
            case "path_beg":
                return path.startswith(value)
            case "path_end":
                return path.endswith(value)
            case "path_sub":
                return value in path
            case "path_dir":
                return f"/{value.strip('/')}/" in path
            case "path_reg":
                try:
                    return re.search(value, path) is not None
                except re.error:  # PCRE knows more than we do
                    return False
            case _:
                return path == value


@define
class Scope:
    """The sections that carry MAPI."""

    fronts: list[Section]
    backs: list[Section]

    @property
    def all(self) -> list[Section]:
        """Each once."""
        return [*dict.fromkeys((*self.fronts, *self.backs))]


def read_path_test(words: tuple[str, ...], line: Line) -> PathTest | None:
    """``path_beg -i /mapi /ews``; ``None`` for what is not about paths."""
    if not words:
        return None
    # base, url and converters (path,lower) are too much for us to judge.
    criterion, _, converters = words[0].partition(",")
    if criterion not in _CRITERIA:
        return None
    flags = ["-i"] if "lower" in converters.split(",") else []
    rest = list(words[1:])
    while rest and rest[0].startswith("-"):
        flag = rest.pop(0)
        flags.append(flag)
        if flag in ("-m", "-f", "-M", "-n", "-u") and rest:
            kind = rest.pop(0)
            if flag == "-m":
                criterion = f"path_{kind}"
        if flag == "--":
            break
    return PathTest(line, criterion, tuple(flags), tuple(rest))


def path_tests(section: Section) -> Iterator[tuple[str, PathTest]]:
    """Named ACLs of a section that are about paths, and (without a name) anonymous ones."""
    for line in section.lines:
        if line.starts("acl") and len(line.words) > 2:
            test = read_path_test(line.words[2:], line)
            if test is not None:
                yield line.words[1], test
        for words in anonymous_of(line.words):
            test = read_path_test(words, line)
            if test is not None:
                yield "", test


def find_scope(file: HaproxyFile) -> Scope:
    """The sections on the way of a request for MAPI."""
    scope = Scope([], [])
    for front in file.of("frontend", "listen"):
        if front.mode == "http" or any(front.all("bind")):
            backs = _backs_of(file, front)
            if front.kind == "listen" and any(front.all("server")):
                backs.append(front)
            if backs:
                scope.fronts.append(front)
                scope.backs += [each for each in backs if each not in scope.backs]
    return scope


def _backs_of(file: HaproxyFile, front: Section) -> list[Section]:
    named = [*path_tests(front)]
    sure: list[str] = []
    perhaps: list[str] = []
    for line in front.all("use_backend"):
        if len(line.words) < 2:
            continue
        names = set(conditions_of(line.words))
        tests = [test for name, test in named if name in names or (not name and test.line is line)]
        if any(test.matches(PATH) or test.matches(PATH.upper()) for test in tests):
            sure.append(line.words[1])
        elif not tests:
            perhaps.append(line.words[1])
    default = front.last("default_backend")
    if default is not None and len(default.words) > 1:
        perhaps.append(default.words[1])
    found = [file.named(name) for name in dict.fromkeys(sure or perhaps)]
    return [section for section in found if section is not None]
