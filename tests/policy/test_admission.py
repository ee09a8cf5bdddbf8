"""What may come in: anything that has one reading, and nothing that has two."""

from __future__ import annotations

import pytest

from mapiproxy.policy.admission import admit
from mapiproxy.wire.heads import parse_request_head


def head(target: str = "/mapi/emsmdb/?MailboxId=a@b", *fields: str, host: str = "mail.example.test",
         method: str = "POST", version: str = "1.1"):  # fmt: skip
    lines = [f"{method} {target} HTTP/{version}", f"Host: {host}", *fields, "", ""]
    return parse_request_head("\r\n".join(lines).encode("latin-1"))


@pytest.mark.parametrize(
    "target",
    [
        "/mapi/emsmdb/?MailboxId=a@b",
        "/MAPI/NSPI/?mailboxid=a@b",
        "/mapi/healthcheck.htm",
        "/.well-known/x",
        "/a%20b/c",
        "/a?x=/../..//%2e%2e\\:",
        "http://mail.example.test/mapi/emsmdb/?MailboxId=a@b",
        "HTTPS://MAIL.example.test/mapi/",
    ],
)
def test_targets_with_one_reading_come_in(target):
    assert admit(head(target)) is None


@pytest.mark.parametrize(
    "target",
    [
        "/mapi/../owa/", "/mapi/./x", "/..", "/mapi/%2e%2e/owa/", "/mapi/.%2E/owa/", "/mapi/...;x",
        "/mapi//emsmdb", "/mapi%2femsmdb", "/mapi%5cemsmdb", "/mapi\\emsmdb", "/a%252e", "/a%00", "/a%0d",
        "/a%7f", "/a%u002e", "/a%2", "/a%zz", "/a%23b", "/a%3fb", "/a%c0%ae", "/mapi/emsmdb./", "/mapi/emsmdb.",
        "/mapi/emsmdb::$DATA", "/a|b", "/a^b", "/a`b", "/a{b}",
        "/a#b", "/a?x#b", "ftp://mail.example.test/", "http://other.example.test/mapi/",
        "http://mail.example.test/mapi/../owa/",
    ],
)  # fmt: skip
def test_targets_that_a_backend_may_read_otherwise_stay_out(target):
    refusal = admit(head(target))

    assert refusal is not None
    assert refusal.status == 400


def test_the_asterisk_is_for_options():
    assert admit(head("*", method="OPTIONS")) is None


@pytest.mark.parametrize("host", ["a", "mail.example.test:443", "[::1]", "[2001:db8::1]:8443", "10.0.0.1", "a_b"])
def test_names_and_addresses_are_hosts(host):
    assert admit(head(host=host)) is None


@pytest.mark.parametrize("host", ["", "a b", "a,b", "a/b", "user@a", "a:80:80", "a:", "a:123456", "\xff", "x" * 300])
def test_anything_else_is_not(host):
    assert admit(head(host=host)).status == 400


@pytest.mark.parametrize("name", ["Authorization", "Expect", "Content-Type", "Connection"])
def test_a_repeat_of_what_two_readers_may_take_differently_is_named(name):
    refusal = admit(head("/mapi/", f"{name}: close", f"{name.upper()}: other"))

    assert refusal.status == 400
    assert refusal.text.startswith(name.lower())


@pytest.mark.parametrize("option", ["cookie", "Authorization", "X-ClientInfo", "content-type"])
def test_connection_may_not_take_end_to_end_headers_away(option):
    refusal = admit(head("/mapi/", f"Connection: keep-alive, {option}"))

    assert refusal.status == 400
    assert option.lower() in refusal.text


def test_an_expectation_that_nobody_can_meet_is_refused():
    assert admit(head("/mapi/", "Expect: 200-ok")).status == 417
    assert admit(head("/mapi/", "Expect: 100-Continue")) is None
    assert admit(head("/mapi/", "Expect: 200-ok", version="1.0")) is None


def test_no_refusal_repeats_a_secret():
    for fields in (["Authorization: Basic c2VjcmV0", "Authorization: x"], ["Connection: cookie", "Cookie: c2VjcmV0"]):
        assert "c2VjcmV0" not in admit(head("/mapi/", *fields)).text
