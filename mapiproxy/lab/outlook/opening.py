"""How a Session Context comes about, again and again: Connect with the cookies of before, and a logon.

Between attempts that failed there are pauses, longer and longer, never alike. Which calls a context is made
for is session.py's business.
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

#: After these nobody knows whether the call was executed.
LOST = (AnswerLost, BadAnswer)


class Closed(Exception):
    """The mailbox cannot be opened by this user, or is being closed: nothing more comes of this context."""


class Opener(Asker):
    """A context that can be made anew.

    :ivar live: whether there is a context, as far as the client knows; *closing*: none is wanted any more,
        or none is allowed.
    :ivar generation: how many contexts there have been.
    :ivar reading: what is made of the answers of its Executes.
    :ivar own: whether it is the user's own mailbox, whose failures are the user's outages.
    :ivar lock: held by who has a call under way, or makes the context.
    :ivar since: when what the user waits for was begun.
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
        self.since = 0.0
        self._retry = desk.time.alarm()
        self._failures = 0
        self._gone = 0

    def ring(self) -> None:
        """Something has changed in the world: try now what would have been tried later."""
        for alarm in (self._retry, self.wait_alarm, self.work_alarm):
            alarm.ring()

    def gone(self) -> None:
        """A server said that there is no such context."""
        self.desk.book.contexts_lost += self.live
        self.broken()

    def broken(self) -> None:
        """The context is of no use any more; its cookies are, for the next Connect."""
        self.live = False

    # Attempts.

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
                    self.fails()
                    await self.pause()
            except DialFailed:
                self.fails()
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

    async def after(self, answer: Answered, meaning: Meaning) -> None:
        """What has to come before the same is asked again."""
        if meaning is Meaning.GONE:
            self.gone()
            self._gone += 1
            if self._gone > 1:
                # Servers that take every context and know none of them.
                self._failures = max(self._failures, self._gone)
                await self.pause()
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

    def fails(self) -> None:
        """Something that the user waits for did not work."""
        if self.own:
            self.desk.service.fails(self.since)

    # A context.

    async def establish(self) -> None:
        """Connect (with the cookies of before) and log on, until both went well. :raise Closed, Ended:"""
        if self.closing:
            raise Closed
        while True:
            if await self._connect() and (self.endpoint == "nspi" or await self._log_on()):
                break
            self.fails()
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
            except LOST:
                return False
            meaning = meaning_of(answer, self.desk.kind)
            if meaning is Meaning.FINE:
                break
            if meaning is Meaning.GONE and cookies:
                # grommunio never falls back to a fresh context (reference 4.3).
                self.forget_cookies()
                continue
            self.fails()
            if meaning not in (Meaning.LOGIN, Meaning.LATER):
                return False
            await self.after(answer, meaning)
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
            except LOST:
                return False
            meaning = meaning_of(answer, self.desk.kind)
            if meaning is Meaning.FINE:
                break
            self.fails()
            book.executes_refused += meaning is not Meaning.UNKNOWN
            book.executes_unknown += meaning is Meaning.UNKNOWN
            if meaning not in (Meaning.LOGIN, Meaning.LATER):
                return False
            await self.after(answer, meaning)
        if self.reading.logon(answer, own=self.own) is not None:
            return True
        book.logons_refused += 1
        if not self.own:
            self.closing = True
            raise Closed
        return False
