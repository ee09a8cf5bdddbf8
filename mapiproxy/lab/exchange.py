"""The exchange kind: rules and bytes as the specification and published captures give them.

Sources: MS-OXCMAPIHTTP 2.2.3 and 3.2, reference 3 (codes), 4.2 and 4.3 (cookies and what rolls), 5
(framing). A call out of order is answered 15 and poisons the context. Where no capture exists
(NotificationWait's cookies, a wait whose client went away) the choice is noted.
"""

from __future__ import annotations

import base64
import re

from mapiproxy.lab import bodies
from mapiproxy.lab.codes import Code, ExchangeCode, Refused, sentence
from mapiproxy.lab.contexts import Context, Contexts
from mapiproxy.lab.cookies import (
    Entropy,
    is_exchange_context,
    is_exchange_sequence,
    mint_exchange_context,
    mint_exchange_sequence,
    mint_guid,
)
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

APPLICATION = b"Exchange/15.02.2562.045"

_HEALTH = re.compile(rb"/mapi/(?:emsmdb/|nspi/)?healthcheck\.htm\Z", re.IGNORECASE)
_DOOR = re.compile(rb"/mapi/(emsmdb|nspi)/?\Z", re.IGNORECASE)
_MAILBOX_ID = re.compile(rb"[?&]mailboxid=[^&]", re.IGNORECASE)
#: A client says Connect's life is shorter until its first Execute (measured: 300 s against 900 s).
_CONNECT_SHARE = 3


