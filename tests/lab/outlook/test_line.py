"""A connection that can be held, forsaken, and told from one whose handshake failed."""

from __future__ import annotations

from typing import Any

from support.lines import MemoryTransport
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from mapiproxy.lab.dialing import Address
from mapiproxy.lab.errors import AnswerLost, DialFailed, NotSent
from mapiproxy.lab.outlook.line import OutlookLine

ASKED = b"GET / HTTP/1.1\r\nHost: lab\r\n\r\n"


def connected() -> tuple[Clock, OutlookLine, MemoryTransport]:
    clock, transport = Clock(), MemoryTransport()
    line = OutlookLine(1, clock, 5.0)
    line.makeConnection(transport)
    return clock, line, transport


def ask(line: OutlookLine, raw: bytes = ASKED) -> list[Any]:
    got: list[Any] = []
    line.ask(b"GET", raw).addBoth(got.append)
    return got


def test_patience_can_change_while_an_answer_is_waited_for() -> None:
    clock, line, _ = connected()
    got = ask(line)
    clock.advance(4.0)
    line.bear(60.0)
    clock.advance(59.0)
    assert got == []
    clock.advance(2.0)
    assert got[0].type is AnswerLost


def test_it_is_held_and_released() -> None:
    _, line, transport = connected()
    line.hold()
    assert transport.held
    line.release()
    assert not transport.held


def test_whoever_waits_on_a_forsaken_connection_hears_of_it_and_the_socket_stays() -> None:
    for raw, error in ((ASKED, AnswerLost), (ASKED + bytes(300_000), NotSent)):
        clock, line, transport = connected()
        got = ask(line, raw)
        if error is NotSent:
            line._asked.handed = False  # type: ignore[union-attr]
        line.forsake()
        assert got[0].type is error
        assert (line.alive, transport.held, transport.ended) == (False, True, None)
        assert clock.getDelayedCalls() == []
        line.bury()
        assert transport.ended == "aborted"


class Reactor(Clock):
    """Connects at once, and never shakes hands by itself."""

    line: OutlookLine

    def connectTCP(self, host: str, port: int, factory: Any, timeout: float, bindAddress: Any) -> Any:
        assert bindAddress == ("127.0.0.5", 0)
        self.protocol = factory.buildProtocol(None)
        self.protocol.makeConnection(MemoryTransport())


def dialling(reactor: Reactor) -> tuple[OutlookLine, list[Any]]:
    line = OutlookLine(1, reactor, 5.0)
    got: list[Any] = []
    address = Address("127.0.0.1", 443)
    Deferred.fromCoroutine(line.dial(reactor, address, "127.0.0.5", None)).addBoth(got.append)
    return line, got


def test_it_is_connected_when_the_handshake_is_over() -> None:
    line, got = dialling(Reactor())
    assert got == []
    line.handshakeCompleted()
    assert got == [None]


def test_a_handshake_that_breaks_or_takes_too_long_is_a_dial_that_failed() -> None:
    line, got = dialling(Reactor())
    line.connectionLost(Failure(ConnectionLost()))
    assert got[0].type is DialFailed
    assert "TLS" in got[0].getErrorMessage()
    reactor = Reactor()
    line, got = dialling(reactor)
    reactor.advance(11.0)
    assert got[0].type is DialFailed
