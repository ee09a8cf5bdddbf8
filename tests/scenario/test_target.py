"""A proxy elsewhere: its address and accounts, from a command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from mapiproxy.scenario.target import BadTarget, make_target


def test_an_address_and_accounts() -> None:
    target = make_target("https://mail.example.com:8443", ["a@example.com:x:y", "b@example.com:z"], Path("/ca"))

    assert (target.address.host, target.address.port, target.address.tls) == ("mail.example.com", 8443, True)
    assert [user.login for user in target.users] == ["a@example.com", "b@example.com"]
    assert target.users[0].password == "x:y"


@pytest.mark.parametrize(
    ("url", "users", "says"),
    [
        ("mail.example.com", ["a@b:c"], "a server is a URL"),
        ("https://mail.example.com", [], "needs accounts"),
        ("https://mail.example.com", ["a@b:c", "hidden-secret"], "account 2 must be LOGIN@DOMAIN:PASSWORD"),
    ],
)
def test_mistakes_are_told_without_secrets(url: str, users: list[str], says: str) -> None:
    with pytest.raises(BadTarget) as caught:
        make_target(url, users, None)

    assert says in str(caught.value)
    assert "hidden-secret" not in str(caught.value)
