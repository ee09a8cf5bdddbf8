"""Which sections of an haproxy.cfg does a request for /mapi/emsmdb/ go through?

Conditions are judged by their path ACLs alone; what depends on host names or addresses may be true.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from attrs import define, frozen

from mapiproxy.lint.haproxy import HaproxyFile, Line, Section, anonymous_of, terms_of

PATH = "/mapi/emsmdb/"
#: How a path may be compared; ``path_len`` and the like say nothing that we could judge.
_WAYS = ("beg", "dir", "end", "reg", "str", "sub")
#: Flags of an ACL that take a word.
_WITH_WORD = ("-m", "-f", "-M", "-n", "-u")
#: ``None``: it depends on what a path does not tell.
Truth = bool | None


@frozen
class PathTest:
    """One ACL on paths.

    :ivar criterion: ``path_beg``, ``url_sub``...; of ``path -m beg`` it is ``path_beg``.
    """

    line: Line
    criterion: str
    flags: tuple[str, ...]
    values: tuple[str, ...]

    @property
    def any_case(self) -> bool:
        """Whether it does not care about case."""
        inside = self.criterion.endswith("_reg") and all("(?i)" in value for value in self.values)
        return "-i" in self.flags or inside

    @property
    def on_path(self) -> bool:
        """Whether it sees the path alone, without what follows a question mark."""
        return self.criterion.startswith("path")

    def holds(self, path: str) -> Truth:
        """Whether it is true of this path; in what case it is written is another question."""
        if "-f" in self.flags:  # values in a file that we have not got
            return None
        way = self.criterion.rpartition("_")[2]
        found = [_compare(way, path.lower(), value.lower()) for value in self.values]
        return True if True in found else None if None in found else False


def _compare(way: str, path: str, value: str) -> Truth:
    match way:
        case "beg":
            return path.startswith(value)
        case "end":
            return path.endswith(value)
        case "sub":
            return value in path
        case "dir":
            return f"/{value.strip('/')}/" in path
        case "reg":
            try:
                return re.search(value, path, re.IGNORECASE) is not None
            except re.error:  # PCRE knows more than we do
                return None
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
    """``path_beg -i /mapi /ews``; ``None`` for what is not about paths, or too much for us (``base``)."""
    if not words:
        return None
    criterion, *converters = words[0].split(",")
    fetch, _, way = criterion.partition("_")
    if fetch not in ("path", "url") or not {"lower"}.issuperset(converters):
        return None
    flags = ["-i"] if converters else []
    rest = list(words[1:])
    while rest and rest[0].startswith("-"):
        flag = rest.pop(0)
        flags.append(flag)
        if flag in _WITH_WORD and rest:
            word = rest.pop(0)
            way = word if flag == "-m" else way
        if flag == "--":
            break
    way = way or "str"
    return PathTest(line, f"{fetch}_{way}", tuple(flags), tuple(rest)) if way in _WAYS else None


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


def concerns(section: Section, line: Line) -> bool:
    """Whether a line may apply to a request for MAPI, by the paths in its condition."""
    return _judge(section, line)[0] is not False


def _judge(section: Section, line: Line) -> tuple[Truth, bool]:
    """Whether the condition of a line is true for MAPI, and whether it names the path of MAPI."""
    words = line.words
    start = next((place for place, word in enumerate(words) if word in ("if", "unless")), None)
    if start is None:
        return True, False
    known: dict[str, list[Truth]] = {"TRUE": [True], "FALSE": [False]}
    for acl in section.all("acl"):
        if acl.number < line.number and len(acl.words) > 2:
            known.setdefault(acl.words[1], []).append(_truth(acl.words[2:], acl))
    named = False
    ways: list[list[Truth]] = [[]]
    for word, inner in terms_of(words[start + 1 :]):
        if word in ("or", "||"):
            ways.append([])
            continue
        name = word.lstrip("!")
        truth = _truth(inner, line) if name == "{" else _any(known.get(name, [None]))
        turned = (len(word) - len(name)) % 2 == 1
        named = named or (truth is True and not turned)
        ways[-1].append(truth if not turned or truth is None else not truth)
    whole = _any([_all(each) for each in ways])
    if words[start] == "unless":
        return (None if whole is None else not whole), False
    return whole, named


def _truth(words: tuple[str, ...], line: Line) -> Truth:
    test = read_path_test(words, line)
    return None if test is None else test.holds(PATH)


def _any(truths: list[Truth]) -> Truth:
    return True if True in truths else None if None in truths else False


def _all(truths: list[Truth]) -> Truth:
    return False if False in truths else None if None in truths else True


def _backs_of(file: HaproxyFile, front: Section) -> list[Section]:
    """Whom its rules may choose, in their order: those that name MAPI's path, else whoever is left."""
    sure: list[str] = []
    perhaps: list[str] = []
    for line in front.all("use_backend"):
        truth, named = _judge(front, line)
        if len(line.words) < 2 or truth is False:
            continue
        name = line.words[1]
        # %[...map(...)]: nobody knows which, so it may be any.
        names = [each.name for each in file.of("backend")] if "%[" in name else [name]
        (sure if named else perhaps).extend(names)
        if truth is True:
            break
    else:
        default = front.last("default_backend")
        if default is not None and len(default.words) > 1:
            perhaps.append(default.words[1])
    found = [file.named(name) for name in dict.fromkeys(sure or perhaps)]
    return [section for section in found if section is not None]
