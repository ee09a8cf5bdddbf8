"""Where a request comes from, when other proxies stand before us."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from mapiproxy.policy.origin import is_trusted, origin_of

OURS = (ip_network("10.0.0.0/24"), ip_network("::1/128"))


@pytest.mark.parametrize(
    ("peer", "chain", "ip"),
    [
        ("192.0.2.1", [b"1.1.1.1"], "192.0.2.1"),  # nobody we know: not believed
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", [b"192.0.2.9"], "192.0.2.9"),
        ("::ffff:10.0.0.1", [b"192.0.2.9"], "192.0.2.9"),
        # What the client itself wrote stands before what the trusted ones added.
        ("10.0.0.1", [b"1.1.1.1, 192.0.2.9, 10.0.0.7"], "192.0.2.9"),
        ("10.0.0.1", [b"1.1.1.1", b"192.0.2.9"], "192.0.2.9"),
        ("10.0.0.1", [b"10.0.0.3, 10.0.0.4"], "10.0.0.3"),
        ("10.0.0.1", [b"[2001:db8::1]:4711"], "2001:db8::1"),
        ("10.0.0.1", [b"192.0.2.9:4711"], "192.0.2.9"),
        # Nonsense of the client's own does not hide it behind the balancer.
        ("10.0.0.1", [b"unknown, 192.0.2.9"], "192.0.2.9"),
        ("10.0.0.1", [b"10.0.0.9, x", b"192.0.2.9, 10.0.0.7"], "192.0.2.9"),
        ("10.0.0.1", [b"192.0.2.9, unknown, 10.0.0.7"], "10.0.0.7"),
        ("10.0.0.1", [b"::ffff:192.0.2.9"], "192.0.2.9"),
        ("10.0.0.1", [b""], "10.0.0.1"),
        ("10.0.0.1", [b"192.0.2.9, "], "10.0.0.1"),
        ("10.0.0.1", [b"1.1.1.1\"evil"], "10.0.0.1"),
    ],
)  # fmt: skip
def test_the_client_is_the_last_that_is_not_one_of_ours(peer: str, chain: list[bytes], ip: str) -> None:
    assert origin_of(peer, chain, None, OURS).ip == ip


def test_what_stands_before_nonsense_is_not_passed_on() -> None:
    assert origin_of("10.0.0.1", [b"1.1.1.1, \"evil, 192.0.2.9:1,10.0.0.7"], None, OURS).chain == "192.0.2.9:1, 10.0.0.7"
    assert origin_of("10.0.0.1", [b"1.1.1.1, 192.0.2.9"], None, OURS).chain == "1.1.1.1, 192.0.2.9"
    assert origin_of("10.0.0.1", [b"nonsense"], None, OURS).chain == ""


def test_of_a_list_without_end_only_its_end_is_read() -> None:
    origin = origin_of("10.0.0.1", [b"1.1.1.1," * 20_000 + b"192.0.2.9"], None, OURS)
    assert (origin.ip, origin.chain.count(",")) == ("192.0.2.9", 31)


def test_only_ours_may_say_whether_the_client_spoke_tls() -> None:
    assert origin_of("10.0.0.1", [], b"https", OURS).secure is True
    assert origin_of("10.0.0.1", [], b"HTTP", OURS).secure is False
    assert origin_of("10.0.0.1", [], None, OURS).secure is None
    assert origin_of("192.0.2.1", [], b"https", OURS).secure is None


def test_what_is_no_address_is_not_trusted() -> None:
    assert not is_trusted("", OURS)
    assert not is_trusted("mail", OURS)
    assert is_trusted("::1", OURS)
