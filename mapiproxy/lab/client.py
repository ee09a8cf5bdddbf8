"""An Outlook-like client: the calls of one user, as methods.

Mailbox: Connect, Execute, NotificationWait on a connection of its own, PING, Disconnect. Address
book: Bind, QueryRows, GetProps, Unbind. Every attempt becomes a :class:`Step`, which the *watch*
callback sees. Usable against foreign servers too; the rules for losses are in caller.py.
"""

from __future__ import annotations

import uuid
from typing import Any

from twisted.internet.defer import Deferred

from mapiproxy.lab import bodies, rops
from mapiproxy.lab.caller import Caller
from mapiproxy.lab.dialing import Address
from mapiproxy.lab.session import Waiting
from mapiproxy.lab.step import Step

__all__ = ["Address", "OutlookClient", "Waiting"]


class OutlookClient(Caller):
    """Methods are coroutines; ``Deferred.fromCoroutine`` makes Deferreds of them.

    Steps are returned whatever their codes say (see :meth:`Step.check`); DialFailed, NotSent,
    AnswerLost and BadAnswer are raised, with their ``step`` set.
    """

    async def connect(self) -> Step:
        """Connect, with the cookies of before if there are any (a reconnect)."""
        return await self._locked("Connect", bodies.connect_request(self.user.dn))

    async def logon(self) -> Step:
        """An Execute with RopLogon; keeps the handle and the inbox for the next ones."""
        step = await self.execute(rops.logon(self.user.dn), note="log on")
        self.sessions["emsmdb"].logon = rops.read_logon_answer(step.binary)
        return step

    async def execute(
        self, buffer: bytes | None = None, *, change: bool = False, note: str = ""
    ) -> Step:
        """An Execute of these ROPs; else it reads the inbox or, with *change*, makes a folder."""
        if buffer is None and not note:
            note = "make a folder" if change else "read the inbox"
        body = bodies.execute_request(self._rops(buffer, change))
        return await self._locked("Execute", body, note=note)

    async def register(self) -> Step:
        """An Execute that asks to be told of everything in the store."""
        logon = self.sessions["emsmdb"].logon
        buffer = rops.register_notification(logon.handle if logon else 0)
        return await self.execute(buffer, note="ask to be told of events")

    async def fetch(self) -> Step:
        """An Execute without ROPs: takes the notifications (R317)."""
        return await self.execute(rops.nothing(), note="fetch events")

    async def notification_wait(self) -> Step:
        """Wait for an event, on a connection of its own, for as long as the server likes."""
        return await self.call(
            "NotificationWait", bodies.NOTIFICATION_WAIT_REQUEST, line="wait", recover=False
        )

    def start_wait(self) -> Waiting:
        """The same, without waiting for its end."""
        waiting = Waiting(Deferred())
        call = self.call(
            "NotificationWait",
            bodies.NOTIFICATION_WAIT_REQUEST,
            line="wait",
            recover=False,
            on_word=waiting.word,
        )

        def over(result: Any) -> Any:
            waiting.word(None)
            return result

        Deferred.fromCoroutine(call).addBoth(over).chainDeferred(waiting.done)
        return waiting

    async def ping(self, endpoint: str = "emsmdb") -> Step:
        return await self._locked("PING", b"", endpoint)

    async def disconnect(self) -> Step:
        step = await self._locked("Disconnect", bodies.DISCONNECT_REQUEST)
        if step.ok:
            self._forget("emsmdb")
        return step

    async def bind(self) -> Step:
        return await self._locked("Bind", bodies.bind_request(), "nspi")

    async def query_rows(self, rows: int = 10) -> Step:
        return await self._locked("QueryRows", bodies.query_rows_request(rows), "nspi")

    async def get_props(self) -> Step:
        return await self._locked("GetProps", bodies.get_props_request(), "nspi")

    async def unbind(self) -> Step:
        step = await self._locked("Unbind", bodies.UNBIND_REQUEST, "nspi")
        if step.ok:
            self._forget("nspi")
        return step

    def _rops(self, buffer: bytes | None, change: bool) -> bytes:
        if buffer is not None:
            return buffer
        logon = self.sessions["emsmdb"].logon or rops.Logon(0, rops.folder_id(5))
        if change:
            return rops.create_folder(logon.handle, logon.inbox, f"lab {uuid.uuid4().hex[:8]}")
        return rops.open_folder(logon.handle, logon.inbox)
