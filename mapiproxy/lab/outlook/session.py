"""One Session Context of one Outlook, kept alive through everything: the protocol's rules for losses.

What was not sent is sent as it is; what was sent and not answered is never repeated, but a new context is
made with the old cookies (MS-OXCMAPIHTTP 3.1.5.6); a context that is gone is made anew and the call asked
again; a login that was not accepted is tried again on a new connection; busy servers are asked later. Between
attempts that failed there are pauses, longer and longer, never alike. What is asked is work.py's business.
"""

from __future__ import annotations

from twisted.internet.defer import DeferredLock

from mapiproxy.lab import bodies, rops
from mapiproxy.lab.errors import AnswerLost, BadAnswer, DialFailed, NotSent
from mapiproxy.lab.outlook.asking import Asker
from mapiproxy.lab.outlook.desk import Desk
from mapiproxy.lab.outlook.judging import Answered, Meaning, meaning_of
from mapiproxy.lab.outlook.reading import Reading
from mapiproxy.lab.users import LabUser

_LOST = (AnswerLost, BadAnswer)


class Closed(Exception):
    """The mailbox cannot be opened by this user: nothing more comes of this context."""


class Session(Asker):
    """A context that is there whenever it is needed.

    :ivar live: whether there is a context, as far as the client knows; *closing*: none is wanted any more,
        or none is allowed.
    :ivar generation: how many contexts there have been.
    :ivar reading: what is made of the answers of its Executes.
    :ivar own: whether it is the user's own mailbox, whose failures are the user's outages.
    """

    def __init__(self, desk: Desk, endpoint: str, mailbox: LabUser, lane: str, *, own: bool = False) -> None:
        super().__init__(desk, endpoint, mailbox, lane)
        self.own = own
        self.live = False
        self.closing = False
        self.generation = 0
        self.reading = Reading(desk, mailbox, lane)
        self.work_alarm = desk.time.alarm()
        self.wait_alarm = desk.time.alarm()
        self.lock = DeferredLock()
        self._retry = desk.time.alarm()
        #: When what the user waits for was begun.
        self._since = 0.0
        self._failures = 0

    @property
    def store(self) -> rops.Logon:
        """The mailbox as it was logged on to."""
        return self.reading.known or rops.Logon(0, rops.folder_id(5))

    def ring(self) -> None:
        """Something has changed in the world: try now what would have been tried later."""
        for alarm in (self._retry, self.wait_alarm, self.work_alarm):
            alarm.ring()

    async def established(self) -> None:
        """There is a context. :raise Closed, Ended:"""
        await self.lock.acquire()
        try:
            if not self.live:
                self._since = self.desk.time.seconds()
                await self._establish()
        finally:
            self.lock.release()

    async def ask(self, call: str, body: bytes = b"") -> Answered | None:
        """One call in the context, one at a time (R1170); asked until it is answered.

        :return: ``None``: nobody knows whether it was executed; there is a new context.
        :raise Closed, Ended:
        """
        await self.lock.acquire()
        try:
            return await self._ask(call, body)
        finally:
            self.lock.release()

    async def execute(self, buffer: bytes | None = None) -> Answered | None:
        """An Execute of these ROPs, behind which the mailbox has to prove itself."""
        proven = rops.prove(self.store.handle, self.store.inbox, buffer)
        answer = await self.ask("Execute", bodies.execute_request(proven))
        if answer is not None and meaning_of(answer, self.desk.kind) is Meaning.FINE:
            self.reading.execute(answer, own=self.own)
        return answer

    async def ping(self) -> None:
        """Keep the context alive."""
        answer = await self.ask("PING")
        if answer is not None and meaning_of(answer, self.desk.kind) is Meaning.FINE:
            self.desk.book.pings += 1

    async def leave(self) -> None:
        """Disconnect or Unbind, if it is no trouble."""
        self.closing = True
        self.ring()
        # What is under way is waited for: two calls at once would poison the context.
        await self.lock.acquire()
        live, self.live = self.live, False
        self.lock.release()
        if not live:
            return
        call, body = ("Disconnect", bodies.DISCONNECT_REQUEST)
        if self.endpoint == "nspi":
            call, body = ("Unbind", bodies.UNBIND_REQUEST)
        try:
            await self.attempt(self.request(call, body))
        except (DialFailed, NotSent, *_LOST):
            return

    def hang_up(self) -> None:
        """The connection for calls is not needed for long; the context stays."""
        if not self.lock.locked and (line := self.lines.pop("call", None)) is not None:
            line.close()

    def gone(self) -> None:
        """A server said that there is no such context."""
        self.desk.book.contexts_lost += self.live
        self.broken()

    def broken(self) -> None:
        """The context is of no use any more; its cookies are, for the next Connect."""
        self.live = False

    # One call.

    async def _ask(self, call: str, body: bytes) -> Answered | None:
        self._since = self.desk.time.seconds()
        while True:
            if not self.live or self.closing:
                await self._establish()
            try:
                answer = await self.sent(call, body)
            except _LOST:
                self._fails()
                self.broken()
                await self._establish()
                return None
            meaning = meaning_of(answer, self.desk.kind)
            if meaning is Meaning.FINE:
                self._failures = 0
                return answer
            self._fails()
            if meaning is Meaning.REFUSED:
                self.desk.book.executes_refused += call == "Execute"
                return answer
            if meaning is Meaning.UNKNOWN:
                if call == "Execute":
                    self.desk.book.executes_unknown += 1
                self.broken()
                await self.pause(answer)
                await self._establish()
                return None
            self.desk.book.executes_refused += call == "Execute"
            await self._after(answer, meaning)

    async def _after(self, answer: Answered, meaning: Meaning) -> None:
        """What has to come before the same is asked again."""
        if meaning is Meaning.GONE:
            self.gone()
        elif meaning is Meaning.LOGIN:
            await self._login_again()
        else:
            await self.pause(answer)

    async def _login_again(self) -> None:
        line = self.lines.pop("call", None)
        if line is not None:
            line.close()
        if self._failures:
            await self.pause()
        self._failures += 1

    async def sent(self, call: str, body: bytes) -> Answered:
        """One request over the connection for calls, sent as it is until it is sent whole."""
        request = self.request(call, body)
        resent = 0
        while True:
            try:
                return await self.attempt(request)
            except NotSent:
                # A connection that was closed while it was idle: most losses are of this kind (R1203).
                resent += 1
                if resent > 1:
                    self._fails()
                    await self.pause()
            except DialFailed:
                self._fails()
                await self.pause()

    async def pause(self, answer: Answered | None = None) -> None:
        """Wait before the next attempt: as long as the answer asks for, else longer each time."""
        profile = self.desk.profile
        seconds = min(profile.backoff_first * 2 ** min(self._failures, 16), profile.backoff_most)
        seconds *= self.desk.chance.uniform(0.5, 1.5)
        if answer is not None and answer.retry_after is not None:
            seconds = answer.retry_after * self.desk.chance.uniform(1.0, 1.2)
        self._failures += 1
        self._retry.silence()
        await self._retry.sleep(seconds)
        if self.closing:
            raise Closed

    def _fails(self) -> None:
        if self.own:
            self.desk.service.fails(self._since)

    # A context.

    async def _establish(self) -> None:
        """Connect (with the cookies of before) and log on, until both went well. :raise Closed, Ended:"""
        if self.closing:
            raise Closed
        while True:
            if await self._connect() and (self.endpoint == "nspi" or await self._log_on()):
                break
            self._fails()
            await self.pause()
        self.live = True
        self.generation += 1
        self._failures = 0
        # A wait in the old context would never end with an event.
        old = self.lines.pop("wait", None)
        if old is not None:
            old.abort()
        self.wait_alarm.ring()

    async def _connect(self) -> bool:
        call, body = "Connect", b""
        if self.endpoint == "nspi":
            call, body = "Bind", bodies.bind_request()
        else:
            body = bodies.connect_request(self.desk.user.dn)
        while True:
            cookies = self.has_cookies
            self.renew()
            try:
                answer = await self.sent(call, body)
            except _LOST:
                return False
            meaning = meaning_of(answer, self.desk.kind)
            if meaning is Meaning.FINE:
                break
            if meaning is Meaning.GONE and cookies:
                # grommunio never falls back to a fresh context (reference 4.3).
                self.forget_cookies()
                continue
            self._fails()
            if meaning not in (Meaning.LOGIN, Meaning.LATER):
                return False
            await self._after(answer, meaning)
        book = self.desk.book
        # A refusal may have left cookies, too: those are of no context.
        with_cookies = cookies and self.generation > 0
        book.connects += 1
        book.connects_with_cookies += with_cookies
        book.connects_without += not with_cookies
        return True

    async def _log_on(self) -> bool:
        body = bodies.execute_request(rops.prove(0, rops.folder_id(5), rops.logon(self.mailbox.dn)))
        book = self.desk.book
        while True:
            try:
                answer = await self.sent("Execute", body)
            except _LOST:
                return False
            meaning = meaning_of(answer, self.desk.kind)
            if meaning is Meaning.FINE:
                break
            self._fails()
            book.executes_refused += meaning is not Meaning.UNKNOWN
            book.executes_unknown += meaning is Meaning.UNKNOWN
            if meaning not in (Meaning.LOGIN, Meaning.LATER):
                return False
            await self._after(answer, meaning)
        if self.reading.logon(answer, own=self.own) is not None:
            return True
        book.logons_refused += 1
        if not self.own:
            self.closing = True
            raise Closed
        return False
