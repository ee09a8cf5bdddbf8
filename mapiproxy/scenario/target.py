"""A proxy that is not ours, to play clients against: its address, and accounts that may be used there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from attrs import frozen

from mapiproxy.lab.dialing import Address
from mapiproxy.lab.users import LabUser
from mapiproxy.settings.units import BadValue, parse_url


class BadTarget(ValueError):
    """The target, or its accounts, cannot be meant; says why."""


@frozen
class Target:
    """The proxy."""

    address: Address
    users: tuple[LabUser, ...]


def make_target(url: str, users: Sequence[str], ca_file: Path | None) -> Target:
    """From a command line. :raise BadTarget: without a secret in its text."""
    try:
        _, tls, host, port = parse_url(url)
    except BadValue as bad:
        raise BadTarget(f"--target: {bad}") from None
    if not users:
        raise BadTarget("--target needs accounts: --user LOGIN:PASSWORD, one for each client")
    accounts = []
    for number, each in enumerate(users, 1):
        login, colon, password = each.partition(":")
        if not colon or "@" not in login:
            raise BadTarget(f"account {number} must be LOGIN@DOMAIN:PASSWORD")
        accounts.append(LabUser(login, password))
    return Target(Address(host, port, host, tls=tls, ca_file=ca_file), tuple(accounts))
