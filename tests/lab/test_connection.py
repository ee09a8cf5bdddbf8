"""Scripted faults: what a client sees of each, and whether the request was executed."""

from __future__ import annotations

from typing import Any

from support.lab import Reply, request_bytes
from support.lab_sockets import ServerCase
from twisted.internet import reactor
from twisted.internet.defer import inlineCallbacks
from twisted.internet.error import ConnectionLost
from twisted.internet.task import deferLater

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


class FaultTests(ServerCase):
    @inlineCallbacks
    def fault(self, fault: Fault, request_type: str = "Execute") -> Any:
        """One session whose next request meets *fault*; the wire and the request's bytes."""
        server = self.start()
        wire, cookies = yield self.connected()
        server.on_request = lambda request: fault
        wire.data = b""
        return wire, request_bytes(request_type, cookies=cookies)

    def executed(self) -> int:
        return sum(self.server.backend.executions.values())

    @inlineCallbacks
    def test_close_now_executes_nothing(self) -> Any:
        wire, raw = yield self.fault(CloseNow(abort=True))
        wire.transport.write(raw)
        reason = yield wire.closed
        self.assertIsInstance(reason, ConnectionLost)
        self.assertEqual((wire.data, self.executed()), (b"", 0))

    @inlineCallbacks
    def test_close_after_some_bytes_has_executed(self) -> Any:
        wire, raw = yield self.fault(CloseAfter(100))
        wire.transport.write(raw)
        yield wire.closed
        self.assertEqual((len(wire.data), self.executed()), (100, 1))

    @inlineCallbacks
    def test_never_answer(self) -> Any:
        wire, raw = yield self.fault(NeverAnswer(execute=True))
        wire.transport.write(raw)
        yield deferLater(reactor, 0.05, lambda: None)
        self.assertEqual((wire.data, self.executed()), (b"", 1))

    @inlineCallbacks
    def test_answer_early_comes_before_the_body_and_keeps_the_connection(self) -> Any:
        early = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"
        wire, raw = yield self.fault(AnswerEarly(early))
        reply = yield wire.ask(raw[:-5], lambda data: data == early)
        self.assertEqual(reply.status, 401)
        self.server.on_request = None
        reply = yield wire.ask(raw[-5:] + raw)
        self.assertEqual((reply.code, self.executed()), (0, 1))

    @inlineCallbacks
    def test_answer_raw(self) -> Any:
        wire, raw = yield self.fault(AnswerRaw(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"))
        reply = yield wire.ask(raw)
        self.assertEqual((reply.status, self.executed()), (503, 0))

    @inlineCallbacks
    def test_close_delimited(self) -> Any:
        wire, raw = yield self.fault(CloseDelimited())
        wire.transport.write(raw)
        yield wire.closed
        reply = Reply(wire.data)
        self.assertEqual(reply.get(b"Connection"), b"close")
        self.assertTrue(reply.body.startswith(b"PROCESSING\r\nDONE\r\n"))

    @inlineCallbacks
    def test_surplus(self) -> Any:
        wire, raw = yield self.fault(Surplus(b"\xf7\x06"))
        reply = yield wire.ask(raw, lambda data: data.endswith(b"\xf7\x06"))
        self.assertEqual(reply.code, 0)

    @inlineCallbacks
    def test_fail_late_and_hold(self) -> Any:
        wire, raw = yield self.fault(FailLate(17))
        reply = yield wire.ask(raw)
        self.assertIn(b"\r\nX-ResponseCode: 17\r\n", reply.payload)
        self.server.on_request = lambda request: Hold(0.05)
        before = reactor.seconds()
        yield wire.ask(request_bytes("PING"))
        self.assertGreaterEqual(reactor.seconds() - before, 0.05)

    @inlineCallbacks
    def test_garbage_and_too_large_a_body_are_refused(self) -> Any:
        self.start(body_limit=10)
        for raw, status in ((b"no http\r\n\r\n", 400), (request_bytes("Connect"), 413)):
            wire = yield self.wire()
            wire.transport.write(raw)
            yield wire.closed
            self.assertEqual(Reply(wire.data).status, status)
