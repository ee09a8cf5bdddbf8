"""How the lab's client makes a call: connections, cookies, and the protocol's rules for losses.

What it does when something goes wrong (MS-OXCMAPIHTTP 3.1.5.6, reference 6.2): a request that was
not fully sent is sent again as it is; after a lost answer it connects anew with the old cookies and
does *not* repeat the call; when the server says that the context is gone it connects anew and asks
once more. Which calls there are is client.py's business.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

from mapiproxy.lab import bodies, rops
from mapiproxy.lab.asking import Request
from mapiproxy.lab.codes import gone_codes
from mapiproxy.lab.cookies import Jar
from mapiproxy.lab.dialing import Address, dial
from mapiproxy.lab.errors import AnswerLost, LabError, NotSent
from mapiproxy.lab.line import ClientLine, Received
from mapiproxy.lab.login import BasicLogin, Login, ask_as
from mapiproxy.lab.session import Session, new_guid
from mapiproxy.lab.step import Step
from mapiproxy.lab.users import Person
from mapiproxy.wire.heads import ResponseHead

APPLICATION = "Outlook/16.0.10386.20000"
USER_AGENT = "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.10386; Pro)"

#: Calls that make or end a context: none of them is repeated by making one.
_MAKING = ("Connect", "Bind")
_ENDS = (*_MAKING, "Disconnect", "Unbind")
_ATTEMPTS = 3

OnWord = Callable[[str], None]
#: Connects a line to an address; raises DialFailed.
Dial = Callable[[Any, Address, ClientLine], Awaitable[None]]


class Caller:
    """One user's connections, cookies and sessions.

    :param kind: which server is expected ("exchange", "grommunio"): its numbers of X-ResponseCode.
    :param watch: sees each finished step, attempts that failed included.
    :param patience: seconds of silence after which an answer is given up.
    :param dialled: gives numbers to new connections; by default this client counts its own.
    :param login: how the user shows who it is; by default with Basic.
    :param dialer: how connections come about.
    :ivar secure: whether cookies that want TLS are sent; by default with it, and on loopback.
    :ivar wait_patience: of the connection for NotificationWait, where it is another one.
    :ivar lines: the open connections by use: "call", "wait", "nspi".
    """

    def __init__(
        self,
        reactor: Any,
        address: Address,
        user: Person,
        *,
        kind: str = "exchange",
        watch: Callable[[Step], None] | None = None,
        patience: float = 60.0,
        dialled: Callable[[], int] | None = None,
        login: Login | None = None,
        dialer: Dial = dial,
    ) -> None:
        self.user = user
        self.kind = kind
        self.address = address
        self.jar = Jar()
        self.lines: dict[str, ClientLine] = {}
        self.sessions = {name: Session(name) for name in ("emsmdb", "nspi")}
        self.connections = 0
        self.steps = 0
        self._reactor = reactor
        self.watch = watch
        self.login = login or BasicLogin(user.basic)
        self.wait_patience = patience
        self.secure = address.tls or address.host == "127.0.0.1"
        self._patience = patience
        self._dialled = dialled
        self._dial = dialer
        self._client_info = new_guid() + ":1"

    # Connections.

    async def reset(self, line: str = "call") -> Step:
        """Reset the connection of this use, as a firewall does; a row says so."""
        step = self._step(self.sessions["emsmdb"], "TCP reset", "")
        step.local = True
        open_line = self.lines.pop(line, None)
        if open_line is not None:
            step.connection = open_line.number
            await open_line.abort()
        step.note = f"reset, as a firewall does ({line})"
        self._report(step)
        return step

    async def close(self) -> None:
        """Close every connection."""
        lines, self.lines = list(self.lines.values()), {}
        for line in lines:
            await line.close()

    async def _line(self, use: str) -> ClientLine:
        line = self.lines.get(use)
        if line is not None and line.idle:
            return line
        if line is not None and line.alive:
            raise LabError(f"the connection of '{use}' is busy")
        self.connections += 1
        number = self.connections if self._dialled is None else self._dialled()
        patience = self.wait_patience if use == "wait" else self._patience
        line = ClientLine(number, self._reactor, patience)
        await self._dial(self._reactor, self.address, line)
        self.lines[use] = line
        return line

    # One call with its rules.

    async def _locked(
        self, request_type: str, body: bytes, endpoint: str = "emsmdb", note: str = ""
    ) -> Step:
        """One call at a time in a context (R1170)."""
        lock = self.sessions[endpoint].lock
        await lock.acquire()
        try:
            line = "call" if endpoint == "emsmdb" else "nspi"
            return await self.call(request_type, body, endpoint=endpoint, line=line, note=note)
        finally:
            lock.release()

    async def call(
        self,
        request_type: str,
        body: bytes = b"",
        *,
        endpoint: str = "emsmdb",
        line: str = "call",
        recover: bool = True,
        on_word: OnWord | None = None,
        note: str = "",
    ) -> Step:
        """One call. With *recover* the client reconnects as the protocol wants it.

        :param on_word: told of each PROCESSING and PENDING when it comes.
        :param note: what the call is for, in words.
        :return: the last attempt's step, whatever its codes say (see :meth:`Step.check`).
        :raise DialFailed, NotSent, AnswerLost, BadAnswer: with ``step`` set.
        """
        step = await self._safely(request_type, body, endpoint, line, recover, on_word, note)
        gone = step.status == 200 and step.final_code in gone_codes(self.kind)
        if not (recover and gone):
            return step
        if request_type in _MAKING:
            # grommunio never falls back to a fresh session (reference 4.3, consequence 3).
            self.jar.forget(self.sessions[endpoint].path)
        elif request_type in _ENDS:
            return step
        else:
            await self._reconnect(endpoint, f"code {step.final_code}: the context is gone")
        return await self._safely(request_type, body, endpoint, line, recover, on_word, note)

    async def _safely(
        self,
        request_type: str,
        body: bytes,
        endpoint: str,
        use: str,
        recover: bool,
        on_word: OnWord | None,
        note: str,
    ) -> Step:
        """Attempts until the request has been sent whole."""
        session = self.sessions[endpoint]
        request_id = session.next_id()
        request = self._request(session, request_type, request_id, body)
        for attempt in range(1, _ATTEMPTS + 1):
            step = self._step(session, request_type, request_id, note)
            try:
                return await self._attempt(step, request, session, use, on_word)
            except (NotSent, AnswerLost) as error:
                again = isinstance(error, NotSent) or (request_type == "PING" and recover)
                if again and attempt < _ATTEMPTS:
                    step.note = "sent again as it is"
                    self._report(step)
                    continue
                if recover and not again:
                    step.note = "outcome unknown: connecting anew with the old cookies"
                self._report(step)
                if recover and not again and request_type not in _ENDS:
                    await self._reconnect(endpoint, "the answer was lost")
                elif recover and request_type in _MAKING and attempt < _ATTEMPTS:
                    request_id = session.next_id()
                    request = self._request(session, request_type, request_id, body)
                    continue
                error.step = step
                raise
            except LabError as error:
                self._report(step)
                error.step = step
                raise
        raise AssertionError("the last attempt returns or raises")

    async def _attempt(
        self,
        step: Step,
        request: Request,
        session: Session,
        use: str,
        on_word: OnWord | None,
    ) -> Step:
        began = self._reactor.seconds()

        def on_head(head: ResponseHead) -> None:
            step.take_head(head)
            self.jar.store(head.all(b"set-cookie"), session.path, self._reactor.seconds())

        try:
            line = await self._line(use)
            step.connection = line.number
            began = self._reactor.seconds()
            received = await ask_as(self.login, line, request, on_head, on_word)
        except LabError as error:
            step.total_ms = (self._reactor.seconds() - began) * 1000
            step.trouble = f"{type(error).__name__}: {error}"
            raise
        self._fill(step, received, began, session)
        self._report(step)
        return step

    def _fill(self, step: Step, received: Received, began: float, session: Session) -> None:
        step.first_ms = (received.first_at - began) * 1000
        step.total_ms = (received.ended_at - began) * 1000
        step.cookies = self.jar.digests(session.path)
        if received.inner is not None:
            step.late_code = received.inner.late_code
            step.pulses = received.inner.pulses
            step.binary = bytes(received.inner.binary)
            outcome = bodies.read_outcome(step.request_type, step.binary)
            if outcome is not None:
                step.error = outcome.error or outcome.status
                step.event_pending = outcome.event_pending

    async def _reconnect(self, endpoint: str, reason: str) -> None:
        """A new context in place of the old one (R1207, R1343), with a logon if there was one."""
        session = self.sessions[endpoint]
        session.renew()
        if endpoint == "nspi":
            bind = bodies.bind_request()
            step = await self.call("Bind", bind, endpoint="nspi", line="nspi", note=reason)
        else:
            connect = bodies.connect_request(self.user.dn)
            step = await self.call("Connect", connect, note=reason)
        if session.logon is not None and step.ok:
            body = bodies.execute_request(rops.logon(self.user.dn))
            again = await self.call("Execute", body, recover=False, note="log on")
            session.logon = rops.read_logon_answer(again.binary)

    def _request(self, session: Session, request_type: str, request_id: str, body: bytes) -> Request:
        now = self._reactor.seconds()
        mailbox = self.user.mailbox_id
        query = f"MailboxId={quote(mailbox, safe='@')}" if mailbox else "useMailboxOfAuthenticatedUser=true"
        head = (
            f"POST {session.path.decode()}?{query} HTTP/1.1",
            f"Host: {self.address.authority}",
            "Content-Type: application/mapi-http",
            f"User-Agent: {USER_AGENT}",
            f"X-RequestType: {request_type}",
            f"X-RequestId: {request_id}",
            f"X-ClientInfo: {self._client_info}",
            f"X-ClientApplication: {APPLICATION}",
        )
        cookies = self.jar.header(session.path, now, secure=self.secure)
        return Request(head, body, cookies)

    def _step(self, session: Session, request_type: str, request_id: str, note: str = "") -> Step:
        self.steps += 1
        now = self._reactor.seconds()
        step = Step(self.steps, now, self.user.login, session.endpoint, request_type, request_id)
        step.note = note
        return step

    def _report(self, step: Step) -> None:
        if self.watch is not None:
            self.watch(step)

    def _forget(self, endpoint: str) -> None:
        session = self.sessions[endpoint]
        self.jar.forget(session.path)
        session.renew()
        session.logon = None
