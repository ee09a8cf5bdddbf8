"""What an answer that is not the expected one most likely means, in one sentence.

Statuses, X-ResponseCodes in the numbering of the server's kind, error codes of calls, lost answers.
Pure: heads and steps in, text out.
"""

from __future__ import annotations

import base64
import binascii
from urllib.parse import urlsplit

from mapiproxy.backends.kind import Kind
from mapiproxy.lab.errors import AnswerLost, BadAnswer, DialFailed, LabError, LoginBroken, NotSent
from mapiproxy.lab.step import Step
from mapiproxy.mapi.vocabulary import Meaning, meaning_of
from mapiproxy.wire.heads import ResponseHead

_STATUSES = {
    400: "a filter on the way, or the server, takes the request for malformed",
    401: "it asks for a login where none should be needed",
    403: "a filter (WAF, firewall rule, IP restriction) forbids it, or IIS wants a client certificate",
    404: "/mapi is not published here, or the component is switched off on the server",
    405: "what answers is no MAPI endpoint: POST is not allowed",
    407: "a proxy for outgoing traffic wants to be logged on to first",
    408: "the server got tired of waiting for a request that had been sent: something holds requests back",
    411: "something on the way has taken Content-Length away",
    413: "something on the way limits the size of requests",
    421: "the server does not want this name on this connection (SNI and Host differ on the way)",
    426: "the server wants another version of HTTP",
    429: "a limit of requests is reached: somebody asks too often, or a quota is too small",
    500: "the server, or the front end before it, has failed; its own log says why",
    501: "what answers does not know the method",
    502: "what stands in front cannot talk to the server behind it",
    503: "no server behind can take it now: down, in maintenance, or overloaded",
    504: "what stands in front has waited for the server behind it in vain",
    505: "the server wants another version of HTTP",
}

_MEANINGS = {
    Meaning.INVALID_VERB: "something on the way takes X-RequestType away",
    Meaning.INVALID_HEADER: "something on the way changes X- headers",
    Meaning.INVALID_CONTEXT_COOKIE: "the cookies are of another server, or were changed on the way",
    Meaning.MISSING_HEADER: "something on the way takes X- headers away",
    Meaning.ANONYMOUS_NOT_ALLOWED: "the credentials got lost between front and server",
    Meaning.TOO_LARGE: "the request is larger than the server allows",
    Meaning.CONTEXT_NOT_FOUND: "it went to a server that does not have the session, or the session was ended",
    Meaning.NO_PRIVILEGE: "the session belongs to somebody else: connections of different users are mixed",
    Meaning.INVALID_REQUEST_BODY: "the body was changed on the way",
    Meaning.MISSING_COOKIE: "something on the way takes Cookie or Set-Cookie away",
    Meaning.INVALID_SEQUENCE: "a request was repeated or overtaken on the way",
    Meaning.ENDPOINT_DISABLED: "MAPI over HTTP is switched off for this mailbox or organization",
    Meaning.ENDPOINT_SHUTTING_DOWN: "the server is being stopped",
    Meaning.NO_MEMORY: "the server is out of memory",
}

#: ErrorCode of a call, and ReturnValue of RopLogon (MS-OXCDATA 2.4).
_ERRORS = {
    0x000003EB: "the server does not know the DN",
    0x000003F2: "the user may not open this mailbox",
    0x00000478: "the mailbox lives on another server, or does not exist",
    0x0000047D: "too many sessions of this user are open",
    0x000004DF: "the server is too busy",
    0x00000505: "too many sessions of this user are open",
    0x000007EE: "another wait of the same session is still held",
    0x80040111: "the logon failed",
    0x80040115: "the server does not know the DN, or cannot reach the mailbox's store",
    0x8004011D: "the mailbox's store is not available",
    0x8004010F: "the server does not know the mailbox",
    0x80070005: "the user may not open this mailbox",
}


def explain_status(head: ResponseHead, what: str, expected: str) -> str:
    """Of an answer whose HTTP status is not the expected one."""
    status = head.status
    said = f"{status} for {what}, expected {expected}"
    location = _text(head, b"location")
    if 300 <= status < 400 and location:
        return f"{said}: {_redirected(location)}"
    if status == 200 and b"html" in (head.get(b"content-type") or b"").lower():
        return f"{said}: a web page answers, such as a login page or a captive portal before the server"
    why = _STATUSES.get(status, "what answers is no MAPI endpoint")
    if b"application/mapi-http" in (head.get(b"content-type") or b""):
        why = "the server answered, but not as it should"
    return f"{said}: {why}{_context(head)}"


