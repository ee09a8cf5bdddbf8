"""A client of Outlook Anywhere: two connections of one user that make a virtual connection.

Speaks the opening of RPC over HTTP v2 for real (MS-RPCH 3.2.2; rts.py has its PDUs) and then whatever
the caller sends. Against a lab server that comes back on the other channel (rpcproxy.py).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as Late
from twisted.python.failure import Failure

from mapiproxy.lab.dialing import Address, dial
from mapiproxy.lab.errors import AnswerLost, BadAnswer, HttpRefused, LabError, Unauthorized
from mapiproxy.lab.leg import Leg
from mapiproxy.lab.rts import (
    A3,
    C2,
    CHANNEL_LENGTH,
    ECHO_BODY,
    BadPdu,
    Pdu,
    conn_a1,
    conn_b1,
    take_pdu,
)
from mapiproxy.lab.users import LabUser

IN, OUT = "in", "out"
_METHODS = {IN: "RPC_IN_DATA", OUT: "RPC_OUT_DATA"}


@frozen
class Echo:
    """The answer to an echo probe."""

    status: int
    body: bytes


class OutlookAnywhere:
    """One virtual connection of one user.

    :param target: ``SERVER:PORT`` of the query; by default the mailbox's store.
    :param path: the RPC proxy's, in any spelling.
    :param authorization: the value of that header; ``None`` for the user's Basic, empty for none.
    :param patience: seconds after which an answer is given up.
    :ivar cookie: of the virtual connection.
    :ivar legs: "in" and "out".
    """

    def __init__(
        self,
        reactor: Any,
        address: Address,
        user: LabUser,
        *,
        target: str | None = None,
        path: str = "/rpc/rpcproxy.dll",
        authorization: bytes | None = None,
        patience: float = 10.0,
    ) -> None:
        self.user = user
        self.address = address
        self.cookie = uuid.uuid4().bytes
        self.legs: dict[str, Leg] = {}
        self._reactor = reactor
        self._target = target or f"{user.mailbox_id}:6001"
        self._path = path
        self._authorization = user.basic if authorization is None else authorization
        self._patience = patience
        self._waiting: list[tuple[Callable[[], bool], Deferred[None]]] = []

    async def open(self) -> None:
        """Open OUT, then IN, and wait until the server says that it has both.

        :raise DialFailed, Unauthorized, HttpRefused, AnswerLost, BadAnswer: nothing is left open.
        """
        try:
            await self.open_out()
            await self.open_in()
            await self.opened()
        except LabError:
            await self.close()
            raise

    async def open_out(self) -> None:
        """Open OUT and wait for the server's first words on it."""
        await self._dial(OUT)
        body = conn_a1(self.cookie, uuid.uuid4().bytes).raw
        self._ask(OUT, self.request(OUT, len(body)) + body)
        await self._pdu(A3)

    async def open_in(self) -> None:
        """Open IN; there is no answer to that (see :meth:`opened`)."""
        await self._dial(IN)
        first = conn_b1(self.cookie, uuid.uuid4().bytes, uuid.uuid4().bytes).raw
        self._ask(IN, self.request(IN, CHANNEL_LENGTH) + first)

    async def opened(self) -> None:
        """Wait until the server says that it has both channels."""
        await self._pdu(C2)

    def send(self, data: bytes) -> None:
        """Send these bytes on IN."""
        self.legs[IN].send(data)

    async def receive(self, size: int) -> bytes:
        """Wait for so many bytes on OUT. :raise AnswerLost: they will not come."""
        body = self.legs[OUT].body

        def enough() -> bool:
            if len(body) >= size:
                return True
            self._check()
            return False

        await self._until(enough)
        taken = bytes(body[:size])
        del body[:size]
        return taken

    async def say(self, data: bytes) -> bytes:
        """Send *data* on IN and wait for as many bytes on OUT."""
        self.send(data)
        return await self.receive(len(data))

    async def echo(self, direction: str = IN, body: bytes = ECHO_BODY) -> Echo:
        """Ask for a sign of life, on a connection of its own. :raise AnswerLost, BadAnswer:"""
        leg = Leg(self._look)
        await dial(self._reactor, self.address, leg)
        try:
            leg.ask(_METHODS[direction], self.request(direction, len(body)) + body)

            def whole() -> bool:
                if not leg.ended:
                    leg.sound("echo")
                return leg.ended

            await self._until(whole)
        finally:
            leg.reset()
            await leg.gone
        assert leg.head is not None, "an answer ends after its head"
        return Echo(leg.head.status, bytes(leg.body))

    async def gone(self, direction: str) -> None:
        """Wait until this channel's connection is gone."""
        await self._until(lambda: self.legs[direction].closed)

    def reset(self, direction: str) -> None:
        """Lose one channel at once, as by a firewall."""
        self.legs[direction].reset()

    async def close(self) -> None:
        """Drop both channels."""
        for leg in self.legs.values():
            leg.reset()
        for direction in list(self.legs):
            await self.gone(direction)

    def request(self, direction: str, length: int) -> bytes:
        """The head of a request for this channel."""
        lines = [
            f"{_METHODS[direction]} {self._path}?{self._target} HTTP/1.1",
            "Cache-Control: no-cache",
            "Connection: Keep-Alive",
            "Pragma: No-cache",
            "Accept: application/rpc",
            "User-Agent: MSRPC",
            f"Host: {self.address.authority}",
            f"Content-Length: {length}",
        ]
        if self._authorization:
            lines.append(f"Authorization: {self._authorization.decode('latin-1')}")
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"

    async def _dial(self, direction: str) -> None:
        leg = Leg(self._look)
        await dial(self._reactor, self.address, leg)
        self.legs[direction] = leg

    def _ask(self, direction: str, raw: bytes) -> None:
        self.legs[direction].ask(_METHODS[direction], raw)

    async def _pdu(self, shape: tuple[int, ...]) -> None:
        """Wait for the PDU of this shape on OUT, which must be the next one."""
        came: list[Pdu] = []

        def complete() -> bool:
            self._check()
            try:
                pdu = take_pdu(self.legs[OUT].body)
            except BadPdu as error:
                raise BadAnswer(f"the out channel: {error}") from error
            if pdu is not None:
                came.append(pdu)
            return pdu is not None

        await self._until(complete)
        if came[0].shape != shape:
            raise BadAnswer(f"the out channel: commands {came[0].shape}, not {shape}")

    def _check(self) -> None:
        """:raise LabError: a channel was refused or is gone."""
        for direction, leg in self.legs.items():
            leg.sound(f"the {direction} channel")
            head = leg.head
            if head is not None and (direction == IN or head.status != 200):
                kind = Unauthorized if head.status == 401 else HttpRefused
                line = head.raw.partition(b"\r\n")[0].decode("latin-1")
                raise kind(f"the {direction} channel: {line}")

    async def _until(self, check: Callable[[], bool]) -> None:
        """Wait until *check* is true, which is asked whenever something happened; it may raise."""
        if check():
            return
        waiting: Deferred[None] = Deferred()
        entry = (check, waiting)
        self._waiting.append(entry)
        waiting.addTimeout(self._patience, self._reactor)
        try:
            await waiting
        except Late:
            raise AnswerLost(f"nothing came for {self._patience:g} s", begun=False) from None
        finally:
            if entry in self._waiting:
                self._waiting.remove(entry)

    def _look(self) -> None:
        for entry in list(self._waiting):
            check, waiting = entry
            try:
                done = check()
            except LabError:
                self._waiting.remove(entry)
                waiting.errback(Failure())
                continue
            if done:
                self._waiting.remove(entry)
                waiting.callback(None)
