"""Durations, sizes, addresses, URLs, fingerprints and paths, as people write them."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapiproxy.settings.units import (
    BadValue,
    parse_bind,
    parse_duration,
    parse_fingerprint,
    parse_published_url,
    parse_size,
    parse_url,
    show,
)
from mapiproxy.settings.words import show_duration, show_size

ANYTHING = st.text() | st.integers() | st.floats() | st.booleans() | st.lists(st.text())


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("500ms", 0.5), ("30s", 30), ("5m", 300), ("1h", 3600), ("1d", 86400), ("1h30m", 5400),
     ("1.5s", 1.5)],
)  # fmt: skip
def test_durations_are_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("value", [30, 1.5, "30", " 30 "])
def test_a_bare_number_is_no_duration_and_the_refusal_says_what_to_write(value: object) -> None:
    with pytest.raises(BadValue, match=r'needs a unit .*write "(30|1.5)s"'):
        parse_duration(value)


@pytest.mark.parametrize("value", ["", "s", "5 s", "5S", "-5s", "5s!", "1s x", True, [], {}, "0s"])
def test_what_is_no_duration_is_refused(value: object) -> None:
    with pytest.raises(BadValue):
        parse_duration(value)


@pytest.mark.parametrize(
    ("value", "size"),
    [(131072, 131072), ("128KiB", 131072), ("10MB", 10_000_000), ("1 GiB", 2**30), ("5B", 5)],
)
def test_sizes_are_bytes(value: object, size: int) -> None:
    assert parse_size(value) == size


@pytest.mark.parametrize("value", ["", "10", "10 apples", "1.5MB", -1, 0, 1.5, True, None])
def test_what_is_no_size_is_refused(value: object) -> None:
    with pytest.raises(BadValue):
        parse_size(value)


@given(st.integers(1, 10**7))
def test_durations_and_sizes_are_shown_as_they_can_be_written(number: int) -> None:
    assert parse_duration(show_duration(number)) == number
    shown = show_size(number)
    assert parse_size(int(shown.removesuffix(" bytes")) if "bytes" in shown else shown) == number


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("0.0.0.0:443", "0.0.0.0", 443), ("[::]:443", "::", 443), ("localhost:0", "localhost", 0),
     ("[0:0:0:0:0:0:0:1]:1", "::1", 1)],
)  # fmt: skip
def test_binds_have_address_and_port(text: str, host: str, port: int) -> None:
    bind = parse_bind(text)
    assert (bind.host, bind.port) == (host, port)
    assert parse_bind(str(bind)) == bind


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("443", '"0.0.0.0:443"'),
        (443, "0.0.0.0:443"),
        (":443", "which address"),
        ("0.0.0.0", "ADDRESS:PORT"),
        ("0.0.0.0:70000", "65535"),
        ("300.0.0.1:80", "not an IPv4 address"),
        ("::1:80", "brackets"),
        ("[127.0.0.1]:80", "brackets"),
        ("[zz]:80", "not an IPv6 address"),
        ("a b:80", "neither"),
    ],
)
def test_other_binds_are_refused_with_a_hint(value: object, hint: str) -> None:
    with pytest.raises(BadValue, match=hint.replace("[", r"\[")):
        parse_bind(value)


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("https://Exch1.Corp", ("https://exch1.corp", True, "exch1.corp", 443)),
        ("https://exch1:443/", ("https://exch1", True, "exch1", 443)),
        ("HTTP://10.0.0.1:8080", ("http://10.0.0.1:8080", False, "10.0.0.1", 8080)),
        ("https://[::1]:444", ("https://[::1]:444", True, "::1", 444)),
    ],
)
def test_server_urls(text: str, parsed: tuple[str, bool, str, int]) -> None:
    assert parse_url(text) == parsed


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("exch1.corp", 'write "https://exch1.corp"'),
        ("ftp://exch1", "scheme"),
        ("https://exch1/mapi", "without a path"),
        ("https://exch1?x", "without a path"),
        ("https://exch1#", "without a path"),
        ("https://me:secret@exch1", "user name"),
        ("https://", "no host"),
        ("https://exch1:0", "no port"),
        ("https://exch1:99999", "not a URL"),
        ("https://exch 1", "host name"),
        ("https://[zz", "not a URL"),
        (5, "not a URL"),
    ],
)
def test_other_server_urls_are_refused_with_a_hint(value: object, hint: str) -> None:
    with pytest.raises(BadValue, match=hint):
        parse_url(value)


def test_a_refused_url_with_a_password_does_not_repeat_it() -> None:
    with pytest.raises(BadValue) as caught:
        parse_url("https://me:secret@exch1")
    assert "secret" not in str(caught.value)


def test_fingerprints_may_be_written_as_openssl_prints_them() -> None:
    plain = "0123456789abcdef" * 4
    colons = ":".join(plain[at : at + 2] for at in range(0, 64, 2)).upper()
    assert parse_fingerprint(plain) == plain
    assert parse_fingerprint(colons) == plain
    assert parse_fingerprint(f"sha256 Fingerprint={colons}") == plain


def test_a_sha1_fingerprint_is_recognised() -> None:
    with pytest.raises(BadValue, match="SHA-1"):
        parse_fingerprint("ab" * 20)


def test_a_published_url_is_kept_as_it_is_written_without_a_slash_at_the_end() -> None:
    assert parse_published_url("https://Mail.example.com/MAPI/") == "https://Mail.example.com/MAPI"
    for wrong in ("mail.example.com/mapi", "ftp://a/mapi", "https://a/mapi?x", "https://a/mapi#x",
                  "https://u:p@a/mapi", "https://a/<mapi>", "https:///mapi", 5):  # fmt: skip
        with pytest.raises(BadValue):
            parse_published_url(wrong)


@pytest.mark.parametrize(
    "parse",
    [parse_bind, parse_duration, parse_fingerprint, parse_published_url, parse_size, parse_url],
)
@given(value=ANYTHING)
def test_anything_is_either_read_or_refused(parse: Any, value: object) -> None:
    with suppress(BadValue):
        parse(value)


def test_values_are_shown_as_they_stand_in_the_file() -> None:
    assert [show(each) for each in ("a", True, 5, [], {})] == [
        '"a"', "true", "5", "a list", "a table",
    ]  # fmt: skip
    assert len(show("x" * 100)) == 60
