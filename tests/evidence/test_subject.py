"""Who is meant by a name."""

from __future__ import annotations

import pytest
from support.logrows import their_row

from mapiproxy.evidence.subject import Subject

ROW = their_row(
    AuthenticatedUser="CORP\\Alice", Organization="corp.example",
    AnchorMailbox="MailboxGuid~0AA89CF8-1111-2222-3333-444455556666",
    UrlQuery="?MailboxId=0aa89cf8-1111-2222-3333-444455556666@corp.example", ClientIpAddress="10.0.0.7:4444",
)  # fmt: skip


@pytest.mark.parametrize(
    "name",
    [
        "alice", "ALICE", "corp\\alice", "CORP\\ALICE", "alice@", "alice@corp.example", " alice ",
        "0aa89cf8-1111-2222-3333-444455556666", "0AA89CF8-1111-2222-3333-444455556666@corp.example",
        "10.0.0.7",
    ],
)  # fmt: skip
def test_every_way_to_name_somebody(name: str) -> None:
    assert Subject(name).names(ROW)


@pytest.mark.parametrize(
    "name",
    ["ali", "alicea", "other\\alice", "alice@other.example", "10.0.0.70", "0aa89cf8-1111-2222-3333-444455556667", "corp", "user"],
)
def test_nobody_else_is_meant(name: str) -> None:
    assert not Subject(name).names(ROW)


def test_addresses_of_mailboxes_and_users_that_are_addresses() -> None:
    smtp = their_row(AuthenticatedUser="", AnchorMailbox="Smtp~Alice@corp.example")
    upn = their_row(AuthenticatedUser="Alice@Corp.Example")
    query = their_row(AuthenticatedUser="", AnchorMailbox="", UrlQuery="?MailboxId=alice%40corp.example")
    for name in ("alice", "alice@", "alice@corp.example"):
        assert [Subject(name).names(row) for row in (smtp, upn, query)] == [True] * 3
    assert not Subject("corp\\alice").names(smtp)


def test_an_address_of_ipv6_in_any_spelling() -> None:
    row = their_row(ClientIpAddress="fe80::1:2%3")
    assert Subject("FE80:0::1:2").names(row)


def test_nameless_rows_belong_to_whose_mailbox_or_outlook_they_name() -> None:
    subject = Subject("alice")
    nameless = their_row(AuthenticatedUser="", HttpStatus=401)
    assert not subject.owns(nameless)
    subject.learn(their_row(AuthenticatedUser="CORP\\alice"))

    assert subject.owns(nameless)
    assert not subject.owns(their_row(AuthenticatedUser="CORP\\bob"))
    other = {"ClientRequestId": "R:x:1;RT:Execute;CI:{other}:1;CID:<null>"}
    assert subject.owns(their_row(AuthenticatedUser="", **other))
    assert not subject.owns(their_row(AuthenticatedUser="", AnchorMailbox="MailboxGuid~b", **other))


def test_a_mailbox_is_known_with_and_without_its_domain() -> None:
    """Exchange writes no AnchorMailbox for a 401; the URL has GUID and domain."""
    subject = Subject("alice")
    subject.learn(ROW)
    refused = {"AuthenticatedUser": "", "AnchorMailbox": "", "ClientRequestId": "R:x:1;RT:Connect;CI:{new}:1;CID:<null>"}
    guid = "0aa89cf8-1111-2222-3333-444455556666"
    assert subject.owns(their_row(**refused, UrlQuery=f"?MailboxId={guid}@corp.example"))
    assert not subject.owns(their_row(**refused, UrlQuery=f"?MailboxId={guid[:-1]}7@corp.example"))


def test_a_device_of_activesync_says_who_it_is() -> None:
    device = {"Protocol": "Eas", "AuthenticatedUser": "", "AnchorMailbox": "", "HttpStatus": 401}
    row = their_row(**device, UrlQuery="?Cmd=Sync&User=CORP%5Calice&DeviceId=1")
    assert [Subject(name).names(row) for name in ("alice", "corp\\alice", "bob", "other\\alice")] == [True, True, False, False]
    assert not Subject("alice").names(their_row(**(device | {"Protocol": "Ews"}), UrlQuery="?User=alice"))


def test_a_mailbox_that_is_only_opened_now_and_then_is_somebody_elses() -> None:
    subject = Subject("alice")
    for guid in ("mine", "mine", "bobs"):
        subject.learn(their_row(AnchorMailbox=f"MailboxGuid~{guid}", ClientRequestId=""))

    assert subject.owns(their_row(AuthenticatedUser="", ClientRequestId="", AnchorMailbox="MailboxGuid~mine"))
    assert not subject.owns(their_row(AuthenticatedUser="", ClientRequestId="", AnchorMailbox="MailboxGuid~bobs"))


def test_the_needle_is_in_every_row_that_names_them() -> None:
    assert [Subject(name).needle for name in ("CORP\\Alice", "alice@x.y", "10.0.0.7", "jörg")] == [b"alice", b"alice", None, None]


@pytest.mark.parametrize("name", ["", " ", "corp\\", "@corp"])
def test_a_name_that_names_nobody_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="names nobody"):
        Subject(name)
