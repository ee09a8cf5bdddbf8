"""One Session Context of one Outlook, kept alive through everything: the protocol's rules for losses.

What was not sent is sent as it is; what was sent and not answered is never repeated, but a new context is
made with the old cookies (MS-OXCMAPIHTTP 3.1.5.6); a context that is gone is made anew and the call asked
again; a login that was not accepted is tried again on a new connection; busy servers are asked later. How a
context comes about is opening.py's business, what is asked for is work.py's.
"""

from __future__ import annotations

from collections.abc import Callable

from mapiproxy.lab import bodies, rops
from mapiproxy.lab.errors import DialFailed, NotSent
from mapiproxy.lab.outlook.judging import Answered, Meaning, meaning_of
from mapiproxy.lab.outlook.opening import LOST, Opener

Body = Callable[[], bytes]
Build = Callable[[rops.Logon], bytes]


class Session(Opener):
    """A context that is there whenever it is needed."""

    async def established(self) -> None:
        """There is a context. :raise Closed, Ended:"""
        await self.lock.acquire()
        try:
            if not self.live:
                self.since = self.desk.time.seconds()
                await self.establish()
        finally:
            self.lock.release()

    async def ask(self, call: str, body: Body = bytes) -> Answered | None:
        """One call in the context, one at a time (R1170); asked until it is answered.

        :param body: makes the body, for the context of now: handles of an old one mean nothing.
        :return: ``None``: nobody knows whether it was executed; there is a new context.
        :raise Closed, Ended:
        """
        await self.lock.acquire()
        try:
            return await self._ask(call, body)
        finally:
            self.lock.release()

    async def execute(self, build: Build | None = None) -> Answered | None:
        """An Execute of ROPs, behind which the mailbox has to prove itself.

        :param build: makes the RopBuffer for the mailbox as it was logged on to; ``None``: only the proof.
        """

        def body() -> bytes:
            store = self.reading.known or rops.Logon(0, rops.folder_id(5))
            buffer = None if build is None else build(store)
            return bodies.execute_request(rops.prove(store.handle, store.inbox, buffer))

        answer = await self.ask("Execute", body)
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
        except (DialFailed, NotSent, *LOST):
            return

    def hang_up(self) -> None:
        """The connection for calls is not needed for long; the context stays."""
        if not self.lock.locked and (line := self.lines.pop("call", None)) is not None:
            line.close()

    # One call.

    async def _ask(self, call: str, body: Body) -> Answered | None:
        self.since = self.desk.time.seconds()
        harmless = call == "PING"
        while True:
            if not self.live or self.closing:
                await self.establish()
            try:
                answer = await self.sent(call, body())
            except LOST:
                self.fails()
                if harmless:
                    harmless = False
                    continue
                self.broken()
                await self.establish()
                return None
            meaning = meaning_of(answer, self.desk.kind)
            if meaning is Meaning.FINE:
                self._failures = self._gone = 0
                return answer
            self.fails()
            if meaning is Meaning.REFUSED:
                self.desk.book.executes_refused += call == "Execute"
                return answer
            if meaning is Meaning.UNKNOWN:
                if call == "Execute":
                    self.desk.book.executes_unknown += 1
                self.broken()
                await self.pause(answer)
                await self.establish()
                return None
            self.desk.book.executes_refused += call == "Execute"
            await self.after(answer, meaning)
