"""Ports and attempts to connect in the virtual network."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.error import CannotListenError, ConnectionRefusedError, TimeoutError
from twisted.internet.protocol import ClientFactory, Factory, Protocol

from mapiproxy.lab.virtual import VirtualReactor

HERE = "127.0.0.1"


class Note(Protocol):
    def connectionMade(self) -> None:
        self.seen = self.transport.getHost(), self.transport.getPeer()  # type: ignore[union-attr]


def listen(reactor: VirtualReactor, port: int = 0, interface: str = HERE) -> tuple[int, list[Note]]:
    ends: list[Note] = []

    def build(addr: Any) -> Note:
        ends.append(Note())
        return ends[-1]

    factory = Factory()
    factory.buildProtocol = build  # type: ignore[method-assign]
    return reactor.listenTCP(port, factory, interface=interface).getHost().port, ends


def connect(reactor: VirtualReactor, port: int, host: str = HERE, **how: Any) -> Note:
    return reactor.run(connectProtocol(TCP4ClientEndpoint(reactor, host, port, **how), Note()))


def test_both_ends_know_both_addresses() -> None:
    reactor = VirtualReactor()
    port, ends = listen(reactor)
    note = connect(reactor, port, bindAddress=("127.0.0.9", 0))
    mine, theirs = note.seen
    assert (mine.host, theirs.host, theirs.port) == ("127.0.0.9", HERE, port)
    assert ends[0].seen == (theirs, mine)


def test_nobody_there_is_a_refusal_after_a_round_trip() -> None:
    reactor = VirtualReactor(latency=0.1)
    began = reactor.seconds()
    with pytest.raises(ConnectionRefusedError):
        connect(reactor, 7)
    assert reactor.seconds() - began == pytest.approx(0.2)


def test_an_address_from_which_nothing_comes_is_a_timeout() -> None:
    reactor = VirtualReactor()
    port, _ = listen(reactor)
    reactor.unreachable.add(HERE)
    began = reactor.seconds()
    with pytest.raises(TimeoutError):
        connect(reactor, port, timeout=10)
    assert reactor.seconds() - began == pytest.approx(10.0)


def test_a_port_is_taken_once_and_free_again_afterwards() -> None:
    reactor = VirtualReactor()
    port = reactor.listenTCP(8443, Factory(), interface=HERE)
    with pytest.raises(CannotListenError):
        reactor.listenTCP(8443, Factory(), interface="")
    reactor.listenTCP(8443, Factory(), interface="127.0.0.2")
    port.stopListening()
    reactor.listenTCP(8443, Factory(), interface=HERE)


def test_whoever_listens_everywhere_is_found_at_each_address() -> None:
    reactor = VirtualReactor()
    port, ends = listen(reactor, 443, "0.0.0.0")
    connect(reactor, port, "10.1.2.3")
    assert ends[0].seen[0].host == "10.1.2.3"


def test_who_builds_no_protocol_turns_the_client_away() -> None:
    reactor = VirtualReactor()
    factory = Factory()
    factory.buildProtocol = lambda addr: None  # type: ignore[method-assign, assignment, return-value]
    port = reactor.listenTCP(0, factory, interface=HERE)
    note = connect(reactor, port.getHost().port)
    reactor.advance(1.0)
    assert not note.transport.connected  # type: ignore[union-attr]


def test_an_attempt_can_be_given_up_on_the_way() -> None:
    reactor = VirtualReactor(latency=1.0)
    port, ends = listen(reactor)
    attempt = connectProtocol(TCP4ClientEndpoint(reactor, HERE, port), Note())
    reactor.advance(1.5)
    assert len(ends) == 1, "the server has seen it"
    failures: list[Any] = []
    attempt.addErrback(failures.append)
    attempt.cancel()
    reactor.advance(5.0)
    assert len(failures) == 1
    assert not ends[0].transport.connected  # type: ignore[union-attr]
    assert reactor.getDelayedCalls() == []


def test_a_client_factory_hears_that_its_connection_is_lost_and_may_try_again() -> None:
    reactor = VirtualReactor()
    port, ends = listen(reactor)
    heard: list[str] = []

    class Again(ClientFactory):
        protocol = Note
        noisy = False

        def clientConnectionLost(self, connector: Any, reason: Any) -> None:
            heard.append(type(reason.value).__name__)
            if len(heard) == 1:
                connector.connect()

        def stopFactory(self) -> None:
            heard.append("stopped")

    reactor.connectTCP(HERE, port, Again())
    reactor.advance(1.0)
    ends[0].transport.loseConnection()  # type: ignore[union-attr]
    reactor.advance(1.0)
    assert heard == ["ConnectionDone"]
    ends[1].transport.abortConnection()  # type: ignore[union-attr]
    reactor.advance(1.0)
    assert heard == ["ConnectionDone", "ConnectionLost", "stopped"]


def test_stopping_is_done_at_once() -> None:
    reactor = VirtualReactor()
    done = reactor.listenTCP(0, Factory(), interface=HERE).stopListening()
    assert isinstance(done, Deferred)
    assert done.called
