"""How an exchange that went wrong is told: the closed list of ErrorCode, and GenericErrors.

Reference exchange-httpproxy 1.4(4) shows two codes, ``ClientDisconnect`` and ``ProtocolError`` (for a
backend's 401 only; a backend's 500 leaves ErrorCode empty). The others are ours.
"""

from __future__ import annotations

from mapiproxy.record.cleaning import clean_item
from mapiproxy.record.ending import Ending
from mapiproxy.record.ledger import Ledger
from mapiproxy.record.phases import Phase

#: What we refuse ourselves, by the status that the client got; other statuses are ``Refused``.
REFUSALS: dict[int | None, str] = {
    400: "BadRequest",
    404: "NotFound",
    408: "RequestTimeout",
    417: "ExpectationFailed",
    431: "BadRequest",
    501: "BadRequest",
    503: "ServiceUnavailable",
    505: "BadRequest",
}

#: Everything that ErrorCode may say, and when.
ERROR_CODES: dict[str, str] = {
    "BackendDisconnect": "the backend's connection was lost before its answer was complete",
    "BackendProtocolError": "what the backend sent is no HTTP answer",
    "BackendTimeout": "the backend did not answer, or stopped in the middle of its answer",
    "BadRequest": "the request broke the rules of HTTP, or was refused with 400",
    "ClientDisconnect": "the client was gone before it had the whole answer",
    "ConnectFailed": "no backend could be reached",
    "ExpectationFailed": "the request expected something other than 100-continue",
    "NotFound": "nothing is published at that path",
    "ProtocolError": "the backend answered 401",
    "Refused": "refused by the proxy with another status",
    "RequestTimeout": "the client stopped in the middle of its request",
    "ServiceUnavailable": "no backend was fit to take the request",
    "Shutdown": "the proxy was stopped",
}

_PLAIN = {
    Ending.CLIENT_DISCONNECT: "ClientDisconnect",
    Ending.BACKEND_LOST: "BackendDisconnect",
    Ending.CONNECT_FAILED: "ConnectFailed",
    Ending.SHUTDOWN: "Shutdown",
}


def http_status(ledger: Ledger) -> int | str:
    """HttpStatus: what the client got.

    A client that left before it got any has 200 there, which is what a server has until it says otherwise
    (1.4(4)); a connection that we broke ourselves has nothing.
    """
    if ledger.status is not None:
        return ledger.status
    return 200 if ledger.ending is Ending.CLIENT_DISCONNECT else ""


def is_channel_end(ledger: Ledger, phase: Phase) -> bool:
    """Whether a channel of Outlook Anywhere has ended as they all do: somebody closed it (1.4(4))."""
    closed = ledger.ending in (Ending.CLIENT_DISCONNECT, Ending.BACKEND_LOST)
    return closed and phase is Phase.ANSWER and ledger.protocol == "RpcHttp"


def error_code(ledger: Ledger, phase: Phase) -> str:
    """One of :data:`ERROR_CODES`, or nothing for success."""
    ending = ledger.ending
    if is_channel_end(ledger, phase):
        return ""
    if ending is Ending.DONE:
        return "ProtocolError" if ledger.backend_status == 401 else ""
    if ending in _PLAIN:
        return _PLAIN[ending]
    if ending is Ending.TIMED_OUT:
        by_client = ledger.status == 408 or phase in (Phase.HEAD, Phase.REQUEST)
        return "RequestTimeout" if by_client else "BackendTimeout"
    refused = ledger.backend_status is None and ledger.status is not None
    if ending is Ending.PROTOCOL_ERROR:
        # The client's fault if we told it so; a backend's gives 503 or a cut connection.
        return "BadRequest" if refused and ledger.status != 503 else "BackendProtocolError"
    return REFUSALS.get(ledger.status, "Refused")


def generic_errors(ledger: Ledger, phase: Phase) -> str:
    """``key=value;`` pairs, nothing for success. ``Error=`` (ours) is the ledger's own text."""
    ending = ledger.ending
    status = ledger.backend_status
    errors = ""
    if status is not None and status >= 400:
        errors = f"WebExceptionStatus=ProtocolError;ResponseStatusCode={status};"
    if ending is Ending.DONE:
        return errors
    if is_channel_end(ledger, phase):
        errors += "PossibleException=IOException;"
    elif ending is Ending.CLIENT_DISCONNECT:
        if phase is Phase.REQUEST:
            errors += "StreamProxy=StreamProxy-Request-ExpectReadCallback;"
        errors += "HttpException=ClientDisconnect;"
    elif ending is Ending.BACKEND_LOST and phase is Phase.ANSWER:
        errors += "PossibleException=IOException;"
    text = clean_item(ledger.error)
    return f"{errors}Error={text};" if text else errors
