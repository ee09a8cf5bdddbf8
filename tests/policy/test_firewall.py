"""May this client ask this at all?"""

from __future__ import annotations

import pytest

from mapiproxy.policy.firewall import Action, Firewall, FirewallRule, Versions, told_version

OFFICE = b"Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.4266; Pro)"


def judge(firewall, ip="10.0.0.1", vdir="mapi", method="POST", request_type="Execute", application=None, agent=None):
    rule = firewall.judge(ip, vdir, method, request_type, application, agent)
    return None if rule is None else rule.name


def test_without_rules_everything_passes():
    assert not Firewall()
    assert judge(Firewall()) is None


def test_the_first_rule_that_fits_decides():
    firewall = Firewall([
        FirewallRule("allow", ["10.0.0.0/8"], ["powershell"], name="admins"),
        FirewallRule("deny", vdirs=["powershell", "ECP"], name="outside"),
        FirewallRule("allow", name="rest"),
    ])  # fmt: skip
    assert judge(firewall, vdir="powershell") == "admins"
    assert judge(firewall, "::ffff:10.9.9.9", vdir="powershell") == "admins"
    assert judge(firewall, "192.0.2.1", vdir="powershell") == "outside"
    assert judge(firewall, vdir="ecp") == "outside"
    assert judge(firewall, "192.0.2.1") == "rest"
    assert judge(firewall, vdir=None) == "rest"


def test_every_list_of_a_rule_must_fit_and_any_entry_of_a_list():
    rule = FirewallRule("deny", ["10.0.0.0/8", "fd00::/8"], ["mapi"], ["POST", "get"], ["Bind", "connect"], name="x")
    firewall = Firewall([rule])
    assert rule.denies
    assert judge(firewall, request_type="Connect") == "x"
    assert judge(firewall, "fd00::1", method="GET", request_type="BIND") == "x"
    assert judge(firewall, "11.0.0.1", request_type="Connect") is None
    assert judge(firewall, vdir="ews", request_type="Connect") is None
    assert judge(firewall, vdir=None, request_type="Connect") is None
    assert judge(firewall, method="PUT", request_type="Connect") is None
    assert judge(firewall, request_type="Execute") is None
    assert judge(firewall, request_type=None) is None


def test_what_is_no_address_fits_no_rule_about_networks():
    firewall = Firewall([FirewallRule("deny", ["0.0.0.0/0", "::/0"], name="all")])
    assert judge(firewall, "") is None
    assert judge(firewall, "127.0.0.1") == "all"


@pytest.mark.parametrize(
    ("application", "agent", "version"),
    [
        (b"Outlook/15.0.4569.1506", None, (15, 0, 4569, 1506)),
        (b"outlook/16.0.4266.1001", OFFICE, (16, 0, 4266, 1001)),
        (b"MapiHttpClient/15.20.5504.0", None, None),
        (b"MapiHttpClient/15.20.5504.0", OFFICE, (16, 0, 4266)),
        (None, OFFICE, (16, 0, 4266)),
        (None, b"Outlook/15.0 (15.0.4569.1503; MSI; x86)", (15, 0, 4569, 1503)),
        (None, b"Microsoft Office/16.0 (Windows NT 10.0; MAPI 16.0.9001; Pro)", (16, 0, 9001)),
        (None, b"MacOutlook/16.78.23 (Intel)", None),
        (None, b"Outlook-iOS/2.0", None),
        (None, b"Mozilla/5.0", None),
        (None, b"x" * 100_000 + b"Outlook/16.0", None),
        (None, None, None),
    ],
)
def test_the_version_of_outlook_is_read_where_it_is_told(application, agent, version):
    assert told_version(application, agent) == version


@pytest.mark.parametrize(
    ("expression", "version", "fits"),
    [
        ("<16.0.4266", (16, 0, 4265, 9999), True),
        ("<16.0.4266", (16, 0, 4266, 1001), False),
        ("<16.0.4266", (9, 9), True),
        ("<16.0.4266", (16, 0, 10000), False),
        ("<=16.0.4266", (16, 0, 4266, 1001), True),
        (">16.0.4266", (16, 0, 4266, 1001), False),
        (">=15.0.4569.1506", (15, 0, 4569, 1506), True),
        (">=15.0.4569.1506", (15, 0, 4569, 1505), False),
        (">=15.0.4569.1506", (15, 0, 4569), True),
        ("<15.0.4569.1506", (15, 0, 4569), False),
        ("==16.0", (16, 0, 4266), True),
        ("== 16.0.*", (16, 0, 4266), True),
        ("16", (16, 0, 4266), True),
        ("16.1", (16, 0, 4266), False),
        (">=15.0, <16.0", (15, 1, 3), True),
        (">=15.0,<16.0", (16, 0, 1), False),
        ("*", (1,), True),
        ("*", None, False),
        ("<99", None, False),
        ("unknown", None, True),
        ("unknown", (16, 0), False),
    ],
)
def test_versions_are_compared_as_numbers(expression, version, fits):
    assert Versions(expression).fit(version) is fits


@pytest.mark.parametrize("text", ["", "<", "~16", "16.x", "<16.*", ">=15,", "1.2.3.4.5", "<٣", "16.0 17.0"])
def test_an_expression_that_cannot_be_read_is_refused(text):
    with pytest.raises(ValueError, match="is no client version"):
        FirewallRule("deny", client_versions=[text])


def test_who_tells_no_version_is_meant_only_where_unknown_is_listed():
    old = Firewall([FirewallRule("deny", client_versions=["<16.0"], name="old")])
    strict = Firewall([FirewallRule("deny", client_versions=["<16.0", "unknown"], name="old")])
    assert judge(old) is None
    assert judge(strict) == "old"
    assert judge(old, application=b"Outlook/15.0.4569.1506") == "old"
    assert judge(strict, application=b"Outlook/16.0.4266.1001") is None


def test_an_address_is_looked_up_among_the_networks_once():
    firewall = Firewall([FirewallRule(Action.DENY, [f"10.{n}.0.0/16"]) for n in range(200)])
    for _ in range(5):
        assert judge(firewall, "192.0.2.1") is None
    assert firewall._concerning.cache_info().misses == 1


@pytest.mark.parametrize("arguments", [("drop",), ("deny", ["10.0.0.1/8"])])
def test_a_rule_that_makes_no_sense_cannot_be_made(arguments):
    with pytest.raises(ValueError):  # noqa: PT011
        FirewallRule(*arguments)
