"""The route cookie: read by every node with the key, made by nobody without."""

from __future__ import annotations

import pytest

from mapiproxy.policy.routecookie import NAME, RouteKeys, set_cookie_line

KEYS = RouteKeys((b"a key of sixteen bytes",))
FLEET = ("EXCH1", "EXCH2")
SESSION = bytes(range(16))


def test_any_node_with_the_key_reads_what_another_has_issued():
    value = KEYS.issue("mapi", "EXCH2", SESSION)

    assert RouteKeys((b"a key of sixteen bytes",)).read(value, "mapi", FLEET, SESSION) == "EXCH2"


@pytest.mark.parametrize(
    ("pool", "session", "keys"),
    [
        ("other", SESSION, KEYS),
        ("mapi", bytes(16), KEYS),
        ("mapi", SESSION, RouteKeys((b"another key of sixteen",))),
    ],
)
def test_it_is_worth_nothing_for_another_pool_another_session_or_another_key(pool, session, keys):
    value = KEYS.issue("mapi", "EXCH1", SESSION)

    assert keys.read(value, pool, FLEET, session) is None


@pytest.mark.parametrize("value", [b"", b"EXCH1", b"x" * 24, b"\xff\x00", b"A" * 4096])
def test_what_nobody_issued_names_nobody(value):
    assert KEYS.read(value, "mapi", FLEET, SESSION) is None


def test_every_bit_of_it_counts():
    value = KEYS.issue("mapi", "EXCH1", SESSION)
    for at in range(len(value)):
        forged = value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :]
        assert KEYS.read(forged, "mapi", FLEET, SESSION) is None


def test_it_shows_nothing_of_what_it_says():
    one, two = (KEYS.issue("mapi", name, SESSION) for name in FLEET)

    assert len(one) == len(two) == 24
    assert one != two
    assert b"EXCH" not in one


def test_a_key_can_be_changed_without_sending_anybody_astray():
    old, new = b"the old key, 16 bytes", b"the new key, 16 bytes"
    value = RouteKeys((old,)).issue("mapi", "EXCH1", SESSION)
    both = RouteKeys((new, old))

    assert both.read(value, "mapi", FLEET, SESSION) == "EXCH1"
    assert both.issue("mapi", "EXCH1", SESSION) == RouteKeys((new,)).issue("mapi", "EXCH1", SESSION)


def test_a_backend_that_is_not_in_the_fleet_any_more_is_not_named():
    assert KEYS.read(KEYS.issue("mapi", "EXCH3", SESSION), "mapi", FLEET, SESSION) is None


def test_keys_are_not_shown():
    assert "sixteen" not in repr(KEYS)


def test_it_is_set_as_exchange_sets_its_own():
    assert set_cookie_line(b"v", b"/mapi/emsmdb", True) == (
        b"Set-Cookie: " + NAME + b"=v; path=/mapi/emsmdb; secure; HttpOnly"
    )
    assert b"secure" not in set_cookie_line(b"v", b"/mapi/emsmdb", False)
