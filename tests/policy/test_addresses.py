"""Is this address in one of these networks?"""

from __future__ import annotations

import pytest

from mapiproxy.policy.addresses import Networks, read_address, read_network


@pytest.mark.parametrize(
    ("text", "ip", "inside"),
    [
        ("10.0.0.0/8", "10.255.0.1", True),
        ("10.0.0.0/8", "11.0.0.1", False),
        ("10.0.0.0/8", "::ffff:10.1.2.3", True),
        ("10.0.0.0/8", "::ffff:0a01:0203", True),
        ("::ffff:10.0.0.0/104", "10.1.2.3", True),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("192.0.2.7", "192.0.2.7", True),
        ("fe80::/10", "fe80::1%eth0", True),
        ("fd00::/8", "10.0.0.1", False),
        ("::/0", "10.0.0.1", False),
        ("0.0.0.0/0", "", False),
        ("0.0.0.0/0", "10.0.0.01", False),
        ("0.0.0.0/0", "1" * 100, False),
    ],
)
def test_an_address_is_in_a_network_however_it_is_written(text, ip, inside):
    networks = Networks(["203.0.113.0/24", text])
    assert networks.holds(ip) is inside
    assert networks.holds(ip) is inside


@pytest.mark.parametrize(
    ("text", "says"),
    [("10.0.0.1/8", "write 10.0.0.0/8"), ("example.com", "is no network"), ("", "is no network"), ("10.0.0.0/33", "is no network")],
)
def test_a_network_that_cannot_be_read_is_told_in_words(text, says):
    with pytest.raises(ValueError, match=says):
        read_network(text)


def test_no_networks_hold_nobody_and_equal_ones_are_equal():
    assert not Networks()
    assert not Networks().holds("10.0.0.1")
    assert Networks(["10.0.0.0/8"]) == Networks([read_network("10.0.0.0/8")])
    assert Networks(["10.0.0.0/8"]) != Networks(["11.0.0.0/8"])
    assert "10.0.0.0/8" in repr(Networks(["10.0.0.0/8"]))
    assert hash(Networks(["10.0.0.0/8"])) == hash(Networks(["10.0.0.0/8"]))


def test_what_is_no_address_is_none():
    assert read_address("[::1]") is None
    assert str(read_address("::ffff:192.0.2.1")) == "192.0.2.1"
