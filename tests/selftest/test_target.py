"""URLs, probes and people, as operators write them."""

from __future__ import annotations

import base64

import pytest

from mapiproxy.selftest.target import (
    Account,
    BadTarget,
    Plan,
    Probe,
    Target,
    check_names,
    is_mailbox_id,
    read_probe,
    read_target,
)

GUID = "53055438-0ef9-5e5f-934c-8620557288e1@lab.test"


@pytest.mark.parametrize(
    ("text", "host", "port", "tls"),
    [
        ("mail.example.com", "mail.example.com", 443, True),
        ("https://mail.example.com/mapi", "mail.example.com", 443, True),
        ("https://Mail.Example.com:8443/MAPI/emsmdb/", "mail.example.com", 8443, True),
        ("http://10.0.0.1/", "10.0.0.1", 80, False),
        ("https://[2001:db8::1]:444/mapi/nspi/", "2001:db8::1", 444, True),
        ("https://poczta.łódź.example/", "poczta.xn--d-uga0v4h.example", 443, True),
        ("mail.example.com.", "mail.example.com", 443, True),
    ],
)
def test_a_url_or_a_bare_name_is_a_target(text, host, port, tls):
    target = read_target(text)
    assert (target.host, target.port, target.tls, target.reach) == (host, port, tls, None)


def test_the_mailbox_of_a_url_from_autodiscover_is_kept():
    assert read_target(f"https://m/mapi/emsmdb/?mailboxid={GUID}").mailbox_id == GUID


@pytest.mark.parametrize(
    ("reach", "found"),
    [("10.1.2.3", ("10.1.2.3", 8443)), ("exch1:444", ("exch1", 444)), ("[::1]:9", ("::1", 9))],
)
def test_somewhere_else_can_be_connected_to_by_default_at_the_same_port(reach, found):
    assert read_target("https://mail.example.com:8443", reach).reach == found


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("ftp://mail.example.com", "the scheme is ftp"),
        ("https://alice:secret@mail.example.com", "has a user in it"),
        ("https://mail.example.com/owa", "the path is /owa"),
        ("https://", "names no host"),
        ("https://bad_host!/", "names no host"),
        ("https://m:99999/", "no URL"),
        ("https://[::1/", "no URL"),
    ],
)
def test_what_cannot_be_a_target_is_refused_in_words(text, why):
    with pytest.raises(BadTarget, match=why) as caught:
        read_target(text)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("reach", ["", "a/b", "h:x", "u@h:1"])
def test_what_is_no_place_to_connect_to_is_refused(reach):
    with pytest.raises(BadTarget):
        read_target("https://m", reach)


def test_the_host_header_names_a_port_that_is_not_the_usual_one():
    assert Target("m", 443, True).authority == "m"
    assert Target("m", 80, False).authority == "m"
    assert Target("m", 8443, True).url == "https://m:8443/mapi/"
    assert Target("::1", 444, True).authority == "[::1]:444"


def test_probes_are_known_by_exchanges_identities_in_any_case():
    for probe in Probe:
        assert read_probe(probe.value) is probe
        assert read_probe(probe.short.upper()) is probe
    with pytest.raises(BadTarget, match="OutlookMapiHttpDeepTestProbe"):
        read_probe("OutlookRpcDeepTestProbe")


def test_a_listener_stands_where_exchange_has_a_database():
    plan = Plan(Probe.DEEP_TEST, Target("m", 443, True))
    assert plan.identity == r"OutlookMapiHttp.Protocol\OutlookMapiHttpDeepTestProbe"
    named = Plan(Probe.CTP, Target("m", 443, True), name="mail")
    assert named.identity == r"OutlookMapiHttpCtpProbe\mail"


def test_a_mailbox_id_is_a_guid_at_a_domain():
    assert is_mailbox_id(GUID)
    assert not is_mailbox_id("alice@lab.test")
    assert not is_mailbox_id(GUID + "&x=1")


@pytest.mark.parametrize("mailbox", [None, GUID, "alice@lab.test"])
def test_names_that_can_be_are_taken(mailbox):
    check_names(mailbox, "/o=Lab/ou=x/cn=Recipients/cn=Zo\xeb")


@pytest.mark.parametrize(
    ("mailbox", "dn"),
    [("alice", None), ("a b@c", None), ("a@b\r\nX: y", None), (None, "cn=x"), (None, "/o=\u0142"), (None, "/o=a\n")],
)
def test_names_that_cannot_be_are_refused(mailbox, dn):
    with pytest.raises(BadTarget):
        check_names(mailbox, dn)


def test_passwords_are_in_no_repr():
    account = Account("alice", "pass-word")
    assert "pass-word" not in repr(account)
    assert "pass-word" not in repr(Plan(Probe.CTP, Target("m", 443, True), "alice", "pass-word"))
    assert base64.b64decode(account.basic.partition(b" ")[2]) == b"alice:pass-word"
