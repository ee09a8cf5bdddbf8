"""What clients get to see of an Autodiscover answer."""

from __future__ import annotations

from support.autodiscover import ANSWER, URLS

from mapiproxy.policy.mapihttp import MapiHttp
from mapiproxy.policy.published import Published, publish


def test_the_published_names_replace_the_servers_own():
    seen = publish(ANSWER, URLS, MapiHttp(), None)
    assert b"<InternalUrl>https://in.example.com/mapi/emsmdb/?MailboxId=ab@example.com<" in seen
    assert b"<ExternalUrl>https://mail.example.com/mapi/emsmdb/?MailboxId=ab@example.com<" in seen


def test_what_nobody_wants_changed_is_not_touched():
    assert publish(ANSWER, Published(homes=True), MapiHttp(), None) is ANSWER
    assert Published(homes=True).wanted
    assert URLS.wanted
    assert not Published().wanted


def test_a_mailbox_that_may_not_is_not_told_of_mapi_http_by_whatever_name_it_is_blocked():
    for name in ("alice@example.com", "ab@example.com", "corp\\alice"):
        seen = publish(ANSWER, URLS, MapiHttp(blocked=(name,)), "CORP\\alice")
        assert b"mapiHttp" not in seen
        assert b'<Protocol Type="WEB"/>' in seen
    assert b"mapiHttp" in publish(ANSWER, URLS, MapiHttp(blocked=("bob@example.com",)), "CORP\\alice")


def test_one_mailbox_may_where_the_organisation_may_not():
    assert b"mapiHttp" in publish(ANSWER, URLS, MapiHttp(False, allowed=("alice@example.com",)), None)
    assert b"mapiHttp" not in publish(ANSWER, URLS, MapiHttp(False), None)
