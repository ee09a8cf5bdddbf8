"""The grommunio kind: rules and bytes as observed first-hand
(shared/reference/grommunio-observed.md).

Order of checks, rolling of the sequence, places of the header lines and shapes of the chunks follow
the observations and recordings; reference 12.1 fills the gaps. A session's sid survives a
reconnect, its sequence is a GUID, and a stale one is refused without harm to the session.
"""

from __future__ import annotations

from mapiproxy.lab import bodies
from mapiproxy.lab.codes import Code, GrommunioCode, Refused, sentence
from mapiproxy.lab.contexts import Context, Contexts
from mapiproxy.lab.cookies import Entropy, is_guid, mint_guid, mint_sid
from mapiproxy.lab.dialect import (
    CREATING,
    EMSMDB_CALLS,
    NSPI_CALLS,
    Answer,
    Call,
    Dates,
    LabOptions,
    framed,
    page,
)
from mapiproxy.lab.requests import LabRequest
from mapiproxy.lab.users import Challenged, LabUser

#: A session lives a little longer than X-ExpirationInfo says (reference 12.1).
GRACE = 60.0
APPLICATION = b"Exchange/15.00.0847.4040"
REALM = "msrpc realm"

_DOORS = {b"/mapi/emsmdb/?mailboxid=": "emsmdb", b"/mapi/nspi/?mailboxid=": "nspi"}
#: Calls that need no well-formed sequence, and calls whose sequence must be the current one.
_NO_SEQUENCE = {"emsmdb": ("PING", "NotificationWait"), "nspi": ("PING", "Unbind")}
_NOT_ROLLED = {"emsmdb": ("PING", "Disconnect", "NotificationWait"), "nspi": ("PING", "Unbind")}
_NOT_COMPARED = ("PING", "Bind", "Unbind")


