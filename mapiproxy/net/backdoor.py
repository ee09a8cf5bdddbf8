"""Our end of a connection to a backend. It belongs to one client connection for as long as it lives.

There is no pool to take it from or to put it back to, so what was authenticated on it can never serve
anybody else (reference N5). Between two requests it must stay silent: bytes that nobody asked for, an
unsolicited 408 among them, end it (reference M15).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol as Shape

from twisted.internet.interfaces import IHandshakeListener
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from mapiproxy.backends.fleet import Backend
from mapiproxy.net.line import Line
from mapiproxy.wire.reader import ResponseReader


class Owner(Shape):
    """The client's side, as far as a back door knows it."""

    @property
    def addresses(self) -> tuple[str, int, str, int]:
        """The client's address and port, and ours that it came to."""
        raise NotImplementedError

    def backend_data(self, door: BackDoor) -> None:
        """There is something in the door's reader."""

    def backend_gone(self, door: BackDoor, reason: Failure) -> None:
        """The door's connection is lost."""

    def backend_pressure(self, door: BackDoor, full: bool) -> None:
        """The backend reads slower than we write, or has caught up."""


@implementer(IHandshakeListener)
class BackDoor(Protocol):
    """A connection to *backend* that is in use, idle, or gone.

    :ivar owner: the client's side; the one and only for life.
    :ivar serving: the virtual directory of *backend* that the last request was for.
    :ivar busy: whether an answer is due.
    :ivar used: how many requests it has carried.
    :ivar idle_since: when the last of them ended, in reactor seconds.
    """

    def __init__(
        self,
        backend: Backend,
        owner: Owner,
        head_limit: int,
        when_ready: Callable[[BackDoor], None],
        when_lost_early: Callable[[Failure], None],
    ) -> None:
        self.backend = self.serving = backend
        self.owner = owner
        self.reader = ResponseReader(head_limit)
        self.busy = False
        self.used = 0
        self.idle_since = 0.0
        self.ready = False
        self.line: Line
        self._when_ready = when_ready
        self._when_lost_early = when_lost_early

    def __repr__(self) -> str:
        state = "busy" if self.busy else "idle" if self.ready else "opening"
        return f"<BackDoor {self.backend.name} {state} used={self.used}>"

    @property
    def open(self) -> bool:
        """Whether a request can be put on it."""
        return self.ready and not self.line.ended

    def connectionMade(self) -> None:
        self.line = Line(self.transport, self._pressure)
        if not self.backend.tls:
            self._open()

    def handshakeCompleted(self) -> None:
        """TLS is up and the backend is who it should be; before that no byte may leave."""
        self._open()

    def _open(self) -> None:
        self.ready = True
        self.backend.connections += 1
        self._when_ready(self)

    def _pressure(self, full: bool) -> None:
        if self.busy:
            self.owner.backend_pressure(self, full)

    def dataReceived(self, data: bytes) -> None:
        if self.line.ended:
            return
        self.reader.feed(data)
        if self.busy:
            self.owner.backend_data(self)
        else:
            self.line.abort()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.line.lost()
        if not self.ready:
            self._when_lost_early(reason)
            return
        self.backend.connections -= 1
        self.reader.eof()
        self.owner.backend_gone(self, reason)
