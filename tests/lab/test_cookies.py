"""Cookies on both sides: reading, minting, and the jar's part of RFC 6265."""

from __future__ import annotations

import pytest
from support.lab import seeded

from mapiproxy.lab import cookies
from mapiproxy.lab.cookies import Jar, parse_cookies

MAILBOX, BOOK = b"/mapi/emsmdb/", b"/mapi/nspi/"


@pytest.mark.parametrize(
    ("value", "pairs"),
    [
        (None, {}),
        (b"a=1; b=2", {b"a": b"1", b"b": b"2"}),
        (b"a=1;b=2", {b"a": b"1", b"b": b"2"}),
        (b"MapiSequence=1-AAAAAA==", {b"MapiSequence": b"1-AAAAAA=="}),
        (b"sid=old; sid=new", {b"sid": b"new"}),
        (b"loose; a=1", {b"a": b"1"}),
    ],
)
def test_cookie_header(value: bytes | None, pairs: dict[bytes, bytes]) -> None:
    assert parse_cookies(value) == pairs


def test_minted_cookies_have_the_forms_of_the_field() -> None:
    entropy = seeded()
    sid = cookies.mint_sid("Al@example.test", entropy)
    assert len(sid) == 32
    assert sid.startswith(b"alex")
    assert sid.isalnum()
    assert cookies.is_guid(cookies.mint_guid(entropy))
    assert not cookies.is_guid(b"no-guid")
    assert cookies.is_exchange_sequence(cookies.mint_exchange_sequence(12, entropy))
    assert not cookies.is_exchange_sequence(b"12-")
    assert cookies.is_exchange_context(cookies.mint_exchange_context(entropy))
    assert not cookies.is_exchange_context(b"garbage")


def test_default_path_keeps_the_two_endpoints_apart() -> None:
    jar = Jar()
    jar.store([b"sid=mailbox"], MAILBOX, 0)
    jar.store([b"sid=book"], BOOK, 0)
    assert jar.header(MAILBOX, 0) == b"sid=mailbox"
    assert jar.header(BOOK, 0) == b"sid=book"


def test_paths_are_matched_by_segments_and_longer_ones_come_first() -> None:
    jar = Jar()
    jar.store([b"r=1; path=/mapi/", b"c=2; path=/mapi/emsmdb", b"x=3; path=/map"], MAILBOX, 0)
    assert jar.header(MAILBOX, 0) == b"c=2; r=1"


def test_a_new_value_replaces_the_old_and_a_missing_one_keeps_it() -> None:
    jar = Jar()
    jar.store([b"sid=a", b"sequence=1"], MAILBOX, 0)
    jar.store([b"sid=b"], MAILBOX, 0)
    assert jar.header(MAILBOX, 0) == b"sid=b; sequence=1"


def test_secure_cookies_stay_away_from_plain_connections() -> None:
    jar = Jar()
    jar.store([b"a=1; secure; HttpOnly", b"b=2"], MAILBOX, 0)
    assert jar.header(MAILBOX, 0, secure=False) == b"b=2"
    assert jar.header(MAILBOX, 0) == b"a=1; b=2"


@pytest.mark.parametrize(
    "date", [b"Thu, 01 Jan 1970 00:01:40 GMT", b"Thu, 01-Jan-1970 00:01:40 GMT"]
)
def test_expiry(date: bytes) -> None:
    jar = Jar()
    jar.store([b"a=1; expires=" + date], MAILBOX, 99)
    assert jar.header(MAILBOX, 99) == b"a=1"
    assert jar.header(MAILBOX, 100) is None
    jar.store([b"a=; expires=" + date], MAILBOX, 200)
    assert jar.header(MAILBOX, 99) is None


def test_forget_drops_what_would_go_to_a_path() -> None:
    jar = Jar()
    jar.store([b"sid=1"], MAILBOX, 0)
    jar.store([b"sid=2"], BOOK, 0)
    jar.forget(MAILBOX)
    assert jar.header(MAILBOX, 0) is None
    assert jar.header(BOOK, 0) == b"sid=2"


def test_only_digests_are_shown() -> None:
    jar = Jar()
    jar.store([b"sid=very-secret"], MAILBOX, 0)
    shown = repr(jar) + jar.digests(MAILBOX)
    assert "very-secret" not in shown
    assert jar.digests(MAILBOX) == "sid:" + cookies.digest(b"very-secret")
