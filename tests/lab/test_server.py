"""The lab's servers on real loopback sockets: what grommunio was observed to do, and timing."""

from __future__ import annotations

from typing import Any

from support.lab import ALICE, CHANGE, GUID, Reply, request_bytes
from support.lab_sockets import ServerCase, is_whole
from twisted.internet import reactor
from twisted.internet.defer import inlineCallbacks
from twisted.internet.task import deferLater


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
    def test_what_was_asked_is_noted_with_its_connection(self) -> Any:
        self.start()
        yield self.connected()
        (seen,) = self.server.backend.seen
        self.assertEqual(
            (seen.request_type, seen.login, seen.code, seen.connection),
            ("Connect", ALICE.login, 0, 1),
        )
