"""Reads haproxy.cfg: sections, their lines as words, and what a proxy inherits from its ``defaults``.

As far as the rules need it; conditional blocks (``.if``) are read as if all of them applied.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attrs import define, field, frozen

from mapiproxy.lint.finding import CannotRead

PROXIES = ("frontend", "backend", "listen")
#: What a section begins with.
SECTIONS = {
    *PROXIES, "global", "defaults", "peers", "resolvers", "userlist", "cache", "mailers", "program", "ring",
    "fcgi-app", "http-errors", "log-forward", "crt-store", "traces", "acme", "log-profile",
}  # fmt: skip


@frozen
class Line:
    """One line as words, quotes and escapes undone; ``path`` is its file."""

    number: int
    words: tuple[str, ...]
    path: str = ""

    def starts(self, *words: str) -> bool:
        """Whether its first words are these."""
        return self.words[: len(words)] == words

    def after(self, word: str) -> str | None:
        """What follows a word, if both are there."""
        if word in self.words[:-1]:
            return self.words[self.words.index(word) + 1]
        return None

    def __str__(self) -> str:
        return " ".join(self.words)


@define(eq=False)
class Section:
    """A section; ``defaults`` is the one that it inherits from."""

    kind: str
    name: str
    number: int
    path: str = ""
    lines: list[Line] = field(factory=list)
    defaults: Section | None = None

    def all(self, *words: str) -> Iterator[Line]:
        """Lines of its own that begin so."""
        return (line for line in self.lines if line.starts(*words))

    def last(self, *words: str) -> Line | None:
        """The line that counts: the last of its own, else that of its defaults."""
        found = [*self.all(*words)]
        if found:
            return found[-1]
        return self.defaults.last(*words) if self.defaults is not None else None

    def every(self, *words: str) -> list[Line]:
        """Lines that begin so and add up: those of its defaults, then its own."""
        inherited = self.defaults.every(*words) if self.defaults is not None else []
        return [*inherited, *self.all(*words)]

    def has_option(self, name: str) -> Line | None:
        """``option NAME`` unless it is switched off again."""
        line = self.last("option", name)
        off = self.last("no", "option", name)
        if off is not None and (line is None or off.number > line.number or off in self.lines):
            return None
        return line

    @property
    def mode(self) -> str:
        """``http`` or ``tcp``."""
        line = self.last("mode")
        return line.words[1] if line is not None and len(line.words) > 1 else "tcp"

    @property
    def title(self) -> str:
        """For people."""
        return f"{self.kind} {self.name}".strip()


@define
class HaproxyFile:
    """The whole file."""

    path: str
    sections: list[Section]

    def of(self, *kinds: str) -> list[Section]:
        """The sections of these kinds."""
        return [section for section in self.sections if section.kind in kinds]

    def named(self, name: str) -> Section | None:
        """The backend (or listen) of that name."""
        return next((each for each in self.of("backend", "listen") if each.name == name), None)


def read_haproxy(text: str, path: str, before: HaproxyFile | None = None) -> HaproxyFile:
    """The sections of a file. :raise CannotRead: a quote is never closed, or nothing is a section.

    :param before: what stands in the files that HAProxy is given before this one.
    """
    sections: list[Section] = [] if before is None else [*before.sections]
    defaults = {section.name: section for section in sections if section.kind == "defaults"}
    latest = next((section for section in reversed(sections) if section.kind == "defaults"), None)
    for number, raw in enumerate(text.splitlines(), 1):
        words = split_words(raw, f"{path}:{number}")
        if not words or words[0].startswith("."):
            continue
        if words[0] in SECTIONS:
            section = Section(words[0], words[1] if len(words) > 1 else "", number, path)
            if section.kind in PROXIES or (section.kind == "defaults" and "from" in words):
                wanted = words[words.index("from") + 1] if "from" in words[:-1] else None
                section.defaults = defaults.get(wanted) if wanted is not None else latest
            if section.kind == "defaults":
                defaults[section.name] = latest = section
            sections.append(section)
        elif not sections:
            raise CannotRead(f"{path}:{number}: {words[0]!r} stands before any section")
        else:
            sections[-1].lines.append(Line(number, words, path))
    if not sections:
        raise CannotRead(f"{path}: there is no section in it")
    return HaproxyFile(path, sections)


def split_words(raw: str, where: str) -> tuple[str, ...]:
    """The words of a line as HAProxy takes them: ``\\``, ``"``, ``'``, and ``#`` for the rest."""
    words: list[str] = []
    word: list[str] | None = None
    quote = ""
    letters = iter(raw)
    for letter in letters:
        if quote == "'" and letter != "'":
            word = [*(word or []), letter]
        elif letter == "\\":
            word = [*(word or []), next(letters, "")]
        elif letter == quote:
            quote = ""
        elif not quote and letter in "\"'":
            quote, word = letter, word or []
        elif quote:
            word = [*(word or []), letter]
        elif letter == "#":
            break
        elif letter.isspace():
            if word is not None:
                words.append("".join(word))
            word = None
        else:
            word = [*(word or []), letter]
    if quote:
        raise CannotRead(f"{where}: the quote {quote} is never closed")
    if word is not None:
        words.append("".join(word))
    return tuple(words)


def terms_of(words: Sequence[str]) -> list[tuple[str, tuple[str, ...]]]:
    """The terms of a condition in their order: ``or``, an ACL with its ``!``, or ``{`` with what is in it."""
    found: list[tuple[str, tuple[str, ...]]] = []
    inside: list[str] | None = None
    opened = turned = ""
    for word in words:
        if inside is not None:
            if word == "}":
                found.append((opened, tuple(inside)))
                inside = None
            else:
                inside.append(word)
        elif word.strip("!") == "" and word:
            turned += word
        elif word.lower() in ("or", "||"):
            found.append(("or", ()))
        elif word.lower() != "and":
            if word.lstrip("!") == "{":
                inside, opened = [], turned + word
            else:
                found.append((turned + word, ()))
            turned = ""
    return found


def conditions_of(words: Sequence[str]) -> list[str]:
    """The names of ACLs in what follows ``if`` or ``unless``; anonymous ones (in braces) have none."""
    start = next((place for place, word in enumerate(words) if word in ("if", "unless")), len(words))
    names = (word.lstrip("!") for word, _ in terms_of(words[start + 1 :]))
    return [name for name in names if name not in ("{", "or")]


def anonymous_of(words: Sequence[str]) -> list[tuple[str, ...]]:
    """The anonymous ACLs of a condition, as words."""
    found: list[list[str]] = []
    inside = False
    for word in words:
        if word.lstrip("!") == "{":
            found.append([])
            inside = True
        elif word == "}":
            inside = False
        elif inside:
            found[-1].append(word)
    return [tuple(each) for each in found]
