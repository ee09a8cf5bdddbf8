"""Reads nginx.conf as a tree, with what a block inherits and which location a request takes.

Parsing is crossplane's business; the order in which nginx looks at locations is restated here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import crossplane  # type: ignore[import-untyped]
from attrs import define, field

from mapiproxy.lint.finding import CannotRead


@define(eq=False)
class Node:
    """A directive, and the block behind it if it has one."""

    name: str
    args: tuple[str, ...]
    file: str
    line: int
    parent: Node | None = None
    children: list[Node] = field(factory=list)

    def all(self, name: str) -> list[Node]:
        """Directives of that name right in this block."""
        return [child for child in self.children if child.name == name]

    def walk(self) -> Iterator[Node]:
        """Everything below, the block itself not."""
        for child in self.children:
            yield child
            yield from child.walk()

    def below(self) -> Iterator[Node]:
        """Everything of this block: what is below it, but not in blocks that serve other requests."""
        for child in self.children:
            yield child
            if child.name != "location":
                yield from child.below()

    def find(self, name: str) -> Node | None:
        """The directive that counts here: the last of the innermost block that has one."""
        block: Node | None = self
        while block is not None:
            found = block.all(name)
            if found:
                return found[-1]
            block = block.parent
        return None

    def value(self, name: str) -> str | None:
        """The first argument of what counts here."""
        node = self.find(name)
        return node.args[0] if node is not None and node.args else None

    def __str__(self) -> str:
        return " ".join((self.name, *self.args))


def read_nginx(path: Path) -> Node:
    """The tree, included files in their places; its root is a block without a name.

    A file that begins with ``server`` or ``location`` (as in ``sites-available``) is one as well.

    :raise CannotRead: it is no nginx configuration.
    """
    if not path.is_file():
        raise CannotRead(f"{path}: there is no such file")
    try:
        payload = crossplane.parse(
            str(path), strict=False, check_ctx=False, check_args=False, catch_errors=True, combine=True
        )
    except (OSError, UnicodeDecodeError) as error:
        raise CannotRead(f"{path}: {error}") from error
    for each in payload["errors"]:
        # An include that is not here (it may be on the real machine) is no reason to say nothing.
        if each.get("line") is not None and "No such file" not in each["error"]:
            raise CannotRead(f"{each['error']}")
    root = Node("", (), str(path), 1)
    for each in payload["config"]:
        _grow(root, each["parsed"])
    return root


def _grow(parent: Node, parsed: list[dict[str, Any]]) -> None:
    for each in parsed:
        file = each.get("file", parent.file)
        node = Node(each["directive"], tuple(each["args"]), file, each["line"], parent)
        parent.children.append(node)
        _grow(node, each.get("block", []))


def servers_of(root: Node) -> list[Node]:
    """Every ``server`` of HTTP: no line of an upstream, and not those of ``stream``, which reads nothing."""
    return [
        node
        for node in root.walk()
        if node.name == "server"
        and node.children
        and node.parent
        and node.parent.name not in ("upstream", "stream")
    ]


def streams_of(root: Node) -> list[Node]:
    """Every ``server`` of ``stream`` that passes connections on."""
    blocks = [node for node in root.walk() if node.name == "stream"]
    return [server for block in blocks for server in block.all("server") if server.all("proxy_pass")]


def values_of(root: Node, text: str) -> list[str]:
    """What a text with variables may be, by every ``map``, ``set`` and the like that gives them values.

    The text itself if it has none; nothing if nobody says what they are.
    """
    match = re.search(r"\$(\w+)|\$\{(\w+)\}", text)
    if match is None:
        return [text]
    name = "$" + (match[1] or match[2])
    found = []
    for node in root.walk():
        if node.name in ("map", "geo", "split_clients") and node.args[-1:] == (name,):
            found += [each.args[0] for each in node.children if each.args and each.name != "include"]
        elif node.name == "set" and node.args[:1] == (name,):
            found += node.args[1:2]
    # A variable within a value of a variable is as far as anybody goes.
    return [text[: match.start()] + value + text[match.end() :] for value in found if "$" not in value]


def find_location(server: Node, path: str) -> Node | None:
    """The block that serves a path: nginx's own order; ``None``: no location fits.

    Exact, else the longest prefix; unless that has ``^~``, the first regular expression that fits wins.
    """
    best: Node | None = None
    length = -1
    patterns: list[Node] = []
    for node in server.all("location"):
        how, text = _pattern(node)
        if how == "=" and text == path:
            return node
        if how in ("", "^~") and path.startswith(text) and len(text) > length:
            best, length = node, len(text)
        if how in ("~", "~*"):
            patterns.append(node)
    if best is None or _pattern(best)[0] != "^~":
        for node in patterns:
            how, text = _pattern(node)
            if fits(text, path, re.IGNORECASE if how == "~*" else 0):
                return node
    if best is not None and best.all("location"):
        best = find_location(best, path) or best
    tried = best.all("try_files") if best is not None else []
    last = tried[-1].args[-1] if tried and tried[-1].args else ""
    if last.startswith("@"):
        return next((node for node in server.all("location") if node.args == (last,)), best)
    return best


def _pattern(node: Node) -> tuple[str, str]:
    """(modifier or nothing, path or expression) of a location."""
    if len(node.args) > 1:
        return node.args[0], node.args[1]
    text = node.args[0] if node.args else ""
    return ("@", text) if text.startswith("@") else ("", text)


def fits(expression: str, path: str, flags: int) -> bool:
    """Whether a regular expression of nginx matches; no, if it is too much for us."""
    try:
        return re.search(expression, path, flags) is not None
    except re.error:  # PCRE knows more than we do
        return False
