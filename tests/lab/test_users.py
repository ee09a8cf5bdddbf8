"""Users and Basic, checked for real."""

from __future__ import annotations

import base64

import pytest
from support.lab import ALICE, BOB, USERS

from mapiproxy.lab.users import BasicAuthenticator, Challenged, LabUser, lab_users


def check(authorization: bytes | None) -> object:
    return BasicAuthenticator(USERS, "lab", wrong_delay=1.0).check(authorization, {})


def test_the_right_password_logs_on_also_the_second_time() -> None:
    authenticator = BasicAuthenticator(USERS, "lab")
    assert authenticator.check(BOB.basic, {}) is BOB
    assert authenticator.check(BOB.basic, {}) is BOB


def test_login_is_compared_without_case() -> None:
    text = base64.b64encode(f"ALICE@Example.test:{ALICE.password}".encode())
    assert check(b"basic " + text) is ALICE


@pytest.mark.parametrize("authorization", [None, b"Bearer ", b"Negotiate abc"])
def test_no_or_other_credentials_are_challenged_at_once(authorization: bytes | None) -> None:
    assert check(authorization) == Challenged((b'Basic realm="lab"',), 0.0)


@pytest.mark.parametrize(
    "token", [b"%%%", base64.b64encode(b"alice@example.test:guess"), base64.b64encode(b"\xff\xfe")]
)
def test_wrong_credentials_take_their_time(token: bytes) -> None:
    assert check(b"Basic " + token) == Challenged((b'Basic realm="lab"',), 1.0)


def test_a_mailbox_id_is_the_same_in_each_run() -> None:
    assert LabUser("Alice@example.test", "x").guid == ALICE.guid
    assert ALICE.mailbox_id.endswith("@example.test")


def test_users_are_found_by_login_and_dn() -> None:
    users = lab_users("carol@example.test")
    (carol,) = users
    assert users.find_login("CAROL@example.test") is carol
    assert users.find_dn(carol.dn.upper()) is carol
    assert users.find_dn("/o=nobody") is None
    assert carol.password not in repr(carol)
