"""What a head says that the log will want."""

from __future__ import annotations

from base64 import b64encode

import pytest

from mapiproxy.record.opening import open_ledger
from mapiproxy.wire.heads import parse_request_head


def opened(*fields: str, host: str = "mail.example.test:443"):
    lines = ["POST /mapi/emsmdb/?MailboxId=G@d HTTP/1.1", f"Host: {host}", *fields, "", ""]
    return open_ledger("id", 1.0, 1000.0, parse_request_head("\r\n".join(lines).encode()), "192.0.2.1", 5)


def test_headers_are_kept_as_received():
    ledger = opened(
        "X-RequestType: connect", "X-RequestId: {A}:1", "X-ClientInfo: {B}:2", "client-request-id: {C}",
        "X-ClientApplication: Outlook/16.0", "User-Agent: Microsoft Office/16.0 (a, b)",
    )  # fmt: skip

    assert (ledger.request_type, ledger.mapi_request_id, ledger.client_info) == ("connect", "{A}:1", "{B}:2")
    assert (ledger.client_request_id, ledger.client_application) == ("{C}", "Outlook/16.0")
    assert ledger.user_agent == "Microsoft Office/16.0 (a, b)"
    assert (ledger.method, ledger.path, ledger.query) == ("POST", "/mapi/emsmdb/", "?MailboxId=G@d")
    assert (ledger.mailbox, ledger.client_ip, ledger.client_port) == ("G@d", "192.0.2.1", 5)


@pytest.mark.parametrize(("host", "name"), [("a.b:443", "a.b"), ("a.b", "a.b"), ("[::1]:443", "::1"), ("[::1]", "::1"), ("alice:s3cret@a.b:443", "a.b")])
def test_the_host_is_kept_without_its_port(host, name):
    assert opened(host=host).host == name


def test_of_credentials_only_scheme_and_basic_name_are_kept():
    ledger = opened("Authorization: Basic YWxpY2U6cGFzc3dvcmQ=", "Cookie: MapiContext=topsecret")

    assert (ledger.auth_scheme, ledger.user) == ("Basic", "alice")
    assert not [word for word in ("password", "YWxpY2U6", "topsecret") if word in repr(ledger)]


@pytest.mark.parametrize("value", ["s3cr3t-token-without-scheme", "Token=s3cr3t more", "s3cr3t"])
def test_a_secret_sent_without_a_scheme_is_not_taken_for_one(value):
    """Whoever forgets the scheme must not find the token in the log's AuthenticationType."""
    ledger = opened(f"Authorization: {value}")

    assert ledger.auth_scheme == "Other"
    assert "s3cr3t" not in repr(ledger)


def test_what_could_not_be_read_has_a_ledger_all_the_same():
    ledger = open_ledger("id", 1.0, 1000.0, None, "192.0.2.1", 5)

    assert (ledger.method, ledger.host, ledger.client_ip) == ("", "", "192.0.2.1")


def test_a_backend_cookie_is_told_as_what_it_says_and_a_form_only_as_a_form():
    text = "Database~fb7adba2-51f4-47e3-b170-fd39f85aaf35~~2023-02-05T01:00:04"
    flipped = b64encode(bytes(255 - byte for byte in text.encode())).decode()
    ledger = opened(f"Cookie: MapiContext=topsecret; X-BackEndCookie=G={flipped}", "X-AnchorMailbox: a@d")

    assert (ledger.route, ledger.by_form, ledger.anchor) == (text, False, "a@d")
    second = opened("Cookie: a=b; cadata=topsecret", f"Cookie: X-BackEndCookie=G={flipped}")
    assert (second.route, second.by_form) == (text, True)
    assert "topsecret" not in repr(ledger) + repr(second)
