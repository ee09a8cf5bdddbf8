"""Which hosts are this machine's, and how addresses are shown."""

from __future__ import annotations

import pytest

from mapiproxy.lab.network.addresses import is_loopback, show


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "10.0.0.1", "localhost.example.test", "127.0.0.1.example.test"])
def test_what_others_may_reach(host: str) -> None:
    assert not is_loopback(host)


def test_shown() -> None:
    assert (show(("127.0.0.1", 80)), show(("::1", 80))) == ("127.0.0.1:80", "[::1]:80")
