"""Keys and types: whatever does not fit is told with its place, and none hides another."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tomldocs import KEYS, VALUES

from mapiproxy.backends.kind import Kind
from mapiproxy.settings.lines import find_lines
from mapiproxy.settings.problems import Problems
from mapiproxy.settings.structure import read_tables
from mapiproxy.settings.tables import FileTable

BASE = Path("/etc/mapiproxy")


def read(text: str) -> tuple[FileTable, list[str]]:
    problems = Problems(Path("f"), find_lines(text))
    table = read_tables(tomllib.loads(text), BASE, problems)
    return table, [str(each).removeprefix("f:") for each in problems.in_order()]


def test_an_empty_file_gives_the_defaults() -> None:
    assert read("") == (FileTable(), [])


def test_values_are_read_into_their_types() -> None:
    table, problems = read(
        """
        [listener.mail]
        bind = ["[::]:443", "10.0.0.1:8443"]
        certificate = "mail.pem"
        key = "/else/where.key"
        sni = [{ pkcs12 = "other.pfx", names = "other.example.com" }]
        [backend.g]
        kind = "grommunio"
        servers = "https://g1"
        server = [{ url = "http://g2:8080", weight = 5 }]
        [timeouts]
        connect = "2s"
        [limits]
        head = "64KiB"
        """
    )
    assert problems == []
    mail = table.listener["mail"]
    assert [str(bind) for bind in mail.bind] == ["[::]:443", "10.0.0.1:8443"]
    assert (mail.certificate, mail.key) == (BASE / "mail.pem", Path("/else/where.key"))
    assert mail.sni[0].names == ("other.example.com",)
    group = table.backend["g"]
    assert group.kind is Kind.GROMMUNIO
    assert group.servers == (("https://g1", True, "g1", 443),)
    assert group.server[0].weight == 5
    assert (table.timeouts.connect, table.limits.head) == (2.0, 65536)


def test_unknown_keys_come_with_a_suggestion_or_with_what_there_is() -> None:
    _, problems = read('lgo = 1\n[log]\ndirektory = "x"\n[proxy]\nzebra = 1\n')
    assert problems == [
        '1: lgo: unknown key; did you mean "log"?',
        '3: log.direktory: unknown key; did you mean "directory"?',
        "5: proxy.zebra: unknown key; known here: name",
    ]


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("bom = 1", "bom: must be true or false, not 1"),
        ("server_name = 5", "server_name: must be a string, not 5"),
        ("directory = true", "directory: must be a file's path, in quotes, not true"),
        ("flush = 1", 'flush: a duration needs a unit (ms, s, m, h, d): write "1s"'),
        ("roll_size = []", "roll_size: a list is not a size"),
    ],
)
def test_wrong_types_are_not_bent_into_shape(line: str, text: str) -> None:
    _, problems = read(f"[log]\n{line}\n")
    assert len(problems) == 1
    assert problems[0].startswith(f"2: log.{text}")


def test_true_is_no_number() -> None:
    _, problems = read("[limits]\nconnections = true\nhead = true\n")
    assert problems[0] == "2: limits.connections: must be a whole number, not true"
    assert len(problems) == 2


def test_words_are_checked_against_the_list() -> None:
    _, problems = read(
        '[listener.a]\ntls_minimum = 1.2\ntls_policy = "moderne"\n[backend.b]\nkind = "exchagne"\n'
        'verify = "off"\n'
    )
    assert problems == [
        '2: listener.a.tls_minimum: must be "1.2" or "1.3" (in quotes), not 1.2',
        '3: listener.a.tls_policy: must be "intermediate" or "modern", not "moderne"; '
        'did you mean "modern"?',
        '5: backend.b.kind: must be "exchange" or "grommunio", not "exchagne"; '
        'did you mean "exchange"?',
        '6: backend.b.verify: must be "on" or "off-insecure", not "off"; '
        'did you mean "off-insecure"?',
    ]


def test_tables_must_be_tables() -> None:
    _, problems = read('log = 5\nlistener = "x"\nbackend.b = 1\ntimeouts = []\n')
    assert problems == [
        "1: log: must be a table, not 5",
        '2: listener: must be a table of named tables, not "x"',
        "3: backend.b: must be a table, not 1",
        "4: timeouts: must be a table, not a list",
    ]


def test_each_element_of_a_list_is_looked_at() -> None:
    _, problems = read(
        '[backend.b]\nservers = [\n  "exch1",\n  "https://exch2",\n  5,\n]\n'
        '[[backend.b.server]]\nurl = "https://x"\n[[backend.b.server]]\nweigth = 5\nurl = 1\n'
    )
    assert [each.partition(": ")[0] + " " + each.split(": ")[1] for each in problems] == [
        "3 backend.b.servers[0]",
        "5 backend.b.servers[2]",
        "10 backend.b.server[1].weigth",
        "11 backend.b.server[1].url",
    ]


def test_one_bad_key_does_not_hide_the_good_ones() -> None:
    table, problems = read('[log]\nflush = 1\nserver_name = "MAIL"\n')
    assert len(problems) == 1
    assert table.log.server_name == "MAIL"


def test_a_string_in_place_of_a_list_of_tables_is_refused() -> None:
    table, problems = read('[listener.a]\nsni = "x"\n')
    assert problems == ['2: listener.a.sni: must be a list, not "x"']
    assert table.listener["a"].sni == ()


NAMES = st.sampled_from(
    ["listener", "backend", "log", "timeouts", "limits", "proxy", "bind", "servers", "server",
     "sni", "url", "names", "kind", "directory", "connect", "head", "fingerprint", "paths"]
)  # fmt: skip


@given(
    st.dictionaries(
        NAMES,
        st.recursive(
            VALUES,
            lambda inner: (
                st.dictionaries(NAMES | KEYS, inner, max_size=4) | st.lists(inner, max_size=3)
            ),
            max_leaves=12,
        ),
        max_size=4,
    )
)
def test_any_document_is_read_or_complained_about(document: dict[str, Any]) -> None:
    problems = Problems(Path("f"))
    assert isinstance(read_tables(document, BASE, problems), FileTable)