class Exchange:
    """Implements :class:`mapiproxy.lab.dialect.Dialect`."""

    kind = "exchange"
    early = True

    def __init__(
        self, name: str, options: LabOptions, contexts: Contexts, entropy: Entropy
    ) -> None:
        self._name = name.encode("ascii")
        self._options = options
        self._contexts = contexts
        self._entropy = entropy
        self._dates = Dates()
        self._guid = mint_guid(entropy)[:24]
        self._requests = 0
        self._calls = {
            "emsmdb": {call.lower(): call for call in EMSMDB_CALLS},
            "nspi": {call.lower(): call for call in NSPI_CALLS},
        }
        self._routing = b"Set-Cookie: MapiRouting=%b; path=/mapi/; secure; HttpOnly\r\n" % (
            base64.b64encode(b"lab:" + self._name)
        )
        self._tail = (
            b"X-AspNet-Version: 4.0.30319\r\nX-Powered-By: ASP.NET\r\nX-FEServer: %b\r\nDate: "
            % self._name
        )

    def door(self, request: LabRequest) -> Answer | str:
        if _HEALTH.match(request.path) and request.method in (b"GET", b"HEAD"):
            return self._plain(request, b"200 OK", b"200 OK<br/>" + self._name)
        found = _DOOR.match(request.path)
        if found is None:
            return self._plain(request, b"404 Not Found", b"404")
        return found[1].lower().decode("ascii")

    def threshold(self, request: LabRequest) -> Answer | None:
        if request.method in (b"GET", b"HEAD"):
            text = b"<html><body>Exchange MAPI/HTTP Connectivity Endpoint<br/>Version: %b<br/>%b"
            return self._plain(request, b"200 OK", text % (APPLICATION[9:], b"</body></html>"))
        if request.method != b"POST":
            return self._plain(request, b"405 Method Not Allowed", b"", b"Allow: GET, POST\r\n")
        if not _MAILBOX_ID.search(request.target):
            return self._plain(request, b"400 Bad Request", b"")
        return None

    def unauthorized(self, request: LabRequest, challenged: Challenged, now: float) -> Answer:
        lines = b"".join(b"WWW-Authenticate: %b\r\n" % line for line in challenged.challenges)
        answer = self._plain(request, b"401 Unauthorized", b"", lines + self._routing)
        answer.delay = challenged.delay
        return answer

    def known_calls(self, endpoint: str) -> dict[str, str]:
        return self._calls[endpoint]

    def admit(self, call: Call, now: float) -> Context | None:
        headers = call.request.headers
        if b"x-requesttype" not in headers or b"x-requestid" not in headers:
            raise Refused(ExchangeCode.MISSING_HEADER)
        if call.name is None:
            raise Refused(ExchangeCode.INVALID_REQUEST_TYPE)
        if call.name in CREATING:
            # A reconnect destroys the old context if it is alive (R1277); its sequence is ignored.
            old = self._contexts.find(call.endpoint, call.cookies.get(b"MapiContext", b""), now)
            if old is not None and old.user is call.user:
                self._contexts.drop(old)
            return None
        key = call.cookies.get(b"MapiContext")
        if key is None:
            if call.name == "PING":
                return None
            raise Refused(ExchangeCode.MISSING_COOKIE)
        if not is_exchange_context(key):
            raise Refused(ExchangeCode.INVALID_CONTEXT_COOKIE)
        context = self._contexts.find(call.endpoint, key, now)
        if context is None or context.user is not call.user:
            raise Refused(ExchangeCode.CONTEXT_NOT_FOUND)
        if context.poisoned:
            raise Refused(ExchangeCode.INVALID_SEQUENCE)
        if call.name not in ("PING", "NotificationWait"):
            self._take_turn(call, context)
        return context

    def _take_turn(self, call: Call, context: Context) -> None:
        sequence = call.cookies.get(b"MapiSequence")
        if sequence is None:
            raise Refused(ExchangeCode.MISSING_COOKIE)
        if not is_exchange_sequence(sequence):
            raise Refused(ExchangeCode.INVALID_CONTEXT_COOKIE)
        if context.running or sequence != context.sequence:
            # One call at a time; who breaks that has no context any more (R1228).
            context.poisoned = True
            raise Refused(ExchangeCode.INVALID_SEQUENCE)
        call.counted = True
        context.running += 1
        context.number += 1
        context.sequence = mint_exchange_sequence(context.number, self._entropy)

    def create(self, call: Call, previous: Context | None, owner: LabUser, now: float) -> Context:
        return Context(
            mint_exchange_context(self._entropy),
            call.endpoint,
            call.user,
            owner,
            mint_exchange_sequence(1, self._entropy),
            now + self._options.expiry,
        )

    def done(self, call: Call, context: Context, now: float) -> None:
        context.running -= call.counted
        call.counted = False
        context.expires = now + self._options.expiry

    def whole(self, call: Call, context: Context | None, binary: bytes, now: float) -> bytes:
        ending = self._ending(call, now) + binary
        if call.name == "Execute" and self._options.chunk_executes:
            head = self._head(call, context, now, self._coding(call))
            return head + framed(call, b"PROCESSING\r\n", ending, last=True)
        length = b"Content-Length: %d\r\n" % (12 + len(ending))
        if call.close_delimited:
            length = self._coding(call)
        return self._head(call, context, now, length) + b"PROCESSING\r\n" + ending

    def first(self, call: Call, context: Context | None, now: float) -> bytes:
        return self._head(call, context, now, self._coding(call)) + framed(call, b"PROCESSING\r\n")

    def pulse(self, call: Call) -> tuple[bytes, float]:
        return framed(call, b"PENDING\r\n"), self._options.pending_period

    def last(self, call: Call, binary: bytes, now: float) -> bytes:
        return framed(call, self._ending(call, now) + binary, last=True)

    def refusal(self, call: Call, code: Code, now: float) -> Answer:
        html = page(sentence(code))
        head = self._head(call, None, now, b"Content-Length: %d\r\n" % len(html), code)
        return Answer(head + html)

    def body_code(self) -> Code:
        return ExchangeCode.INVALID_REQUEST_BODY

    def connect_error(self, known: bool) -> int:
        return bodies.EC_LOGIN_PERM if known else bodies.EC_UNKNOWN_USER

    def _coding(self, call: Call) -> bytes:
        return b"" if call.close_delimited else b"Transfer-Encoding: chunked\r\n"

    def _head(
        self, call: Call, context: Context | None, now: float, length: bytes, code: int = 0
    ) -> bytes:
        self._requests += 1
        expires = b""
        if context is not None or call.name not in (None, "PING"):
            share = _CONNECT_SHARE if call.name in CREATING else 1
            expires = b"X-ExpirationInfo: %d\r\n" % (self._options.expiry * 1000 / share)
        closing = call.close_delimited or not call.request.keep_alive
        return b"".join(
            (
                b"HTTP/1.1 200 OK\r\nCache-Control: private\r\n",
                length,
                b"Content-Type: %b\r\n" % (b"text/html" if code else b"application/mapi-http"),
                b"Server: Microsoft-IIS/10.0\r\nrequest-id: %b%012x\r\n"
                % (self._guid, self._requests),
                b"X-CalculatedBETarget: %b\r\nX-ServerApplication: %b\r\n"
                % (self._name, APPLICATION),
                call.echo(b"x-requesttype", b"X-RequestType"),
                call.echo(b"x-requestid", b"X-RequestId"),
                call.echo(b"x-clientinfo", b"X-ClientInfo"),
                call.echo(b"client-request-id", b"client-request-id"),
                b"X-ResponseCode: %d\r\nX-PendingPeriod: %d\r\n"
                % (code, self._options.pending_period * 1000),
                expires,
                b"X-DiagInfo: %b\r\nX-BEServer: %b\r\n" % (self._name, self._name),
                self._cookies(call, context, now),
                self._tail,
                self._dates.at(now),
                b"\r\nConnection: close\r\n\r\n" if closing else b"\r\n\r\n",
            )
        )

    def _cookies(self, call: Call, context: Context | None, now: float) -> bytes:
        """Reference 4.3. NotificationWait was never captured: it gets the context, no sequence."""
        if context is None:
            return self._routing
        manner = b"path=/mapi/%b; secure; HttpOnly\r\n" % context.endpoint.encode("ascii")
        lines = b"Set-Cookie: MapiContext=%b; %b" % (context.key, manner)
        if call.name not in ("PING", "NotificationWait"):
            lines += b"Set-Cookie: MapiSequence=%b; %b" % (context.sequence, manner)
        if call.name in CREATING:
            blob = base64.b64encode(b"%b~%d" % (self._name, now))
            # The one cookie with an expiry; IIS writes dates with dashes.
            weekday, day, month, year, time, zone = Dates().at(now + 30 * 86400).split(b" ")
            expires = b"%b %b-%b-%b %b %b" % (weekday, day, month, year, time, zone)
            lines += (
                b"Set-Cookie: X-BackEndCookie=%b=%b; expires=%b; path=/mapi; secure; HttpOnly\r\n"
                % (
                    context.owner.guid.encode("ascii"),
                    blob,
                    expires,
                )
            )
        return lines + self._routing

    def _ending(self, call: Call, now: float) -> bytes:
        """DONE and its headers; elapsed time in milliseconds."""
        code = b"" if call.late is None else b"X-ResponseCode: %d\r\n" % call.late
        return b"DONE\r\n%bX-ElapsedTime: %d\r\nX-StartTime: %b\r\n\r\n" % (
            code,
            round((now - call.started) * 1000),
            self._dates.at(call.started),
        )

    def _plain(self, request: LabRequest, status: bytes, text: bytes, lines: bytes = b"") -> Answer:
        head = (
            b"HTTP/1.1 %b\r\nContent-Length: %d\r\nContent-Type: text/html\r\n"
            b"Server: Microsoft-IIS/10.0\r\n%bX-FEServer: %b\r\n%b\r\n"
        ) % (
            status,
            len(text),
            lines,
            self._name,
            b"" if request.keep_alive else b"Connection: close\r\n",
        )
        return Answer(head + (b"" if request.method == b"HEAD" else text))
