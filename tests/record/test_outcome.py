"""ErrorCode and GenericErrors."""

from __future__ import annotations

import pytest
from hypothesis import given
from support.ledgers import execute, ledgers

from mapiproxy.record.ending import Ending
from mapiproxy.record.ledger import Ledger
from mapiproxy.record.outcome import ERROR_CODES, error_code, generic_errors, http_status
from mapiproxy.record.phases import Phase, moments_of


def told(ledger: Ledger) -> tuple[str, str]:
    phase = moments_of(ledger)[0]
    return error_code(ledger, phase), generic_errors(ledger, phase)


CUT = {"answer_at": None, "answer_ended_at": None, "backend_status": None}
CASES = {
    "well": (execute(), "", ""),
    "backend 401": (
        execute(status=401, backend_status=401),
        "ProtocolError",
        "WebExceptionStatus=ProtocolError;ResponseStatusCode=401;",
    ),
    "backend 500": (
        execute(status=500, backend_status=500),
        "",
        "WebExceptionStatus=ProtocolError;ResponseStatusCode=500;",
    ),
    "client gone while uploading": (
        execute(**CUT, request_ended_at=None, status=None, ending=Ending.CLIENT_DISCONNECT),
        "ClientDisconnect",
        "StreamProxy=StreamProxy-Request-ExpectReadCallback;HttpException=ClientDisconnect;",
    ),
    "client gone while waiting": (
        execute(**CUT, status=None, ending=Ending.CLIENT_DISCONNECT),
        "ClientDisconnect",
        "HttpException=ClientDisconnect;",
    ),
    "answer cut": (
        execute(answer_ended_at=None, ending=Ending.BACKEND_LOST, error="the backend closed"),
        "BackendDisconnect",
        "PossibleException=IOException;Error=the backend closed;",
    ),
    "channel closed by its client": (
        execute(protocol="RpcHttp", answer_ended_at=None, ending=Ending.CLIENT_DISCONNECT),
        "",
        "PossibleException=IOException;",
    ),
    "channel closed by its server": (
        execute(protocol="RpcHttp", answer_ended_at=None, ending=Ending.BACKEND_LOST, error="closed"),
        "",
        "PossibleException=IOException;Error=closed;",
    ),
    "channel never opened": (
        execute(**CUT, protocol="RpcHttp", ending=Ending.BACKEND_LOST, status=None),
        "BackendDisconnect",
        "",
    ),
    "no backend reached": (
        execute(**CUT, connected_at=None, status=503, ending=Ending.CONNECT_FAILED, error="a;b"),
        "ConnectFailed",
        "Error=a b;",
    ),
    "unreadable request": (
        Ledger(request_id="x", wall=1.0, head_at=1.0, status=400, ending=Ending.PROTOCOL_ERROR, error="e"),
        "BadRequest",
        "Error=e;",
    ),
    "unreadable answer": (
        execute(**CUT, status=None, ending=Ending.PROTOCOL_ERROR, error="e"),
        "BackendProtocolError",
        "Error=e;",
    ),
    "stalled upload": (
        execute(**CUT, request_ended_at=None, status=408, ending=Ending.TIMED_OUT, error="e"),
        "RequestTimeout",
        "Error=e;",
    ),
    "silent backend": (
        execute(**CUT, status=None, ending=Ending.TIMED_OUT, error="e"),
        "BackendTimeout",
        "Error=e;",
    ),
    "unknown path": (
        execute(**CUT, routed_at=None, status=404, ending=Ending.REFUSED, error="e"),
        "NotFound",
        "Error=e;",
    ),
    "odd refusal": (execute(**CUT, routed_at=None, status=418, ending=Ending.REFUSED), "Refused", ""),
}


@pytest.mark.parametrize("case", CASES)
def test_each_end_has_its_words(case: str) -> None:
    ledger, code, errors = CASES[case]
    assert told(ledger) == (code, errors)


@given(ledgers())
def test_the_list_of_codes_is_closed(ledger: Ledger) -> None:
    code, errors = told(ledger)
    assert code == "" or code in ERROR_CODES
    assert errors == "" or errors.endswith(";")


def test_a_retried_dial_is_no_error() -> None:
    assert told(execute(error="connection refused", retries=1)) == ("", "")
    assert Phase.HEAD.value == "Head"


def test_who_left_before_any_status_has_the_one_that_a_server_begins_with() -> None:
    """Reference 1.4(4), the upload that broke; a connection that we broke has none."""
    assert http_status(execute(**CUT, status=None, ending=Ending.CLIENT_DISCONNECT)) == 200
    assert http_status(execute(status=503, ending=Ending.CLIENT_DISCONNECT)) == 503
    assert http_status(execute(**CUT, status=None, ending=Ending.BACKEND_LOST)) == ""
