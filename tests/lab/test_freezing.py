"""A server that is stopped in its tracks, and goes on."""

from __future__ import annotations

from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from mapiproxy.lab.freezing import FreezableReactor
from mapiproxy.lab.virtual import VirtualReactor


class Echo(Protocol):
    """Says back what comes, a second later."""

    clock: FreezableReactor
    lost = 0

    def dataReceived(self, data: bytes) -> None:
        assert self.transport is not None
        self.clock.callLater(1.0, self.transport.write, data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        Echo.lost += 1


class Heard(Protocol):
    def __init__(self) -> None:
        self.came = b""

    def dataReceived(self, data: bytes) -> None:
        self.came += data


def stage() -> tuple[VirtualReactor, FreezableReactor, Heard]:
    reactor = VirtualReactor()
    server = FreezableReactor(reactor)
    Echo.clock, Echo.lost = server, 0
    port = server.listenTCP(0, Factory.forProtocol(Echo), interface="127.0.0.1").getHost().port
    heard = Heard()
    reactor.run(connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", port), heard))
    return reactor, server, heard


def say(heard: Heard, data: bytes) -> None:
    assert heard.transport is not None
    heard.transport.write(data)


def test_unfrozen_it_is_a_server_like_any_other() -> None:
    reactor, _, heard = stage()
    say(heard, b"a")
    reactor.advance(2)

    assert heard.came == b"a"


def test_frozen_it_reads_nothing_and_no_timer_fires_until_it_thaws() -> None:
    reactor, server, heard = stage()
    say(heard, b"a")
    reactor.advance(0.5)
    server.freeze()
    say(heard, b"b")
    reactor.advance(60)
    assert heard.came == b""

    server.thaw()
    reactor.advance(0.01)
    assert heard.came == b"a"
    reactor.advance(2)
    assert heard.came == b"ab"


def test_frozen_it_still_accepts_as_the_kernel_does() -> None:
    reactor, server, heard = stage()
    server.freeze()
    late = Heard()
    ((_, port),) = reactor.ports
    reactor.run(connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", port), late))
    say(late, b"c")
    reactor.advance(30)
    assert late.came == b""
    server.thaw()
    reactor.advance(2)

    assert late.came == b"c"
    assert heard.came == b""


def test_that_a_client_has_left_is_noticed_when_it_thaws() -> None:
    reactor, server, heard = stage()
    server.freeze()
    assert heard.transport is not None
    heard.transport.loseConnection()
    reactor.advance(5)
    assert Echo.lost == 0
    server.thaw()
    reactor.advance(5)

    assert Echo.lost == 1


def test_a_timer_can_be_put_off_and_cancelled_even_when_it_is_held() -> None:
    reactor = VirtualReactor()
    server = FreezableReactor(reactor)
    fired: list[str] = []
    moved = server.callLater(1, fired.append, "moved")
    moved.reset(5)
    server.freeze()
    gone = server.callLater(1, fired.append, "gone")
    reactor.advance(2)
    assert gone.active()
    gone.cancel()
    server.thaw()
    reactor.advance(10)

    assert fired == ["moved"]
    assert not moved.active()
