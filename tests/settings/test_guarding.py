"""Firewall rules and limits, as a file says them."""

from __future__ import annotations

from pathlib import Path

from support.settings_files import PLAIN, complaints, write_config

from mapiproxy.settings import load_settings

RULES = """
[[firewall]]
name = "admins"
action = "allow"
network = "10.1.0.0/24"
vdir = "ECP"
[[firewall]]
action = "deny"
vdir = ["ecp"]
client_version = ["<15.0", "unknown"]
"""


def test_rules_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    firewall = load_settings(write_config(tmp_path, PLAIN + RULES)).firewall
    assert [(rule.name, rule.action) for rule in firewall.rules] == [("admins", "allow"), ("2", "deny")]
    assert firewall.denies("10.1.0.9", "ecp", "GET", None, None, None) is None
    old = firewall.denies("10.2.0.9", "ecp", "GET", None, "Outlook/14.0", None)
    assert old is not None
    assert old.name == "2"
    assert firewall.rules[1].vdirs == {"ecp"}


def test_what_is_wrong_with_a_rule_is_said_with_its_place(tmp_path: Path) -> None:
    found = complaints(
        tmp_path,
        PLAIN
        + '[[firewall]]\nvdir = ["eco"]\n[[firewall]]\naction = "deny"\n'
        + '[[firewall]]\naction = "drop"\nnetwork = "10.0.0.1/8"\nclient_version = "16"\n',
    )
    for words in (
        'firewall[0].action: missing; write action = "deny" or "allow"',
        'firewall[0].vdir[0]: there is no virtual directory "eco"; did you mean "ecp"?',
        "warning: firewall[1]: names nothing, so it denies everything",
        'firewall[2].action: must be "allow" or "deny", not "drop"',
        'firewall[2].network: "10.0.0.1/8" is not a network: 10.0.0.1/8 has host bits set',
        'firewall[2].client_version: \'16\' is no version; write "<16.0.4266"',
    ):
        assert any(words in each for each in found), (words, found)


def test_limits_are_numbers_that_make_sense(tmp_path: Path) -> None:
    text = PLAIN + "[quotas]\naddress_connections = -1\nmailbox_rate = 5\nmailbox_burst = 0\n[guard]\nlockout = -2\n"
    found = complaints(tmp_path, text)
    assert any("quotas.address_connections: must be 0" in each for each in found)
    assert any("quotas.mailbox_burst: must be at least 1" in each for each in found)
    assert any("guard.lockout: must be 0" in each for each in found)


def test_a_listener_that_takes_proxy_headers_has_to_say_from_whom(tmp_path: Path) -> None:
    text = PLAIN.replace("tls = false", "tls = false\nproxy_protocol = true")
    assert "missing: with proxy_protocol nobody else may connect" in complaints(tmp_path, text)[0]
    fine = text.replace("proxy_protocol = true", 'proxy_protocol = true\ntrusted = "10.0.0.1"')
    (listener,) = load_settings(write_config(tmp_path, fine)).listeners
    assert [str(each) for each in listener.trusted] == ["10.0.0.1/32"]
