"""haproxy.cfg is read as HAProxy reads it, as far as rules look."""

from __future__ import annotations

import pytest

from mapiproxy.lint.finding import CannotRead
from mapiproxy.lint.haproxy import anonymous_of, conditions_of, read_haproxy, split_words


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("  timeout client 50s  # why", ("timeout", "client", "50s")),
        (r'http-request set-header X "a b\" c"', ("http-request", "set-header", "X", 'a b" c')),
        (r"acl a path_beg /a\ b", ("acl", "a", "path_beg", "/a b")),
        (r"acl a path '\d # no comment'", ("acl", "a", "path", r"\d # no comment")),
        ('x ""', ("x", "")),
        ("# nothing", ()),
    ],
)
def test_words(raw: str, words: tuple[str, ...]) -> None:
    assert split_words(raw, "f:1") == words


def test_a_quote_that_is_never_closed_is_told_with_its_line() -> None:
    with pytest.raises(CannotRead, match=r'x.cfg:2: the quote "'):
        read_haproxy('global\n  description "open\n', "x.cfg")


@pytest.mark.parametrize("text", ["", "# nothing\n", "timeout client 5s\n"])
def test_what_has_no_section_is_no_configuration(text: str) -> None:
    with pytest.raises(CannotRead, match=r"x\.cfg"):
        read_haproxy(text, "x.cfg")


def test_a_proxy_inherits_from_the_defaults_above_it_or_from_those_it_names() -> None:
    file = read_haproxy(
        "defaults one\n timeout client 1m\n option httpclose\n"
        "frontend a\n mode http\n"
        "defaults two\n timeout client 2m\n"
        "frontend b\n timeout client 3m\n"
        "frontend c from one\n no option httpclose\n",
        "x",
    )
    a, b, c = file.of("frontend")
    lines = [section.last("timeout", "client") for section in (a, b, c)]
    assert [line.words[2] for line in lines if line] == ["1m", "3m", "1m"]
    assert a.has_option("httpclose") is not None
    assert b.has_option("httpclose") is None
    assert c.has_option("httpclose") is None
    assert (a.mode, b.mode) == ("http", "tcp")


def test_conditions() -> None:
    words = split_words("use_backend x if a !b { path_beg -i /mapi } || c", "f:1")
    assert conditions_of(words) == ["a", "b", "c"]
    assert anonymous_of(words) == [("path_beg", "-i", "/mapi")]
    assert conditions_of(("use_backend", "x")) == []
