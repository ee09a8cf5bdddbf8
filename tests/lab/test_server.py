"""The lab's servers on real loopback sockets: order, timing, faults, cut connections."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from support.lab import ALICE, CHANGE, GUID, USERS, Reply, request_bytes
from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.error import ConnectionLost
from twisted.internet.protocol import ProcessProtocol, Protocol
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from mapiproxy.lab.dialect import LabOptions
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
from mapiproxy.lab.server import LabServer


class Wire(Protocol):
    """A raw client: collects bytes, and fires when they satisfy somebody."""

    def __init__(self) -> None:
        self.data = b""
        self.closed: Deferred[Any] = Deferred()
        self._wanted: list[tuple[Callable[[bytes], bool], Deferred[bytes]]] = []

    def dataReceived(self, data: bytes) -> None:
        self.data += data
        for wanted, deferred in list(self._wanted):
            if wanted(self.data):
                self._wanted.remove((wanted, deferred))
                deferred.callback(self.data)

    def connectionLost(self, reason: Any = None) -> None:
        self.closed.callback(reason.value)

    def until(self, wanted: Callable[[bytes], bool]) -> Deferred[bytes]:
        deferred: Deferred[bytes] = Deferred()
        if wanted(self.data):
            deferred.callback(self.data)
        else:
            self._wanted.append((wanted, deferred))
        return deferred

    @inlineCallbacks
    def ask(self, raw: bytes, done: Callable[[bytes], bool] | None = None) -> Any:
        """Send one request and wait for its whole answer."""
        self.data = b""
        self.transport.write(raw)
        data = yield self.until(done or is_whole)
        return Reply(data)


def is_whole(data: bytes) -> bool:
    if b"\r\n\r\n" not in data:
        return False
    reply = Reply(data)
    length = reply.get(b"Content-Length")
    if length is not None:
        return len(reply.body) >= int(length)
    return data.endswith(b"\r\n0\r\n\r\n")


class ServerCase(TestCase):
    timeout = 10
    kind = "exchange"

    def start(self, **options: Any) -> LabServer:
        fault_for: Callable[[Any], Fault | None] | None = options.pop("on_request", None)
        self.server = LabServer(
            self.kind, "LAB1", USERS, LabOptions(**options), reactor, on_request=fault_for
        )
        self.server.start()
        self.addCleanup(self.server.stop)
        return self.server

    def wire(self) -> Deferred[Wire]:
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", self.server.port)
        deferred = connectProtocol(endpoint, Wire())

        def hang_up_later(wire: Wire) -> Wire:
            self.addCleanup(wire.transport.abortConnection)
            return wire

        return deferred.addCallback(hang_up_later)

    @inlineCallbacks
    def connected(self) -> Any:
        """A wire and the cookies of a fresh session."""
        wire = yield self.wire()
        reply = yield wire.ask(request_bytes("Connect"))
        assert reply.code == 0
        return wire, cookie(reply)


def cookie(reply: Reply, before: bytes = b"") -> bytes:
    kept = dict(pair.split(b"=", 1) for pair in before.split(b"; ") if pair)
    kept.update(reply.cookies)
    return b"; ".join(b"%b=%b" % pair for pair in kept.items())


class GrommunioSocketTests(ServerCase):
    """Rows of grommunio-observed.md that need a socket."""

    kind = "grommunio"

    @inlineCallbacks
    def test_pipelined_ping_and_execute_are_answered_in_order(self) -> Any:
        self.start()
        wire, cookies = yield self.connected()
        wire.data = b""
        raw = request_bytes("PING", cookies=cookies) + request_bytes("Execute", cookies=cookies)
        wire.transport.write(raw)
        data = yield wire.until(lambda data: data.endswith(b"\r\n0\r\n\r\n"))
        self.assertLess(data.index(b"RequestType: PING"), data.index(b"RequestType: Execute"))

    @inlineCallbacks
    def test_cut_after_the_whole_request_it_was_executed(self) -> Any:
        self.start(execute_delay=0.05)
        wire, cookies = yield self.connected()
        wire.transport.write(request_bytes("Execute", cookies=cookies, request_id=f"{GUID}:9"))
        yield deferLater(reactor, 0.02, lambda: None)
        wire.transport.abortConnection()
        other = yield self.wire()
        reply = yield other.ask(request_bytes("Execute", cookies=cookies))
        self.assertEqual(reply.code, 7)
        reply = yield other.ask(request_bytes("PING", cookies=cookies))
        self.assertEqual(reply.code, 0)
        reply = yield other.ask(request_bytes("Connect", cookies=cookies))
        self.assertEqual(reply.code, 0)
        self.assertEqual(self.server.backend.executions[f"{GUID}:9"], 1)

    @inlineCallbacks
    def test_cut_within_the_body_nothing_was_executed(self) -> Any:
        self.start()
        wire, cookies = yield self.connected()
        wire.transport.write(request_bytes("Execute", cookies=cookies)[:-5])
        wire.transport.loseConnection()
        yield wire.closed
        other = yield self.wire()
        reply = yield other.ask(request_bytes("Execute", cookies=cookies))
        self.assertEqual(reply.code, 0)
        self.assertEqual(sum(self.server.backend.executions.values()), 1)

    @inlineCallbacks
    def test_a_cut_wait_is_held_until_the_next_pending(self) -> Any:
        self.start(pending_period=0.1)
        wire, cookies = yield self.connected()
        reply = yield wire.ask(
            request_bytes("NotificationWait", cookies=cookies), lambda d: b"PROCESSING" in d
        )
        wire.transport.abortConnection()
        yield wire.closed
        other = yield self.wire()
        reply = yield other.ask(request_bytes("NotificationWait", cookies=cookies))
        self.assertEqual(reply.binary[4:8], (0x7EE).to_bytes(4, "little"))
        yield deferLater(reactor, 0.15, lambda: None)
        data = yield other.ask(
            request_bytes("NotificationWait", cookies=cookies), lambda d: b"PENDING" in d
        )
        self.assertIn(b"7\r\nPENDING\r\n", data.raw)

    @inlineCallbacks
    def test_chunked_upload_gets_400_and_a_closed_connection(self) -> Any:
        self.start()
        wire = yield self.wire()
        raw = request_bytes("PING", drop=("Content-Length",), extra=("Transfer-Encoding: chunked",))
        wire.transport.write(raw + b"0\r\n\r\n")
        yield wire.closed
        self.assertEqual(Reply(wire.data).status, 400)

    @inlineCallbacks
    def test_expect_is_never_answered(self) -> Any:
        self.start()
        wire, cookies = yield self.connected()
        raw = request_bytes("Execute", cookies=cookies, extra=("Expect: 100-continue",))
        wire.data = b""
        wire.transport.write(raw[:-10])
        yield deferLater(reactor, 0.05, lambda: None)
        self.assertEqual(wire.data, b"")
        wire.transport.write(raw[-10:])
        data = yield wire.until(is_whole)
        self.assertEqual(Reply(data).code, 0)

    @inlineCallbacks
    def test_heads_of_sixty_kilobytes_are_accepted(self) -> Any:
        self.start()
        wire, cookies = yield self.connected()
        long = tuple(f"X-Filler-{number}: {'x' * 1000}" for number in range(60))
        reply = yield wire.ask(request_bytes("Execute", cookies=cookies, extra=long))
        self.assertEqual(reply.code, 0)

    @inlineCallbacks
    def test_http_1_0_closes_unless_kept_alive(self) -> Any:
        self.start()
        wire, cookies = yield self.connected()
        keep = ("Connection: keep-alive",)
        for extra in (keep, ()):
            reply = yield wire.ask(
                request_bytes("PING", cookies=cookies, version="HTTP/1.0", extra=extra)
            )
            self.assertEqual(reply.code, 0)
        yield wire.closed

    @inlineCallbacks
    def test_an_idle_connection_gets_an_unasked_408(self) -> Any:
        self.start(idle_limit=0.05)
        wire = yield self.wire()
        yield wire.closed
        self.assertEqual(Reply(wire.data).status, 408)


class ExchangeSocketTests(ServerCase):
    @inlineCallbacks
    def test_slow_execute_pulses_beside_a_wait_that_an_event_ends(self) -> Any:
        self.start(execute_delay=0.25, pending_period=0.1)
        wire, cookies = yield self.connected()
        waiting = yield self.wire()
        waited = waiting.ask(request_bytes("NotificationWait", cookies=cookies))
        reply = yield wire.ask(request_bytes("Execute", cookies=cookies, body=CHANGE))
        self.assertEqual(reply.chunks[0], b"PROCESSING\r\n")
        self.assertEqual(reply.chunks[1:3], [b"PENDING\r\n"] * 2)
        waited = yield waited
        self.assertEqual(waited.binary[8:12], b"\1\0\0\0")

    @inlineCallbacks
    def test_a_wait_without_event_ends_by_itself(self) -> Any:
        self.start(wait_length=0.05)
        wire, cookies = yield self.connected()
        reply = yield wire.ask(request_bytes("NotificationWait", cookies=cookies))
        self.assertEqual(reply.binary, bytes(16))

    @inlineCallbacks
    def test_expect_is_answered_and_chunked_uploads_are_read(self) -> Any:
        self.start()
        wire, cookies = yield self.connected()
        raw = request_bytes("Execute", cookies=cookies)
        head, _, body = raw.partition(b"\r\n\r\n")
        head = head.rpartition(b"\r\n")[0]  # without Content-Length, which comes last
        wire.data = b""
        extra = b"\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
        wire.transport.write(head + extra)
        data = yield wire.until(lambda data: data.endswith(b"\r\n\r\n"))
        self.assertEqual(data, b"HTTP/1.1 100 Continue\r\n\r\n")
        chunks = b"5\r\n" + body[:5] + b"\r\n%x\r\n" % len(body[5:]) + body[5:] + b"\r\n0\r\n\r\n"
        reply = yield wire.ask(chunks)
        self.assertEqual(reply.code, 0)

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

    @inlineCallbacks
    def test_what_was_asked_is_noted_with_its_connection(self) -> Any:
        self.start()
        yield self.connected()
        (seen,) = self.server.backend.seen
        self.assertEqual(
            (seen.request_type, seen.login, seen.code, seen.connection),
            ("Connect", ALICE.login, 0, 1),
        )


class ProcessTests(TestCase):
    timeout = 20

    @inlineCallbacks
    def test_it_runs_as_a_process_and_prints_its_address(self) -> Any:
        lines: Deferred[bytes] = Deferred()
        ended: Deferred[None] = Deferred()

        class Child(ProcessProtocol):
            said = b""

            def outReceived(self, data: bytes) -> None:
                self.said += data
                if self.said.endswith(b"\n") and not lines.called:
                    lines.callback(self.said)

            def processEnded(self, reason: Any) -> None:
                ended.callback(None)

        arguments = [sys.executable, "-m", "mapiproxy.lab.server", "--kind", "grommunio"]
        child = reactor.spawnProcess(Child(), sys.executable, arguments, env=None)
        address = json.loads((yield lines))
        self.assertEqual((address["kind"], address["tls"]), ("grommunio", False))
        wire = yield connectProtocol(
            TCP4ClientEndpoint(reactor, address["host"], address["port"]), Wire()
        )
        reply = yield wire.ask(request_bytes("Connect"))
        self.assertEqual(reply.code, 0)
        child.signalProcess("TERM")
        yield ended
        yield wire.closed
