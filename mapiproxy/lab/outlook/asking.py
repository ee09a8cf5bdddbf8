"""One request of a session: its bytes, its way over a connection, its answer, and what is noted of it.

An attempt is made once; what may follow on one that failed is session.py's business.
"""

from __future__ import annotations

from attrs import define, field

from mapiproxy.lab import bodies
from mapiproxy.lab.cookies import Jar
from mapiproxy.lab.errors import AnswerLost, BadAnswer, DialFailed, LabError, NotSent
from mapiproxy.lab.line import Received
from mapiproxy.lab.outlook.desk import Desk, guid_of
from mapiproxy.lab.outlook.judging import Answered, is_out_of_sequence, what_is_wrong
from mapiproxy.lab.outlook.line import OutlookLine
from mapiproxy.lab.users import LabUser
from mapiproxy.wire.heads import ResponseHead

#: Headers by which a server can be told from another, best first.
_NAMES = (b"x-beserver", b"x-lab-backend", b"x-calculatedbetarget", b"x-feserver")
_OUTCOMES: dict[type[LabError], str] = {DialFailed: "refused"}


@define(slots=True)
class Request:
    """One request, ready to be sent, as it is, as often as it was not sent.

    :ivar use: the connection that it goes over: ``call`` or ``wait``.
    :ivar again: a wait in place of one that was lost.
    """

    call: str
    request_id: str
    raw: bytes = field(repr=False)
    use: str = "call"
    again: bool = False


