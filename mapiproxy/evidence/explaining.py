"""What does a failure in the log mean? One line for a person, in the words that the record itself uses.

Numbers of X-ResponseCode mean different things on Exchange and on grommunio; where the kind of a server is
not known, both are told.
"""

from __future__ import annotations

from http import HTTPStatus

from mapiproxy.backends.kind import Kind
from mapiproxy.evidence.fate import Fate
from mapiproxy.mapi.vocabulary import Meaning, meaning_of
from mapiproxy.record.outcome import ERROR_CODES

#: ErrorCode of Exchange's own that ours has not, or means otherwise (reference exchange-httpproxy 1.4(4)).
_WORDS = {
    Fate.CHALLENGE: "credentials were asked for, or were refused; every handshake begins like this",
    Fate.BROKEN: "a stream broke while the answer was passed on; the row does not say on which side",
    Fate.CLIENT_SILENT: "the client stopped in the middle of its request",
    Fate.SHUTDOWN: "the proxy was stopped",
}
_PHASES = {
    "Head": "before a backend was chosen",
    "Dial": "while the backend was dialled",
    "Request": "while the request was passed on",
    "Wait": "before the answer began",
    "Answer": "in the middle of the answer",
}
#: What an X-ResponseCode comes from most often.
_CAUSES = {
    Meaning.CONTEXT_NOT_FOUND: "the session is not known there: restarted, expired, or another user's",
    Meaning.INVALID_CONTEXT_COOKIE: "the session is not known there: restarted, expired, or another server's",
    Meaning.MISSING_COOKIE: "the session's cookie did not come along: something strips Cookie",
    Meaning.MISSING_HEADER: "a header did not come along: something strips X-*",
    Meaning.INVALID_SEQUENCE: "two requests of one session at a time, or one was sent twice",
    Meaning.ENDPOINT_DISABLED: "MAPI over HTTP is not enabled for this mailbox",
    Meaning.NO_PRIVILEGE: "the user may not open this mailbox",
    Meaning.ANONYMOUS_NOT_ALLOWED: "the server saw no credentials",
    Meaning.ENDPOINT_SHUTTING_DOWN: "the server is being stopped",
}


def name_code(code: int, kind: Kind | None) -> str:
    """What an X-ResponseCode is called on a server of that kind; on both, if it is not known."""
    if kind is not None:
        return meaning_of(code, kind).value
    exchange, grommunio = (meaning_of(code, each) for each in Kind)
    if exchange is grommunio:
        return exchange.value
    if grommunio is Meaning.UNDEFINED:
        return exchange.value
    return f"{exchange.value}, or on grommunio {grommunio.value}"


def cause_of(code: int, kind: Kind | None) -> str:
    """Where such a code comes from; empty if there is nothing to say."""
    if kind is None:
        exchange, grommunio = (meaning_of(code, each) for each in Kind)
        return _CAUSES.get(exchange, "") if grommunio in (exchange, Meaning.UNDEFINED) else ""
    return _CAUSES.get(meaning_of(code, kind), "")


def name_status(status: int | None) -> str:
    """``503 Service Unavailable``; ``none`` where the client got no answer."""
    if status is None:
        return "none"
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def explain(
    fate: Fate,
    status: int | None,
    backend_status: int | None,
    error_code: str,
    code: int | None,
    phase: str,
    kind: Kind | None = None,
) -> str:
    """One line: what happened, and who decided."""
    if code and fate is Fate.CODE:
        text = f"a 200 whose X-ResponseCode {code} says {name_code(code, kind)}"
        cause = cause_of(code, kind)
        who = "the proxy decided; " if backend_status is None else ""
        return f"{text}: {who}{cause}" if cause or who else text
    if fate is Fate.CHALLENGE:
        return _WORDS[fate]
    if fate is Fate.BACKEND_ERROR:
        return f"the backend itself answered {name_status(status)}, and the proxy passed it on"
    if fate is Fate.BACKEND_DENIED:
        return f"the backend itself answered {name_status(status)}: it refused, or has no such thing"
    words = ERROR_CODES.get(error_code) or _WORDS.get(fate, "")
    if fate is Fate.REFUSED and not words:
        words = "the proxy answered by itself"
    if fate is Fate.NO_BACKEND and not words:
        words = "the proxy had no answer of a backend to pass on"
    if fate in (Fate.REFUSED, Fate.NO_BACKEND):
        said = f" (the backend had said {backend_status})" if backend_status is not None else ""
        return f"{words or fate.value}: the proxy decided{said}"
    where = _PHASES.get(phase, "")
    return f"{words or fate.value}{', ' + where if where else ''}"
