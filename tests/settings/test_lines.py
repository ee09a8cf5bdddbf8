"""Every key of a valid document is found, on the right line."""

from __future__ import annotations

import tomllib
from typing import Any

import tomlkit
from hypothesis import given
from hypothesis import strategies as st
from support.tomldocs import KEYS, VALUES, Document, Path, documents

from mapiproxy.settings.lines import find_lines


def paths_of(value: Any, path: Path = ()) -> set[Path]:
    """Every path of a parsed document but the root."""
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    found = {path} if path else set()
    return found.union(*(paths_of(inner, (*path, place)) for place, inner in items))


def test_tables_keys_and_elements_have_their_lines() -> None:
    text = """\
# a comment = 1
top = 1
[a.b]
x = [
  1,   # one
  2,
]
y.z = 3

[[a.list]]
name = "first"
[[a.list]]
name = \"""
[not.a.table]
\"""
"quoted key" = { deep = 'x' }
[a.list.inner]
when = 1979-05-27 07:32:00
[a]
late = true
"""
    tomllib.loads(text)
    assert find_lines(text) == {
        ("top",): 2,
        ("a",): 19,
        ("a", "b"): 3,
        ("a", "b", "x"): 4,
        ("a", "b", "x", 0): 5,
        ("a", "b", "x", 1): 6,
        ("a", "b", "y"): 8,
        ("a", "b", "y", "z"): 8,
        ("a", "list"): 10,
        ("a", "list", 0): 10,
        ("a", "list", 0, "name"): 11,
        ("a", "list", 1): 12,
        ("a", "list", 1, "name"): 13,
        ("a", "list", 1, "quoted key"): 16,
        ("a", "list", 1, "quoted key", "deep"): 16,
        ("a", "list", 1, "inner"): 17,
        ("a", "list", 1, "inner", "when"): 18,
        ("a", "late"): 20,
    }


def test_a_table_that_is_only_implied_has_the_line_that_implies_it() -> None:
    assert find_lines("\n[a.b.c]\n")[("a", "b")] == 2


def test_strings_that_end_in_quotes_end_where_toml_says() -> None:
    text = 'a = """x"""""\nb = \'\'\'y\'\'\'\'\'\nc = ""\nd = \'\'\ne = """"""\nf = 1\n'
    assert tomllib.loads(text)["a"] == 'x""'
    assert find_lines(text) == {(key,): line for line, key in enumerate("abcdef", 1)}


def test_an_empty_document_has_no_lines() -> None:
    assert find_lines("") == find_lines("# nothing\n\n") == {}


@given(documents())
def test_generated_documents_have_the_lines_they_were_written_with(document: Document) -> None:
    assert tomllib.loads(document.text.replace("\r\n", "\n")) == document.data
    found = find_lines(document.text)
    assert found == document.lines
    assert set(found) == paths_of(document.data)


@given(st.dictionaries(KEYS, st.dictionaries(KEYS, VALUES, max_size=3) | VALUES, max_size=4))
def test_documents_in_another_writers_hand_have_all_their_paths(data: dict[str, Any]) -> None:
    """tomlkit writes the document, so its idea of TOML is not ours."""
    text = tomlkit.dumps(data)
    parsed = tomllib.loads(text)
    found = find_lines(text)
    assert set(found) == paths_of(parsed)
    lines = text.split("\n")
    for path, line in found.items():
        if isinstance(path[-1], str) and path[-1].isalnum() and path[-1].isascii():
            assert path[-1] in lines[line - 1]