def explain_code(code: int, kind: Kind | None, what: str) -> str:
    """Of an X-ResponseCode that is not 0."""
    if kind is Kind.GROMMUNIO and code == 10:
        # Never grommunio's own word (protocol reference 6.3).
        meaning, why = Meaning.CONTEXT_NOT_FOUND, "the proxy before grommunio says that its session is lost"
    else:
        meaning = meaning_of(code, kind or Kind.EXCHANGE)
        why = _MEANINGS.get(meaning, "the server's own log says more")
        if kind is Kind.GROMMUNIO and meaning is Meaning.INVALID_CONTEXT_COOKIE:
            why += "; or a balancer adds a cookie of its own, and grommunio refuses those that bring no sid"
    counted = f", as {kind.value} counts" if kind is not None else ""
    return f"X-ResponseCode {code} ({meaning.value}{counted}) for {what}, expected 0: {why}"


def explain_error(error: int, what: str) -> str:
    """Of an error in a body that was accepted by the transport."""
    why = _ERRORS.get(error, "the store refuses it")
    return f"error 0x{error:08X} in the answer to {what}, expected 0: {why}"


def explain_step(step: Step, kind: Kind | None) -> str:
    """What is wrong with a step; empty when nothing is."""
    what = step.request_type
    if step.status != 200 and step.head is not None:
        if step.status == 401:
            return (
                f"401 for {what}, expected 200: the login that was good before is not any more: something on"
                " the way mixes or splits authenticated connections, or the account was locked in between"
            )
        return explain_status(step.head, what, "200")
    if step.final_code is None and step.head is not None:
        if b"html" in (step.head.get(b"content-type") or b"").lower():
            return explain_status(step.head, what, "application/mapi-http")
        return f"200 without X-ResponseCode for {what}: something on the way takes X- headers away"
    if step.final_code:
        return explain_code(step.final_code, kind, what)
    # NSPI's Unbind says 1 for success (MS-OXNSPI 2.2.1.2).
    if step.error and not (what == "Unbind" and step.error == 1):
        return explain_error(step.error, what)
    return ""


def explain_loss(error: LabError, what: str) -> str:
    """Of a request that got no whole answer."""
    if isinstance(error, DialFailed | LoginBroken):
        return str(error)
    if isinstance(error, NotSent):
        return f"{error}: {what} could not be sent, though the connection had stood"
    if isinstance(error, AnswerLost):
        if "nothing came" in str(error):
            why = "the server is stuck, or something on the way swallows it"
            return f"{error}, expected the answer to {what}: {why}"
        part = "within" if error.begun else "before"
        return f"closed {part} the answer to {what} ({error}): by the server, or by something on the way"
    if isinstance(error, BadAnswer):
        return f"the answer to {what} is not what it should be ({error}): not HTTP/1.1, or changed on the way"
    return str(error)


def kind_of(head: ResponseHead) -> Kind | None:
    """The kind of server, if its answer betrays it."""
    server = (head.get(b"server") or b"").lower()
    if b"microsoft" in server or any(key.startswith((b"x-fe", b"x-owa", b"x-beserver")) for key in head.keys):
        return Kind.EXCHANGE
    realm = b" ".join(head.all(b"www-authenticate")).lower()
    return Kind.GROMMUNIO if b"gromox" in server or b"msrpc realm" in realm else None


def _redirected(location: str) -> str:
    try:
        host = urlsplit(location).hostname
    except ValueError:
        host = None
    where = f"to {host}" if host else "to another page of the same host"
    return (
        f"it leads {where}: a captive portal, a login page before the server (pre-authentication), or a "
        "redirect to https"
    )


def _context(head: ResponseHead) -> str:
    """What Exchange's front end says of itself in X-FailureContext (exchange reference 4.4)."""
    parts = _text(head, b"x-failurecontext").split(";")
    cas = _text(head, b"x-caserrorcode")
    said = []
    if len(parts) > 2:
        try:
            text = base64.b64decode(parts[2], validate=True).decode("utf-8", "replace")
        except (binascii.Error, ValueError):
            text = parts[2]
        said.append(f"{parts[0]} says {text[:200] or parts[1]}")
    if cas:
        said.append(cas[:80])
    return f" ({'; '.join(said)})" if said else ""


def _text(head: ResponseHead, key: bytes) -> str:
    text = (head.get(key) or b"").decode("latin-1")
    return "".join(each if each.isprintable() else "?" for each in text)
