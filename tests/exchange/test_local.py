"""Answers that come from us: bytes for the client, facts for the ledger."""

from __future__ import annotations

from mapiproxy.exchange.local import refuse, refuse_unread, tell_health
from mapiproxy.policy.refusals import Refusal
from mapiproxy.record.ending import Ending
from mapiproxy.record.ledger import Ledger
from mapiproxy.wire.errors import WireError


def ledger() -> Ledger:
    return Ledger(request_id="the-id", wall=1000.0, head_at=0.0)


def test_a_refusal_is_written_down():
    page = ledger()
    said = refuse(Refusal(503, "nobody is there", 5), page, b"POST", close=False)

    assert said.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert b"\r\nrequest-id: the-id\r\n" in said
    assert (page.status, page.ending, page.error) == (503, Ending.REFUSED, "nobody is there")


def test_the_first_reason_stays():
    page = ledger()
    page.ending, page.error = Ending.CONNECT_FAILED, "connect: refused"
    refuse(Refusal(503, "no backend could be reached"), page, b"POST", close=False)

    assert (page.ending, page.error) == (Ending.CONNECT_FAILED, "connect: refused")


def test_a_refusal_of_a_head_request_has_no_body():
    assert refuse(Refusal(404, "no"), ledger(), b"HEAD", close=False).endswith(b"\r\n\r\n")


def test_bytes_that_are_no_request_get_an_answer_that_closes():
    page = ledger()
    said = refuse_unread(WireError("Host is present more than once", header="Host"), page, 3.0)

    assert b"\r\nConnection: close\r\n" in said
    assert said.endswith(b"Host is present more than once\r\n")
    assert (page.ending, page.ended_at) == (Ending.PROTOCOL_ERROR, 3.0)


def test_health_is_told_in_the_words_of_exchange():
    page = ledger()

    assert tell_health("MX1", page, b"GET", close=False).endswith(b"\r\n\r\n200 OK<br/>MX1")
    assert page.routed_by == "local"
