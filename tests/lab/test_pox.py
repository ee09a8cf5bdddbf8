"""Autodiscover as the lab answers it: what is offered to whom, as an XML reader sees it."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from support.lab import ALICE, USERS

from mapiproxy.lab.pox import INNER, OUTER, REQUEST, Publishing, autodiscover, autodiscover_request
from mapiproxy.lab.requests import LabRequest

PUBLISHING = Publishing("https://lab1.corp.test/mapi")


def ask(
    kind: str = "exchange",
    capability: str | None = "1",
    body: bytes | None = None,
    publishing: Publishing = PUBLISHING,
    method: bytes = b"POST",
) -> ET.Element:
    headers = {b"host": b"Autodiscover.example.test"}
    if capability is not None:
        headers[b"x-mapihttpcapability"] = capability.encode()
    body = autodiscover_request("ALICE@example.test") if body is None else body
    request = LabRequest(method, b"/autodiscover/autodiscover.xml", b"HTTP/1.1", headers, len(body), body)
    return ET.fromstring(autodiscover(kind, publishing, USERS, request))


def kinds(tree: ET.Element) -> list[str | None]:
    return [
        each.get("Type") or each.findtext(f"{{{INNER}}}Type") for each in tree.iter(f"{{{INNER}}}Protocol")
    ]


@pytest.mark.parametrize("capability", ["1", "2", " 1 "])
def test_exchange_offers_mapi_http_alone_to_who_can_speak_it(capability: str) -> None:
    assert kinds(ask(capability=capability)) == ["mapiHttp"]


@pytest.mark.parametrize("capability", [None, "0", "", "-1", "one"])
def test_exchange_offers_outlook_anywhere_to_everybody_else(capability: str | None) -> None:
    assert kinds(ask(capability=capability)) == ["EXCH", "EXPR"]


@pytest.mark.parametrize("capability", [None, "1"])
def test_grommunio_does_not_look_at_the_header(capability: str | None) -> None:
    assert kinds(ask("grommunio", capability)) == ["EXCH", "EXPR", "mapiHttp"]


@pytest.mark.parametrize("kind", ["exchange", "grommunio"])
def test_a_mailbox_whose_mapi_http_is_off_is_offered_outlook_anywhere(kind: str) -> None:
    off = Publishing("https://lab1.corp.test/mapi", without_mapi_http={"alice@example.test"})
    assert kinds(ask(kind, publishing=off)) == ["EXCH", "EXPR"]


def test_urls_are_whole_and_the_mailbox_is_the_one_that_was_asked_for() -> None:
    tree = ask()
    found = [each.text for each in tree.iter() if each.tag.endswith("Url")]
    assert found == [
        f"https://lab1.corp.test/mapi/emsmdb/?MailboxId={ALICE.mailbox_id}",
        f"https://autodiscover.example.test/mapi/emsmdb/?MailboxId={ALICE.mailbox_id}",
        f"https://lab1.corp.test/mapi/nspi/?MailboxId={ALICE.mailbox_id}",
        f"https://autodiscover.example.test/mapi/nspi/?MailboxId={ALICE.mailbox_id}",
    ]
    assert next(tree.iter(f"{{{INNER}}}AutoDiscoverSMTPAddress")).text == "alice@example.test"
    assert next(tree.iter(f"{{{INNER}}}LegacyDN")).text == ALICE.dn


def test_exch_names_the_mailbox_and_expr_the_host() -> None:
    tree = ask(capability=None)
    servers = [each.text for each in tree.iter(f"{{{INNER}}}Server")]
    assert servers == [ALICE.mailbox_id, "autodiscover.example.test"]


def test_external_url_may_be_set() -> None:
    tree = ask(publishing=Publishing("https://a/mapi", "https://b.test/mapi"))
    assert next(tree.iter(f"{{{INNER}}}ExternalUrl")).text.startswith("https://b.test/mapi/emsmdb/")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "600"),
        (b"<not xml", "600"),
        (b'<?xml version="1.0" encoding="x-nobody"?><a/>', "600"),
        (f'<Autodiscover xmlns="{REQUEST}"/>'.encode(), "600"),
        (autodiscover_request("alice@example.test").replace(INNER.encode(), b"urn:other"), "600"),
        (autodiscover_request(""), "600"),
        (autodiscover_request("nobody@example.test"), "500"),
        (autodiscover_request("<&>@example.test"), "500"),
    ],
)
def test_errors_are_answers_too(body: bytes, code: str) -> None:
    tree = ask(body=body)
    assert next(tree.iter(f"{{{OUTER}}}ErrorCode")).text == code
    assert kinds(tree) == []


def test_a_get_is_an_invalid_request() -> None:
    assert next(ask(method=b"GET").iter(f"{{{OUTER}}}ErrorCode")).text == "600"
