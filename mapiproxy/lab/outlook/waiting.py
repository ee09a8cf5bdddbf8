"""The NotificationWait of one mailbox: pending all the time, on a connection of its own, asked again at once.

An event is fetched with an Execute before the next wait, as the protocol has it (reference 7). A wait that
was cut has changed nothing on the server, so it is asked again in the same context, unless the profile wants
what the specification says for any call. grommunio rejects others until the next PENDING of the one it holds.
"""

from __future__ import annotations

from mapiproxy.lab import bodies
from mapiproxy.lab.errors import AnswerLost, BadAnswer, DialFailed, NotSent
from mapiproxy.lab.outlook.judging import Answered, Meaning, is_rejected, meaning_of
from mapiproxy.lab.outlook.work import Work

#: Events may follow each other so fast, in seconds; more than a few in a row are taken more slowly.
_FAST = 0.1


class Waiting:
    """The loop of one mailbox."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._session = work.session
        self._desk = work.session.desk
        self._failures = 0
        self._fast = 0
        self._lost = False

    async def run(self) -> None:
        """Until the process ends. :raise Closed, Ended:"""
        while True:
            await self._session.established()
            await self._wait()

    async def _wait(self) -> None:
        session, book = self._session, self._desk.book
        generation = session.generation
        session.wait_alarm.silence()
        try:
            request = session.request("NotificationWait", bodies.NOTIFICATION_WAIT_REQUEST, "wait")
            request.again, self._lost = self._lost, False
            answer = await session.attempt(request)
        except (NotSent, DialFailed, AnswerLost, BadAnswer) as error:
            if session.generation != generation or not session.live:
                return
            self._lost = True
            book.waits_lost += not isinstance(error, DialFailed)
            if self._desk.profile.lost_wait_connects and isinstance(error, AnswerLost | BadAnswer):
                session.broken()
            await self._pause()
            return
        if session.generation == generation:
            await self._weigh(answer)

    async def _weigh(self, answer: Answered) -> None:
        session = self._session
        meaning = meaning_of(answer, self._desk.kind)
        if is_rejected(answer):
            self._desk.book.waits_rejected += 1
            await session.wait_alarm.sleep(session.period * self._desk.chance.uniform(0.3, 0.6))
        elif meaning is Meaning.FINE:
            self._failures = 0
            await self._over(answer)
        elif meaning is Meaning.GONE:
            session.gone()
            await self._pause()
        elif meaning is Meaning.LOGIN:
            line = session.lines.pop("wait", None)
            if line is not None:
                line.close()
            await self._pause()
        else:
            await self._pause(answer.retry_after)

    async def _over(self, answer: Answered) -> None:
        """The wait ended as waits do."""
        session, book = self._session, self._desk.book
        if not answer.event_pending:
            book.waits_quiet += 1
            return
        book.notifications += 1
        self._fast = self._fast + 1 if answer.ended_at - answer.sent_at < _FAST else 0
        if self._fast > 3:
            await session.wait_alarm.sleep(min(self._fast * _FAST, 1.0))
        await session.execute()
        self._work.notified()

    async def _pause(self, seconds: float | None = None) -> None:
        """Nothing before the second attempt; then longer each time, and never alike."""
        profile = self._desk.profile
        wait = 0.0
        if self._failures:
            wait = min(profile.backoff_first * 2 ** min(self._failures - 1, 16), profile.backoff_most)
        wait = (wait if seconds is None else seconds) * self._desk.chance.uniform(0.5, 1.5)
        self._failures += 1
        if wait:
            await self._session.wait_alarm.sleep(wait)