class Grommunio:
    """Implements :class:`mapiproxy.lab.dialect.Dialect`."""

    kind = "grommunio"
    early = False

    def __init__(
        self, name: str, options: LabOptions, contexts: Contexts, entropy: Entropy
    ) -> None:
        self._name = name.encode("ascii")
        self._options = options
        self._contexts = contexts
        self._entropy = entropy
        self._dates = Dates()
        # Its table spells QueryColumns without the s (reference 2).
        nspi = [("QueryColumn" if call == "QueryColumns" else call) for call in NSPI_CALLS]
        self._calls = {
            "emsmdb": {call.lower(): call for call in EMSMDB_CALLS},
            "nspi": {call.lower(): call for call in nspi},
        }

    def door(self, request: LabRequest) -> Answer | str:
        if request.chunked:
            return self._plain(b"400 Bad Request", b"chunked request bodies are not taken", True)
        if request.method == b"POST":
            target = request.target.lower()
            for door, endpoint in _DOORS.items():
                if target.startswith(door):
                    return endpoint
        return self._plain(b"404 Not Found", b"" if request.method == b"HEAD" else b"not found")

    def threshold(self, request: LabRequest) -> Answer | None:
        return None

    def unauthorized(self, request: LabRequest, challenged: Challenged, now: float) -> Answer:
        lines = b"".join(b"WWW-Authenticate: %b\r\n" % line for line in challenged.challenges)
        answer = self._plain(b"401 Unauthorized", b"401 Unauthorized\r\n", lines=lines)
        answer.delay = challenged.delay
        return answer

    def known_calls(self, endpoint: str) -> dict[str, str]:
        return self._calls[endpoint]

    def admit(self, call: Call, now: float) -> Context | None:
        headers = call.request.headers
        if b"x-requesttype" not in headers:
            raise Refused(GrommunioCode.INVALID_VERB)
        if b"x-requestid" not in headers or b"x-clientinfo" not in headers:
            raise Refused(GrommunioCode.MISSING_HEADER)
        if b"cookie" not in headers:
            if call.name in CREATING:
                return None
            raise Refused(GrommunioCode.MISSING_COOKIE)
        sid = call.cookies.get(b"sid", b"")
        sequence = call.cookies.get(b"sequence", b"")
        mailbox = call.endpoint == "emsmdb"
        if not 0 < len(sid) < 64:
            raise Refused(GrommunioCode.INVALID_CONTEXT_COOKIE)
        if call.name not in _NO_SEQUENCE[call.endpoint] and not is_guid(sequence):
            raise Refused(GrommunioCode.INVALID_CONTEXT_COOKIE)
        context = self._contexts.find(call.endpoint, sid, now)
        if context is None:
            raise Refused(GrommunioCode.INVALID_CONTEXT_COOKIE)
        # The address book does not compare the user (reference 12.1).
        if mailbox and context.user is not call.user:
            raise Refused(GrommunioCode.NO_PRIVILEGE)
        compared = call.name == "Execute" if mailbox else call.name not in _NOT_COMPARED
        if compared and sequence != context.sequence:
            raise Refused(GrommunioCode.INVALID_SEQUENCE)
        context.expires = now + self._options.expiry + GRACE
        if call.name not in _NOT_ROLLED[call.endpoint]:
            context.sequence = mint_guid(self._entropy)
            context.number += 1
        if call.name is None:
            raise Refused(GrommunioCode.INVALID_REQUEST_TYPE)
        if call.name == "Execute":
            call.counted = True
            context.running += 1
        return context

    def create(self, call: Call, previous: Context | None, owner: LabUser, now: float) -> Context:
        if previous is not None:
            # Same sid, a fresh sequence (admit rolled it); the logon of before is gone.
            previous.event_pending = False
            previous.told = 0
            return previous
        return Context(
            mint_sid(call.user.login, self._entropy),
            call.endpoint,
            call.user,
            owner,
            mint_guid(self._entropy),
            now + self._options.expiry + GRACE,
        )

    def done(self, call: Call, context: Context, now: float) -> None:
        context.running -= call.counted
        call.counted = False

    def whole(self, call: Call, context: Context | None, binary: bytes, now: float) -> bytes:
        preamble = self._preamble(call, now)
        if call.name == "PING":
            return (
                self._head(call, context, now, b"Content-Length: %d\r\n" % len(preamble)) + preamble
            )
        head = self._head(call, context, now, self._coding(call))
        return head + framed(call, preamble, binary, last=True)

    def first(self, call: Call, context: Context | None, now: float) -> bytes:
        return self._head(call, context, now, self._coding(call)) + framed(call, b"PROCESSING\r\n")

    def pulse(self, call: Call) -> tuple[bytes, float]:
        # Seven bytes without a line end, a little before the period is over (reference 5.2 E, 7).
        return framed(call, b"PENDING"), self._options.pending_period * 0.9

    def last(self, call: Call, binary: bytes, now: float) -> bytes:
        return framed(call, self._preamble(call, now) + binary, last=True)

    def refusal(self, call: Call, code: Code, now: float) -> Answer:
        html = page(sentence(code))
        head = (
            b"HTTP/1.1 200 OK\r\nCache-Control: private\r\nContent-Type: text/html\r\n"
            b"X-ResponseCode: %d\r\nContent-Length: %d\r\n"
            b"X-ServerApplication: %b\r\nDate: %b\r\n\r\n"
        )
        return Answer(head % (code, len(html), APPLICATION, self._dates.at(now)) + html)

    def body_code(self) -> Code:
        return GrommunioCode.INVALID_REQUEST_BODY

    def connect_error(self, known: bool) -> int:
        return bodies.E_ACCESSDENIED if known else bodies.MAPI_E_UNCONFIGURED_DN

    def _coding(self, call: Call) -> bytes:
        return (
            b"Connection: close\r\n" if call.close_delimited else b"Transfer-Encoding: chunked\r\n"
        )

    def _head(self, call: Call, context: Context | None, now: float, length: bytes) -> bytes:
        sid = sequence = mark = b""
        if context is not None:
            sid = b"Set-Cookie: sid=%b\r\n" % context.key
            rolled = context.sequence
            if call.name == "Disconnect":
                # Sent back as it came, stale or not.
                rolled = call.cookies.get(b"sequence", b"")
            if call.name not in _NO_SEQUENCE[call.endpoint]:
                sequence = b"Set-Cookie: sequence=%b\r\n" % rolled
        if self._options.mark:
            mark = b"X-Lab-Backend: %b\r\n" % self._name
        return (
            b"HTTP/1.1 200 OK\r\nCache-Control: private\r\nContent-Type: application/mapi-http\r\n"
            b"X-RequestType: %b\r\nX-RequestId: %b\r\nX-ClientInfo: %b\r\nX-ResponseCode: 0\r\n"
            b"X-PendingPeriod: %d\r\nX-ExpirationInfo: %d\r\n"
            b"X-ServerApplication: %b\r\nDate: %b\r\n%b%b%b%b\r\n"
        ) % (
            call.request.headers[b"x-requesttype"],
            call.request.headers[b"x-requestid"],
            call.request.headers[b"x-clientinfo"],
            self._options.pending_period * 1000,
            self._options.expiry * 1000,
            APPLICATION,
            self._dates.at(now),
            mark,
            sid,
            length,
            sequence,
        )

    def _preamble(self, call: Call, now: float) -> bytes:
        """PROCESSING (again, for a wait), DONE and two headers; elapsed time in seconds."""
        code = b"" if call.late is None else b"X-ResponseCode: %d\r\n" % call.late
        return b"PROCESSING\r\nDONE\r\n%bX-ElapsedTime: %d\r\nX-StartTime: %b\r\n\r\n" % (
            code,
            int(now - call.started),
            self._dates.at(call.started),
        )

    def _plain(self, status: bytes, text: bytes, close: bool = False, lines: bytes = b"") -> Answer:
        keep = b"close\r\n" if close else b"keep-alive\r\nKeep-Alive: timeout=180\r\n"
        head = (
            b"HTTP/1.1 %b\r\n%bContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: %b\r\n"
        )
        return Answer(head % (status, lines, len(text), keep) + text, close)
