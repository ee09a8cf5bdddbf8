"""Autodiscover answers that are changed on their way, and all those that are not."""

from __future__ import annotations

from typing import Any

import pytest
from support.autodiscover import ANSWER, URLS
from support.script import Play, answer, request

from mapiproxy.backends.fleet import Admin
from mapiproxy.backends.vdir import VirtualDirectory
from mapiproxy.exchange.exchange import Exchange
from mapiproxy.policy.headers import Hop
from mapiproxy.policy.mapihttp import MapiHttp
from mapiproxy.policy.published import Published
from mapiproxy.wire.errors import WireError

XML = "Content-Type: text/xml; charset=utf-8"
PATH = "/Autodiscover/Autodiscover.xml"


def play(published: Published = URLS, mapi_http: MapiHttp | None = None, *fields: str) -> Play:
    made = Play(request(None, "X-MapiHttpCapability: 1", "Accept-Encoding: gzip", *fields, path=PATH))
    made.rules.pools[0].vdir = VirtualDirectory("autodiscover")
    made.rules.forget_paths()
    made.rules.published = published
    if mapi_http is not None:
        made.rules.mapi_http = mapi_http
    made.exchange = Exchange(made.rules, made.exchange.head, Hop("192.0.2.7", True), made.ledger)
    return made


def test_an_answer_is_gathered_changed_and_sent_with_its_own_length():
    made = play()
    made.sent()
    said = made.do("response_head", answer(200, XML, "Transfer-Encoding: chunked", "X-Other: kept", code=None, length=None))
    assert said == ["arm QUIET 90"]

    tap = made.exchange.watch(pytest.fail)
    assert tap is not None
    for at in range(0, len(ANSWER), 100):
        tap(ANSWER[at : at + 100])
    assert made.do("response_end") == ["to client 200", "finish client backend"]

    head, _, body = made.bytes_to_client.partition(b"\r\n\r\n")
    assert b"https://mail.example.com/mapi/emsmdb/" in body
    assert b"Content-Length: %d" % len(body) in head
    assert b"chunked" not in head
    assert b"X-Other: kept" in head


def test_what_would_spoil_it_is_not_asked_for():
    made = play()
    made.do("begin")
    made.do("connected", True, True)
    assert b"Accept-Encoding" not in made.bytes_to_backend
    assert b"X-MapiHttpCapability: 1" in made.bytes_to_backend

    made = play(Published())
    made.do("begin")
    made.do("connected", True, True)
    assert b"Accept-Encoding: gzip" in made.bytes_to_backend


@pytest.mark.parametrize(
    "head",
    [
        answer(401, XML, code=None),
        answer(200, "Content-Type: application/json", code=None),
        answer(200, XML, "Content-Encoding: gzip", code=None),
    ],
)  # fmt: skip
def test_other_answers_pass_as_they_come(head):
    made = play()
    made.answering(head)
    assert made.bytes_to_client == head.raw
    assert made.exchange.edited is None


def test_without_anything_to_change_nothing_is_gathered():
    made = play(Published())
    made.answering(answer(200, XML, code=None))
    assert made.exchange.edited is None


def test_an_answer_without_end_is_none_of_autodiscovers():
    made = play()
    made.answering(answer(200, XML, "Transfer-Encoding: chunked", code=None, length=None))
    for _ in range(10):
        made.exchange.gather(b" " * 100_000)
    with pytest.raises(WireError, match="cannot be published"):
        made.exchange.gather(b" " * 100_000)
    assert made.do("backend_unreadable", WireError("too long"))[:2] == ["drop backend", "cut"]
    assert made.bytes_to_client == b""


def test_a_blocked_mailbox_is_known_by_its_answer_and_not_by_who_asks():
    made = play(Published(), MapiHttp(blocked=("alice@example.com",)))
    made.answering(answer(200, XML, code=None))
    made.exchange.gather(ANSWER)
    made.do("response_end")
    assert b"mapiHttp" not in made.bytes_to_client


def test_the_home_that_an_answer_tells_is_where_the_mailbox_goes():
    made = play(Published(homes=True))
    made.answering(answer(200, XML, code=None))
    made.exchange.gather(ANSWER.replace(b"exch2.corp.local", b"two.example.test"))
    made.do("response_end")
    assert made.rules.homes == {"ab@example.com": "two", "alice@example.com": "two"}

    made.rules.pools[0].vdir = VirtualDirectory("mapi")
    made.rules.forget_paths()

    def asked(mailbox: str) -> Any:
        head = request("Connect", path=f"/mapi/emsmdb/?MailboxId={mailbox}")
        exchange = Exchange(made.rules, head, Hop("192.0.2.7", True), made.ledger)
        exchange.begin(1.0)
        return exchange.backend and exchange.backend.name

    assert asked("AB@example.com") == "two"
    made.backends["two"].admin = Admin.DRAIN
    assert asked("AB@example.com") == "one"