class Asker:
    """The HTTP side of one Session Context of one Outlook.

    :param endpoint: ``emsmdb`` or ``nspi``; *mailbox*: whose MailboxId the URL names.
    :ivar guid: of X-RequestId: constant for the context's life, its counter rises (R130, R1305).
    :ivar period: X-PendingPeriod, and *expiry*: X-ExpirationInfo, as last said, in seconds.
    :ivar last_call: when the context was last answered, in seconds.
    """

    def __init__(self, desk: Desk, endpoint: str, mailbox: LabUser, lane: str) -> None:
        self.desk = desk
        self.endpoint = endpoint
        self.mailbox = mailbox
        self.lane = lane
        self.jar = Jar()
        self.guid = ""
        self.count = 0
        self.period = desk.profile.usual_period
        self.expiry = 900.0
        self.last_call = 0.0
        self.backend: str | None = None
        self.lines: dict[str, OutlookLine] = {}
        self._path = f"/mapi/{endpoint}/".encode("ascii")
        self._secure = desk.address.tls or desk.address.host.startswith("127.")
        self._target = f"POST {self._path.decode()}?MailboxId={mailbox.mailbox_id} HTTP/1.1".encode("latin-1")
        self.renew()

    def renew(self) -> None:
        """Another context begins: another GUID, a counter from the start."""
        self.guid, self.count = guid_of(self.desk.chance), 0

    @property
    def has_cookies(self) -> bool:
        return self._cookies() is not None

    def _cookies(self) -> bytes | None:
        return self.jar.header(self._path, self.desk.time.seconds(), secure=self._secure)

    def forget_cookies(self) -> None:
        self.jar.forget(self._path)

    def request(self, call: str, body: bytes = b"", use: str = "call") -> Request:
        """A new request, with the next number and the cookies of now."""
        self.count += 1
        request_id = f"{self.guid}:{self.count}"
        cookies = self._cookies()
        raw = b"%b\r\n%bX-RequestType: %b\r\nX-RequestId: %b\r\n%bContent-Length: %d\r\n\r\n%b" % (
            self._target,
            self.desk.fields,
            call.encode("ascii"),
            request_id.encode("ascii"),
            b"" if cookies is None else b"Cookie: %b\r\n" % cookies,
            len(body),
            body,
        )
        return Request(call, request_id, raw, use)

    async def attempt(self, request: Request) -> Answered:
        """Send it once and read its answer. :raise DialFailed, NotSent, AnswerLost, BadAnswer, Ended:"""
        desk = self.desk
        began = desk.time.seconds()
        try:
            line = await self._line(request)
            began = desk.time.seconds()
            received = await self._exchange(line, request, began)
        except LabError as error:
            self._failed(request, error, began)
            await desk.time.awake()
            raise
        answer = self._read(request, received, began)
        self._judge(request, answer)
        # What was read while the process stood still is understood when it goes on.
        await desk.time.awake()
        return answer

    async def _line(self, request: Request) -> OutlookLine:
        line = self.lines.get(request.use)
        if line is not None and line.idle:
            return line
        self.lines.pop(request.use, None)
        line = await self.desk.uplink.dial(self.desk.profile.least_patience)
        if not line.alive:
            raise NotSent("the connection went at once")
        self.lines[request.use] = line
        return line

    async def _exchange(self, line: OutlookLine, request: Request, began: float) -> Received:
        desk = self.desk
        desk.book.calls[request.call] += 1
        if request.use == "wait":
            desk.book.waits += 1
            desk.book.waits_reissued += request.again
        elif request.call == "Execute":
            desk.book.executes_sent += 1
            if desk.receipts is not None:
                desk.receipts.sent[request.request_id] = desk.user.login
        last = began

        def on_head(head: ResponseHead) -> ResponseHead | None:
            self._take_head(head)
            line.bear(self._patience)
            return slim(head) if request.use == "wait" else None

        def on_word(word: str) -> None:
            nonlocal last
            if word == "PENDING":
                gap = desk.time.passed(last)
                desk.book.pending_gap_max = max(desk.book.pending_gap_max, gap)
            last = desk.time.seconds()

        line.bear(self._patience)
        asked = line.ask(b"POST", request.raw, on_head, on_word)
        if request.use == "wait":
            # It lasts for minutes and is never sent again: in a crowd its bytes add up.
            request.raw = b""
        return await asked

    @property
    def _patience(self) -> float:
        return max(self.period * self.desk.profile.periods, self.desk.profile.least_patience)

    def _take_head(self, head: ResponseHead) -> None:
        self.jar.store(head.all(b"set-cookie"), self._path, self.desk.time.seconds())
        period, expiry = head.get(b"x-pendingperiod"), head.get(b"x-expirationinfo")
        if period is not None and period.isdigit():
            self.period = int(period) / 1000
        if expiry is not None and expiry.isdigit():
            self.expiry = int(expiry) / 1000
        name = next((found for key in _NAMES if (found := head.get(key))), None)
        if name is not None:
            said = name.decode("latin-1")
            if self.backend is not None and self.backend != said:
                self.desk.book.backend_switches += 1
                now = self.desk.time.seconds()
                self.desk.happened(
                    now, self.lane, "state", "other server", detail=f"{self.backend} to {said}"
                )
            self.backend = said

    def _read(self, request: Request, received: Received, began: float) -> Answered:
        head, inner = received.head, received.inner
        value = head.get(b"x-responsecode") or b""
        code = int(value) if value.isdigit() else None
        answer = Answered(request.call, request.request_id, began, received.ended_at, head, code)
        if inner is not None:
            answer.code = code if inner.late_code is None else inner.late_code
            answer.binary = bytes(inner.binary)
            outcome = bodies.read_outcome(request.call, answer.binary)
            if outcome is not None:
                answer.error = outcome.error or outcome.status
                answer.event_pending = bool(outcome.event_pending)
        self.last_call = received.ended_at
        return answer

    def _judge(self, request: Request, answer: Answered) -> None:
        desk = self.desk
        desk.book.statuses[answer.status] += 1
        if answer.code is not None:
            desk.book.codes[answer.code] += 1
        if is_out_of_sequence(answer, desk.kind):
            desk.book.duplicates += 1
        wrong = what_is_wrong(answer, desk.user, lab=desk.lab)
        if wrong:
            desk.book.mistaken(f"{self.lane}: {request.call}: {wrong}")
        outcome, detail = "ok", wrong
        if answer.status != 200:
            outcome, detail = "status", f"status {answer.status}"
        elif answer.code != 0:
            outcome, detail = "code", f"code {answer.code}"
        elif answer.refused:
            outcome, detail = "code", f"error 0x{answer.error:X} in the body"
        elif answer.event_pending:
            detail = "an event"
        self._tell(request, answer.sent_at, answer.ended_at, outcome, detail)

    def _failed(self, request: Request, error: LabError, began: float) -> None:
        book = self.desk.book
        detail = "nobody could be reached"
        if isinstance(error, NotSent):
            detail = "not sent: the connection went before"
            book.executes_not_sent += request.call == "Execute"
        elif isinstance(error, AnswerLost):
            detail = "cut in the middle of the answer" if error.begun else "sent, never answered"
            book.executes_unknown += request.call == "Execute"
        elif isinstance(error, BadAnswer):
            detail = "no answer of MAPI over HTTP"
            book.bad_answers += 1
            book.executes_unknown += request.call == "Execute"
        outcome = _OUTCOMES.get(type(error), "refused" if isinstance(error, DialFailed) else "lost")
        self._tell(request, began, self.desk.time.seconds(), outcome, detail)

    def _tell(self, request: Request, at: float, until: float, outcome: str, detail: str) -> None:
        lane = f"{self.lane}/wait" if request.use == "wait" else self.lane
        self.desk.happened(at, lane, "request", request.call, outcome, until, detail)


#: What is asked of a head after it has been read.
_KEPT = (b"x-responsecode", b"x-requestid", b"x-requesttype", b"x-lab-user", b"retry-after")


def slim(head: ResponseHead) -> ResponseHead:
    """The same without the lines that nobody asks for later: it is kept for as long as a wait lasts."""
    first = {key: value for key in _KEPT if (value := head.get(key)) is not None}
    fields = list(first.items())
    return ResponseHead(b"", fields, list(first), first, head.version, head.keep_alive, head.status)
