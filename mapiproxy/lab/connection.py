"""One client's connection to a lab server: reads requests, answers them in order, plays faults.

Pipelined requests wait their turn. What is answered is decided in backend.py; this file only knows
when.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from mapiproxy.lab.delivery import Delivery
from mapiproxy.lab.dialect import Answer
from mapiproxy.lab.faults import (
    AnswerEarly,
    AnswerRaw,
    CloseAfter,
    CloseDelimited,
    CloseNow,
    FailLate,
    Fault,
    Hold,
    NeverAnswer,
    Surplus,
)
from mapiproxy.lab.requests import BODY_END, NEED_DATA, BadRequest, LabRequest, RequestStream
from mapiproxy.lab.rpcproxy import Channel

if TYPE_CHECKING:
    from mapiproxy.lab.server import LabServer

#: How long bytes may take to leave before a reset is made to follow them.
_FLUSH = 0.02


class LabConnection(Protocol):
    """Twisted protocol; one for each TCP connection."""

    def __init__(self, server: LabServer, number: int) -> None:
        self._server = server
        self._memory: dict[str, object] = {"connection": number}
        self._stream = RequestStream(body_limit=server.backend.options.body_limit)
        self._request: LabRequest | None = None
        self._fault: Fault | None = None
        self._busy = False
        self._turning = False
        self._answered = False
        self._gone = False
        self._budget: int | None = None
        self._delivery: Delivery | None = None
        self._channel: Channel | None = None
        self._timer: IDelayedCall | None = None
        self._idle: IDelayedCall | None = None

    def connectionMade(self) -> None:
        self.transport.setTcpNoDelay(True)  # type: ignore[union-attr]
        self._server.opened(self)
        self._arm_idle()

    def dataReceived(self, data: bytes) -> None:
        self._stream.feed(data)
        self._turn()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._gone = True
        self._disarm()
        if self._delivery is not None:
            self._delivery.lost()
        if self._channel is not None:
            self._channel.lost()
        self._server.closed(self)

    def drop(self) -> None:
        """Reset the connection and forget what was under way."""
        if self._delivery is not None:
            self._delivery.cancel()
        if not self._gone:
            self._abort()

    # Reading.

    def _turn(self) -> None:
        if self._turning:
            return
        self._turning = True
        try:
            self._read()
        finally:
            self._turning = False

    def _read(self) -> None:
        while not self._busy and not self._gone:
            if self._channel is not None:
                self._channel.received(self._stream.piece())
                return
            try:
                event = self._stream.next()
            except BadRequest as bad:
                status = 400 if self._server.backend.kind == "grommunio" else bad.status
                self._refuse(b"HTTP/1.1 %d Bad Request\r\nConnection: close\r\n" % status)
                return
            if event is NEED_DATA:
                return
            if event is BODY_END:
                self._respond()
            elif isinstance(event, LabRequest):
                self._begin(event)

    def _refuse(self, head: bytes) -> None:
        self._write(head + b"Content-Length: 0\r\n\r\n")
        self._close()

    def _begin(self, request: LabRequest) -> None:
        """A head is there; its body may not be."""
        if self._idle is not None:
            self._disarm()
        self._request = request
        self._answered = False
        self._budget = None
        hook = self._server.on_request
        self._fault = fault = None if hook is None else hook(request)
        if isinstance(fault, CloseNow):
            self._close(abort=fault.abort)
        elif isinstance(fault, AnswerEarly):
            self._answered = True
            self._write(fault.raw)
            if fault.close:
                self._close()
        elif self._server.backend.kind == "grommunio":
            # It never answers Expect, and takes no chunked body (both observed).
            if request.chunked:
                self._finish(self._server.backend.dialect.door(request))
        elif request.headers.get(b"expect", b"").lower() == b"100-continue":
            self._write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if fault is None and self._server.rpc.begins(request):
            self._enter(request)

    # Channels of Outlook Anywhere.

    def _enter(self, request: LabRequest) -> None:
        admitted = self._server.rpc.admit(request, self, self._memory)
        if isinstance(admitted, Channel):
            self._channel = admitted
        else:
            self._busy = True
            self._give(admitted)

    def send(self, data: bytes) -> None:
        """Called by the channel."""
        self._write(data)

    def hang_up(self) -> None:
        """Called by the channel."""
        if not self._gone:
            self._close()

    # Answering.

    def _respond(self) -> None:
        request, fault = self._request, self._fault
        assert request is not None, "a body ends after its head"
        if self._answered:
            self._next(request)
            return
        self._busy = True
        if isinstance(fault, AnswerRaw):
            self._finish(Answer(fault.raw, fault.close))
            return
        if isinstance(fault, NeverAnswer) and not fault.execute:
            return
        if isinstance(fault, CloseAfter):
            self._budget = fault.size
        if self._server.rpc.answers(request):
            self._enter(request)
            return
        answer = self._server.backend.answer(
            request,
            self._server.clock.seconds(),
            self._memory,
            closing=isinstance(fault, CloseDelimited),
            late=fault.code if isinstance(fault, FailLate) else None,
        )
        if isinstance(fault, NeverAnswer):
            return
        if isinstance(answer, Answer):
            self._give(answer)
            return
        self._delivery = Delivery(answer, self._server.clock, self._write, self._delivered)
        self._server.deliveries.add(self._delivery)
        self._delivery.start()

    def _give(self, answer: Answer) -> None:
        delay = max(answer.delay, self._fault.seconds if isinstance(self._fault, Hold) else 0.0)
        if delay:
            self._timer = self._server.clock.callLater(delay, self._finish, answer)
        else:
            self._finish(answer)

    def _delivered(self) -> None:
        if self._delivery is not None:
            self._server.deliveries.discard(self._delivery)
        self._delivery = None
        if not self._gone:
            self._finish(Answer(b""))

    def _finish(self, answer: object) -> None:
        """The end of an answer; what follows depends on the request, the answer and the fault."""
        self._timer = None
        request, fault = self._request, self._fault
        if not isinstance(answer, Answer) or request is None or self._gone:
            return
        if answer.raw:
            self._write(answer.raw)
        if isinstance(fault, Surplus):
            self._write(fault.raw)
        if isinstance(fault, CloseAfter):
            self._close(abort=fault.abort)
        elif answer.close or isinstance(fault, CloseDelimited):
            self._close()
        else:
            self._next(request)

    def _next(self, request: LabRequest) -> None:
        if not request.keep_alive or (
            request.version == b"HTTP/1.0" and self._server.backend.kind == "exchange"
        ):
            self._close()
            return
        self._busy = False
        self._request = None
        self._arm_idle()
        if self._stream.buffered:
            self._turn()

    # Sending and closing.

    def _write(self, data: bytes) -> None:
        if self._gone or self.transport is None:
            return
        if self._budget is not None:
            data = data[: self._budget]
            self._budget -= len(data)
            self.transport.write(data)
            if self._budget == 0 and isinstance(self._fault, CloseAfter):
                self._close(abort=self._fault.abort)
            return
        self.transport.write(data)

    def _close(self, abort: bool = False) -> None:
        """No more requests from here; the bytes already written are let out first."""
        self._busy = True
        if abort:
            self._disarm()
            self._timer = self._server.clock.callLater(_FLUSH, self._abort)
        elif self.transport is not None:
            self.transport.loseConnection()

    def _abort(self) -> None:
        self._timer = None
        if not self._gone and self.transport is not None:
            self.transport.abortConnection()  # type: ignore[attr-defined]

    def _arm_idle(self) -> None:
        limit = self._server.backend.options.idle_limit
        if limit is not None:
            self._disarm()
            self._idle = self._server.clock.callLater(limit, self._bored)

    def _bored(self) -> None:
        self._idle = None
        if self._server.backend.kind == "grommunio":
            # Unasked (reference 6.3).
            self._refuse(b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n")
        else:
            self._close()

    def _disarm(self) -> None:
        for timer in (self._idle, self._timer):
            if timer is not None and timer.active():
                timer.cancel()
        self._idle = self._timer = None
