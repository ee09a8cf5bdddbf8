"""Virtual TCP does what Twisted's TCP does: one contract, played over both where the real one can play it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet import reactor as real_reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IHalfCloseableProtocol, IPushProducer
from twisted.internet.protocol import Factory, Protocol
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase
from zope.interface import implementer

from mapiproxy.lab.virtual import VirtualReactor
from mapiproxy.lab.virtual.transport import FULL, WINDOW

HERE = "127.0.0.1"


class End(Protocol):
    """Writes down what happens to it."""

    def __init__(self) -> None:
        self.heard = bytearray()
        self.lost: Exception | None = None
        self.made = False
        self.gone: Deferred[None] = Deferred()

    def connectionMade(self) -> None:
        self.made = True

    def dataReceived(self, data: bytes) -> None:
        self.heard += data

    def connectionLost(self, reason: Failure = Failure(ConnectionDone())) -> None:  # noqa: B008
        assert self.lost is None, "connectionLost came twice"
        self.lost = reason.value
        self.gone.callback(None)


@implementer(IHalfCloseableProtocol)
class HalfEnd(End):
    """Knows half-closed connections."""

    def __init__(self) -> None:
        super().__init__()
        self.ends: list[str] = []

    def readConnectionLost(self) -> None:
        self.ends.append("read")

    def writeConnectionLost(self) -> None:
        self.ends.append("write")


@implementer(IPushProducer)
class Producer:
    def __init__(self) -> None:
        self.said: list[str] = []

    def pauseProducing(self) -> None:
        self.said.append("pause")

    def resumeProducing(self) -> None:
        self.said.append("resume")

    def stopProducing(self) -> None:
        self.said.append("stop")


class Contract:
    """What both kinds of transport must do. ``pair`` gives two connected ends, ``pass_time`` lets things happen."""

    reactor: Any
    kind: type[End] = End

    async def pair(self, client: End, server: End) -> None:
        factory = Factory()
        factory.noisy = False
        factory.buildProtocol = lambda addr: server  # type: ignore[method-assign]
        port = self.reactor.listenTCP(0, factory, interface=HERE)
        self.addCleanup(port.stopListening)  # type: ignore[attr-defined]
        await connectProtocol(TCP4ClientEndpoint(self.reactor, HERE, port.getHost().port), client)
        await self.until(lambda: server.made)

    async def until(self, done: Callable[[], bool]) -> None:
        for _ in range(2000):
            if done():
                return
            await self.pause(0.005)
        raise AssertionError("it did not come about")

    async def pause(self, seconds: float) -> None:
        waited: Deferred[None] = Deferred()
        self.reactor.callLater(seconds, waited.callback, None)
        await waited

    def play(self, script: Callable[[], Any]) -> Any:
        raise NotImplementedError

    def test_bytes_arrive_in_order(self) -> Any:
        async def script() -> None:
            client, server = End(), End()
            await self.pair(client, server)
            for number in range(50):
                client.transport.write(b"%d," % number)  # type: ignore[union-attr]
            await self.until(lambda: server.heard.endswith(b"49,"))
            assert bytes(server.heard) == b"".join(b"%d," % n for n in range(50))
            client.transport.abortConnection()  # type: ignore[union-attr]
            await server.gone

        return self.play(script)

    def test_a_close_sends_what_was_written_first(self) -> Any:
        async def script() -> None:
            client, server = End(), End()
            await self.pair(client, server)
            size = 3 * WINDOW + 5
            client.transport.write(b"x" * size)  # type: ignore[union-attr]
            client.transport.loseConnection()  # type: ignore[union-attr]
            client.transport.write(b"just in time")  # type: ignore[union-attr]
            await server.gone
            await self.until(lambda: client.lost is not None)
            assert server.heard[size:] == b"just in time"
            assert isinstance(server.lost, ConnectionDone)
            assert isinstance(client.lost, ConnectionDone)

        return self.play(script)

    def test_an_abort_is_a_reset(self) -> Any:
        async def script() -> None:
            client, server = End(), End()
            await self.pair(client, server)
            client.transport.abortConnection()  # type: ignore[union-attr]
            client.transport.abortConnection()  # type: ignore[union-attr]
            await server.gone
            await self.until(lambda: client.lost is not None)
            assert isinstance(server.lost, ConnectionLost)
            assert isinstance(client.lost, ConnectionAborted)

        return self.play(script)

    def test_bytes_for_a_closed_connection_are_answered_with_a_reset(self) -> Any:
        async def script() -> None:
            client, server = HalfEnd(), End()
            await self.pair(client, server)
            server.transport.pauseProducing()  # type: ignore[union-attr]
            client.transport.write(b"never read")  # type: ignore[union-attr]
            await self.pause(0.05)
            server.transport.loseConnection()  # type: ignore[union-attr]
            await server.gone
            await self.until(lambda: client.ends == ["read"] or client.lost is not None)
            if client.lost is None:
                client.transport.write(b"nobody reads this either")  # type: ignore[union-attr]
            await client.gone
            assert isinstance(client.lost, ConnectionLost)

        return self.play(script)

    def test_who_does_not_read_makes_the_writer_wait(self) -> Any:
        async def script() -> None:
            client, server = End(), End()
            await self.pair(client, server)
            producer = Producer()
            client.transport.registerProducer(producer, True)  # type: ignore[union-attr]
            server.transport.pauseProducing()  # type: ignore[union-attr]
            size = 20_000_000
            client.transport.write(b"y" * size)  # type: ignore[union-attr]
            await self.pause(0.05)
            assert producer.said == ["pause"]
            assert len(server.heard) == 0
            server.transport.resumeProducing()  # type: ignore[union-attr]
            await self.until(lambda: len(server.heard) == size)
            await self.until(lambda: producer.said == ["pause", "resume"])
            client.transport.unregisterProducer()  # type: ignore[union-attr]
            client.transport.loseConnection()  # type: ignore[union-attr]
            await server.gone
            await self.until(lambda: client.lost is not None)
            assert producer.said == ["pause", "resume"]

        return self.play(script)

    def test_a_lost_connection_stops_its_producer(self) -> Any:
        async def script() -> None:
            client, server = End(), End()
            await self.pair(client, server)
            producer = Producer()
            client.transport.registerProducer(producer, True)  # type: ignore[union-attr]
            server.transport.abortConnection()  # type: ignore[union-attr]
            await client.gone
            assert producer.said == ["stop"]
            await self.until(lambda: server.lost is not None)

        return self.play(script)

    def test_half_of_a_connection_can_be_closed(self) -> Any:
        async def script() -> None:
            client, server = HalfEnd(), HalfEnd()
            await self.pair(client, server)
            client.transport.write(b"all")  # type: ignore[union-attr]
            client.transport.loseWriteConnection()  # type: ignore[union-attr]
            await self.until(lambda: server.ends == ["read"])
            assert bytes(server.heard) == b"all"
            server.transport.write(b"still here")  # type: ignore[union-attr]
            await self.until(lambda: bytes(client.heard) == b"still here")
            assert client.ends == ["write"]
            server.transport.loseConnection()  # type: ignore[union-attr]
            await server.gone
            # A half-closed reader hears of the other half, and closes.
            await self.until(lambda: "read" in client.ends or client.lost is not None)
            if client.lost is None:
                client.transport.loseConnection()  # type: ignore[union-attr]
            await client.gone

        return self.play(script)

    def test_who_knows_no_half_close_is_closed_by_one(self) -> Any:
        async def script() -> None:
            client, server = HalfEnd(), End()
            await self.pair(client, server)
            client.transport.loseWriteConnection()  # type: ignore[union-attr]
            await server.gone
            assert isinstance(server.lost, ConnectionDone)
            await self.until(lambda: "read" in client.ends or client.lost is not None)
            if client.lost is None:
                client.transport.loseConnection()  # type: ignore[union-attr]
            await client.gone

        return self.play(script)


class RealTests(Contract, TestCase):
    """Over sockets: the contract is what they do."""

    timeout = 20
    reactor = real_reactor

    def play(self, script: Callable[[], Any]) -> Any:
        return Deferred.fromCoroutine(script())


class VirtualTests(Contract, TestCase):
    """In memory."""

    def setUp(self) -> None:
        self.reactor = VirtualReactor()

    def play(self, script: Callable[[], Any]) -> Any:
        self.reactor.run(script())
        self.reactor.advance(1.0)
        assert self.reactor.getDelayedCalls() == []

    def test_gone_without_a_word(self) -> None:
        async def script() -> None:
            client, server = End(), End()
            await self.pair(client, server)
            client.transport.vanish()  # type: ignore[union-attr]
            assert isinstance(client.lost, ConnectionLost)
            server.transport.write(b"hello?")  # type: ignore[union-attr]
            await self.pause(600.0)
            assert server.lost is None, "nobody has told the server"
            server.transport.abortConnection()  # type: ignore[union-attr]
            await server.gone

        self.play(script)

    def test_bytes_take_their_time(self) -> None:
        self.reactor.latency = 0.25

        async def script() -> None:
            client, server = End(), End()
            began = self.reactor.seconds()
            await self.pair(client, server)
            assert self.reactor.seconds() - began >= 0.5
            began = self.reactor.seconds()
            client.transport.write(b"x")  # type: ignore[union-attr]
            await self.until(lambda: bool(server.heard))
            assert 0.25 <= self.reactor.seconds() - began < 0.26
            client.transport.abortConnection()  # type: ignore[union-attr]
            await server.gone

        self.play(script)

    def test_only_bytes_are_written(self) -> None:
        async def script() -> None:
            client, server = End(), End()
            await self.pair(client, server)
            with pytest.raises(TypeError, match="str"):
                client.transport.write("text")  # type: ignore[union-attr, arg-type]
            client.transport.abortConnection()  # type: ignore[union-attr]
            await server.gone

        self.play(script)

    def test_the_buffer_that_is_full_is_the_documented_one(self) -> None:
        async def script() -> None:
            client, server = End(), End()
            await self.pair(client, server)
            producer = Producer()
            client.transport.registerProducer(producer, True)  # type: ignore[union-attr]
            server.transport.pauseProducing()  # type: ignore[union-attr]
            client.transport.write(b"z" * (WINDOW + FULL))  # type: ignore[union-attr]
            assert producer.said == []
            client.transport.write(b"z")  # type: ignore[union-attr]
            assert producer.said == ["pause"]
            client.transport.abortConnection()  # type: ignore[union-attr]
            await server.gone

        self.play(script)
