"""Answers that come from us and not from a backend: the bytes for the client, the facts for the ledger."""

from __future__ import annotations

from mapiproxy.policy.refusals import Refusal, endpoint_disabled, healthy, session_lost, to_answer
from mapiproxy.record.ending import Ending
from mapiproxy.record.ledger import Ledger
from mapiproxy.wire.errors import WireError
from mapiproxy.wire.heads import RequestHead


def refuse(refusal: Refusal, ledger: Ledger, method: bytes, *, close: bool) -> bytes:
    """A refusal, written down."""
    if ledger.ending is Ending.DONE:
        ledger.ending = Ending.REFUSED
    ledger.error = ledger.error or refusal.text
    ledger.status = refusal.status
    return to_answer(
        refusal, request_id=ledger.request_id, head_only=method == b"HEAD", close=close
    )


def refuse_unread(error: WireError, ledger: Ledger, now: float) -> bytes:
    """The answer to bytes in which no request could be read; the connection closes after it."""
    ledger.ending = Ending.PROTOCOL_ERROR
    ledger.ended_at = now
    refusal = Refusal(error.status, error.text)
    return refuse(refusal, ledger, b"", close=True)


def lose_session(head: RequestHead, text: str, ledger: Ledger, *, close: bool) -> bytes:
    """X-ResponseCode 10 for a session that is lost for good, written down."""
    ledger.ending = Ending.REFUSED
    ledger.error = text
    ledger.status = 200
    ledger.response_code = 10
    ledger.routed_by = "local"
    return session_lost(head, text, request_id=ledger.request_id, close=close)


def deny_mapi_http(head: RequestHead, text: str, ledger: Ledger, *, close: bool) -> bytes:
    """X-ResponseCode 16 for a mailbox that may not use MAPI/HTTP, written down."""
    ledger.ending = Ending.REFUSED
    ledger.error = text
    ledger.status = 200
    ledger.response_code = 16
    ledger.routed_by = "local"
    return endpoint_disabled(head, text, request_id=ledger.request_id, close=close)


def tell_health(server_name: str, ledger: Ledger, method: bytes, *, close: bool) -> bytes:
    """``healthcheck.htm`` of a proxy that can serve."""
    ledger.status = 200
    ledger.routed_by = "local"
    return healthy(
        server_name, request_id=ledger.request_id, head_only=method == b"HEAD", close=close
    )
