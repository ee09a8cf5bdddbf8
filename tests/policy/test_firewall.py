"""Firewall rules: the first that fits decides, and what a rule does not name fits everything."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapiproxy.policy.firewall import (
    Firewall,
    FirewallRule,
    _read_version,
    client_version,
    parse_version_test,
    plain_address,
)

OFFICE = "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.4266; Pro)"


def judge(firewall: Firewall, ip: str = "10.0.0.1", vdir: str = "mapi", method: str = "POST",
          request_type: str | None = "Execute", application: str | None = None, agent: str | None = None) -> str | None:  # fmt: skip
    rule = firewall.denies(ip, vdir, method, request_type, application, agent)
    return None if rule is None else rule.name


def test_without_rules_everything_passes() -> None:
    assert judge(Firewall()) is None


def test_the_first_rule_that_fits_decides() -> None:
    firewall = Firewall((
        FirewallRule("allow", "admins", (ip_network("10.0.0.0/8"), ip_network("2001:db8::/32")), frozenset({"ecp"})),
        FirewallRule("deny", "outside", vdirs=frozenset({"ecp", "powershell"})),
    ))  # fmt: skip
    assert judge(firewall, vdir="ecp") is None
    assert judge(firewall, "2001:db8::7%eth0", vdir="ecp") is None
    assert judge(firewall, "::ffff:10.9.9.9", vdir="ecp") is None
    assert judge(firewall, "192.0.2.1", vdir="ecp") == "outside"
    assert judge(firewall, "10.0.0.1", vdir="powershell") == "outside"
    assert judge(firewall, "not an address", vdir="ecp") == "outside"
    assert judge(firewall, vdir="mapi") is None


def test_method_and_request_type_without_regard_to_case() -> None:
    firewall = Firewall((FirewallRule("deny", "x", methods=frozenset({"POST"}), request_types=frozenset({"connect"})),))
    assert judge(firewall, method="post", request_type="Connect") == "x"
    assert judge(firewall, method="GET", request_type="Connect") is None
    assert judge(firewall, request_type=None) is None


@pytest.mark.parametrize(
    ("test", "application", "agent", "fits"),
    [
        ("<15.0.4569.1506", "Outlook/14.0.7113.5000", None, True),
        ("<15.0.4569.1506", "Outlook/15.0.4569.1506", None, False),
        ("<15.0.4569.1506", "Outlook/15.0.4569.1503", None, True),
        (">=16.0", None, OFFICE, True),
        ("==16.0.4266", None, OFFICE, True),
        ("==16", "Outlook/16.0.0.0", None, True),
        ("<=16.0.4266", None, OFFICE, True),
        ("!=16.0.4266", None, OFFICE, False),
        (">16.0.9", "Outlook/16.0.10", None, True),
        ("<16.0", None, "curl/8", False),
        ("unknown", None, "curl/8", True),
        ("unknown", None, OFFICE, False),
        ("<15.0", "Outlook/14.0", OFFICE, True),
        # User-Agent leaves the fourth part out: this may be the very build that speaks MAPI/HTTP.
        ("<15.0.4569.1506", None, "Microsoft Office/15.0 (Windows NT 6.1; Microsoft Outlook 15.0.4569; Pro)", False),
        ("<15.0.4569.1506", None, "Outlook/15.0 (15.0.4569.1503; MSI; x86)", True),
        ("==16.0", "Outlook/16.0.4266.1001", None, True),
        (">=16.0", None, "Microsoft Office/16.0 (Windows NT 10.0; MAPI 16.0.9001; Pro)", True),
        ("unknown", "MapiHttpClient/15.20.5504.0", "MacOutlook/16.78.3 (Intelx64)", True),
    ],
)
def test_versions_are_compared_as_numbers_and_a_client_may_not_tell(
    test: str, application: str | None, agent: str | None, fits: bool
) -> None:
    firewall = Firewall((FirewallRule("deny", "old", versions=(parse_version_test(test),)),))
    assert (judge(firewall, application=application, agent=agent) == "old") is fits


def test_those_that_do_not_tell_can_be_listed_beside_those_that_are_old() -> None:
    tests = tuple(map(parse_version_test, (">=14.0", "<15.0", "unknown")))
    firewall = Firewall((FirewallRule("deny", "old", versions=tests),))
    assert judge(firewall, application="Outlook/14.0.7113.5000") == "old"
    assert judge(firewall, agent="curl/8") == "old"
    assert judge(firewall, application="Outlook/16.0.4266.1001") is None


def test_no_header_is_kept_whole_because_its_version_was_looked_for() -> None:
    _read_version.cache_clear()
    for n in range(20):
        client_version("a" * 99_000 + str(n), "b" * 99_000 + str(n))
    assert _read_version.cache_info().currsize == 2


@pytest.mark.parametrize("text", ["16.0", "<", "<16.x", "< 16.0.0.0.0", "~16", "", "<999999"])
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no version"):
        parse_version_test(text)


@given(st.text(), st.text(), st.none() | st.text())
def test_whatever_clients_say_of_themselves_is_no_error(ip: str, application: str, agent: str | None) -> None:
    firewall = Firewall((FirewallRule("deny", "x", (ip_network("10.0.0.0/8"),), versions=(parse_version_test("<1"),)),))
    judge(firewall, ip, application=application, agent=agent)
    client_version(application, agent)
    plain_address(ip)
