"""Transports and dials in memory, for a relay whose every write and hold can be looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.task import Clock
from twisted.logger import Logger
from twisted.python.failure import Failure

from mapiproxy.backends.fleet import Backend, Pool
from mapiproxy.backends.kind import Kind
from mapiproxy.backends.sessions import Sessions
from mapiproxy.net.backdoor import BackDoor
from mapiproxy.net.dialer import DialFailed
from mapiproxy.net.house import House
from mapiproxy.net.line import Line
from mapiproxy.net.relay import Relay
from mapiproxy.policy.headers import Hop
from mapiproxy.policy.rules import Rules
from mapiproxy.record.ledger import Ledger
from mapiproxy.record.opening import open_ledger


class MemoryTransport:
    """Keeps what is written, write by write; reads nothing while held; ends once."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.held = False
        self.ended: str | None = None
        self.producer: Any = None
        self.transport = self

    def setTcpNoDelay(self, on: bool) -> None:
        self.no_delay = on

    def setTcpKeepAlive(self, on: bool) -> None:
        self.keep_alive = on

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        assert streaming
        self.producer = producer

    def unregisterProducer(self) -> None:
        self.producer = None

    def pauseProducing(self) -> None:
        self.held = True

    def resumeProducing(self) -> None:
        self.held = False

    def write(self, data: bytes) -> None:
        self.writes.append(data)

    def loseConnection(self) -> None:
        self._end("finished")

    def loseWriteConnection(self) -> None:
        self._end("finished writing")

    def abortConnection(self) -> None:
        self.ended = "aborted"

    def _end(self, how: str) -> None:
        # A TLS transport that is held, or has a producer, never closes (reference 4.1).
        assert not self.held
        assert self.producer is None
        self.ended = self.ended or how

    @property
    def data(self) -> bytes:
        return b"".join(self.writes)


class MemoryDialer:
    """Remembers who asked; the test says what comes of it."""

    def __init__(self) -> None:
        self.dials: list[MemoryDial] = []

    def dial(self, backend: Backend, owner: Any, ready: Any, failed: Any) -> MemoryDial:
        self.dials.append(MemoryDial(backend, owner, ready, failed))
        return self.dials[-1]


class MemoryDial:
    def __init__(self, backend: Backend, owner: Any, ready: Any, failed: Callable[[DialFailed], None]) -> None:
        self.backend = backend
        self.over = False
        self.given_up = False
        self._failed = failed
        self.door = BackDoor(backend, owner, 131072, ready, lambda reason: None)

    def give_up(self) -> None:
        self.given_up = self.over = True

    def succeed(self) -> BackDoor:
        self.over = True
        self.door.makeConnection(MemoryTransport())
        if self.backend.tls:
            self.door.handshakeCompleted()
        return self.door

    def fail(self, text: str = "refused") -> None:
        self.over = True
        self._failed(DialFailed(self.backend.name, "connect", text))


class Stage:
    """A relay between a front in memory and back doors in memory."""

    def __init__(self, *names: str, secure: bool = True) -> None:
        self.backends = {name: Backend(name, name, 80, tls=False) for name in names or ("one",)}
        self.rules = Rules((Pool("mapi", Kind.EXCHANGE, tuple(self.backends.values())),), Sessions())
        self.dialer = MemoryDialer()
        self.clock = Clock()
        self.ledgers: list[Ledger] = []
        house = House(self.rules, self.dialer, self.clock.seconds, self._open, self.ledgers.append, Logger())  # type: ignore[arg-type]
        self.judged: list[tuple[str, str | None]] = []
        house.judge = lambda backend, blame: self.judged.append((backend.name, blame and blame.text))
        self.front = MemoryTransport()
        line = Line(self.front, lambda full: self.relay.front_pressure(full))
        self.relay = Relay(house, line, Hop("192.0.2.7", secure), 4711, 131072)

    def _open(self, now: float, head: Any, ip: str, port: int) -> Ledger:
        return open_ledger(f"id-{len(self.ledgers)}", now, now, head, ip, port)

    def send(self, data: bytes) -> None:
        """The client says something."""
        self.relay.client_data(data)

    def hang_up(self) -> None:
        """The client's connection is lost."""
        self.relay.client_gone()

    def connect(self) -> BackDoor:
        """The last dial succeeds."""
        return self.dialer.dials[-1].succeed()

    def pass_time(self, seconds: float) -> None:
        """The clock goes on, with a look at the deadlines at the end."""
        self.clock.advance(seconds)
        self.relay.tick(self.clock.seconds())


def lose(door: BackDoor, clean: bool = True) -> None:
    """A backend's connection is lost."""
    door.connectionLost(Failure(ConnectionDone() if clean else ConnectionLost()))


def written(door: BackDoor) -> MemoryTransport:
    """What a back door's transport has seen."""
    transport: Any = door.transport
    return transport
