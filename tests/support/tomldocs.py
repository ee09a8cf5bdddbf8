"""TOML documents made at random together with the line of each of their keys."""

from __future__ import annotations

import json
import re
from typing import Any

from attrs import Factory, define
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

Path = tuple[str | int, ...]

_CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\r")
TEXTS = st.text(_CHARACTERS, max_size=8) | st.sampled_from(
    ["", '"', "''", '""', "a\nb", "[x]\ny = 1\n", "# no comment", "\\", "\n\n", "a = {", "'"]
)
KEYS = st.from_regex(r"[A-Za-z0-9_-]{1,4}", fullmatch=True) | TEXTS
LEAVES: SearchStrategy[Any] = TEXTS | st.integers(-99, 10**9) | st.booleans() | st.just(1.5)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)


@define
class Document:
    """Text in the making; ``lines`` gets each path's line as it is written."""

    text: str = ""
    data: dict[str, Any] = Factory(dict)
    lines: dict[Path, int] = Factory(dict)

    def note(self, path: Path) -> None:
        self.lines[path] = self.text.count("\n") + 1


@st.composite
def documents(draw: DrawFn) -> Document:
    """A document with tables, arrays of tables and every way to write strings and keys."""
    document = Document()
    _table(draw, document, document.data, (), (), 0)
    return document


def _table(
    draw: DrawFn, doc: Document, data: dict[str, Any], path: Path, names: tuple[str, ...], deep: int
) -> None:
    used: set[str] = set()
    for key, value in draw(st.dictionaries(KEYS, VALUES, max_size=3)).items():
        used.add(key)
        _noise(draw, doc)
        doc.note((*path, key))
        doc.text += _key(draw, key) + draw(st.sampled_from([" = ", "=", "\t= "]))
        data[key] = value
        _value(draw, doc, value, (*path, key))
        doc.text += draw(st.sampled_from(["\n", " # end\n", "\r\n"]))
    for key in draw(st.lists(KEYS, max_size=2 - deep, unique=True)) if deep < 2 else []:
        if key in used:
            continue
        header = ".".join(_key(draw, name) for name in (*names, key))
        if draw(st.booleans()):
            _noise(draw, doc)
            doc.note((*path, key))
            doc.text += f"[{header}]\n"
            data[key] = {}
            _table(draw, doc, data[key], (*path, key), (*names, key), deep + 1)
            continue
        data[key] = []
        for number in range(draw(st.integers(1, 3))):
            _noise(draw, doc)
            if not number:
                doc.note((*path, key))
            doc.note((*path, key, number))
            doc.text += f"[[ {header} ]]\n"
            data[key].append({})
            _table(draw, doc, data[key][number], (*path, key, number), (*names, key), deep + 1)


def _noise(draw: DrawFn, doc: Document) -> None:
    doc.text += draw(st.sampled_from(["", "", "\n", "# [a] b = 'c'\n", "\r\n \t\n", "  "]))


def _key(draw: DrawFn, key: str) -> str:
    ways = [_basic(key)]
    if re.fullmatch(r"[A-Za-z0-9_-]+", key):
        ways.append(key)
    if re.fullmatch(r"[^'\x00-\x1f\x7f]*", key):
        ways.append(f"'{key}'")
    return draw(st.sampled_from(ways))


def _value(draw: DrawFn, doc: Document, value: Any, path: Path) -> None:
    if isinstance(value, dict):
        doc.text += "{ "
        for number, (key, inner) in enumerate(value.items()):
            doc.text += ", " if number else ""
            doc.note((*path, key))
            doc.text += _key(draw, key) + " = "
            _value(draw, doc, inner, (*path, key))
        doc.text += " }"
    elif isinstance(value, list):
        doc.text += "["
        for number, inner in enumerate(value):
            doc.text += draw(st.sampled_from(["", " ", "\n", " # ], [\n", "\n\n"]))
            doc.note((*path, number))
            _value(draw, doc, inner, (*path, number))
            last = number == len(value) - 1
            doc.text += draw(st.sampled_from(["", ",", "\n"] if last else [",", " ,", "\n,"]))
        doc.text += "]"
    elif isinstance(value, str):
        doc.text += _string(draw, value)
    else:
        doc.text += json.dumps(value)


def _string(draw: DrawFn, value: str) -> str:
    ways = [_basic(value), '"""\n' + _basic(value)[1:-1].replace("\\n", "\n") + '"""']
    plain = re.fullmatch(r"[^\x00-\x09\x0b-\x1f\x7f]*", value)
    if plain and "\n" not in value and "'" not in value:
        ways.append(f"'{value}'")
    if plain and "'''" not in value:
        ways.append(f"'''\n{value}'''")
    if plain and '"""' not in value and "\\" not in value:
        ways.append(f'"""\n{value}"""')
    return draw(st.sampled_from(ways))


def _basic(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
