"""A reactor for one server that can be stopped in its tracks, like a process that got SIGSTOP.

While it is frozen the kernel still accepts its connections and takes bytes in, but nothing is read, no timer
fires and nothing is said. When it thaws, it goes on as if no time had passed for it. Works on any reactor.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import connectionDone
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure
from zope.interface import implementer

from mapiproxy.lab.inorder import InOrder
from mapiproxy.lab.tls import secure


class FreezableReactor:
    """What a lab server needs of a reactor, with a switch.

    :ivar frozen: whether it is stopped.
    """

    def __init__(self, reactor: Any) -> None:
        self.frozen = False
        self._reactor = reactor
        self._wrapped: InOrder[_Held] = InOrder()
        self._due: list[_Call] = []

    def seconds(self) -> float:
        """As IReactorTime.seconds."""
        return float(self._reactor.seconds())

    def callLater(self, delay: float, callable: Callable[..., object], *args: Any, **kw: Any) -> _Call:
        """As IReactorTime.callLater; what comes due while it is frozen waits."""
        call = _Call(self, lambda: callable(*args, **kw))
        call.timer = self._reactor.callLater(delay, call.fire)
        return call

    def listenTCP(self, port: int, factory: Any, backlog: int = 50, interface: str = "") -> Any:
        """As IReactorTCP.listenTCP."""
        wrapping = WrappingFactory(factory)
        wrapping.noisy = False
        wrapping.protocol = lambda outer, inner: _Held(outer, inner, self)
        return self._reactor.listenTCP(port, wrapping, backlog, interface)

    def listenSSL(
        self, port: int, factory: Any, contextFactory: Any, backlog: int = 50, interface: str = ""
    ) -> Any:
        """As IReactorSSL.listenSSL."""
        return self.listenTCP(port, secure(contextFactory, False, factory, self), backlog, interface)

    def freeze(self) -> None:
        """Stop."""
        self.frozen = True
        for held in list(self._wrapped):
            held.hold()

    def thaw(self) -> None:
        """Go on."""
        self.frozen = False
        due, self._due = self._due, []
        for call in due:
            call.fire()
        for held in list(self._wrapped):
            held.let_go()

    def held(self, call: _Call) -> None:
        """Called by a call that came due."""
        self._due.append(call)

    def opened(self, held: _Held) -> None:
        """Called by each connection."""
        self._wrapped.add(held)

    def closed(self, held: _Held) -> None:
        """Called by each connection at its end."""
        self._wrapped.discard(held)


@implementer(IDelayedCall)
class _Call:
    """A timer that waits while its reactor is frozen."""

    timer: Any

    def __init__(self, owner: FreezableReactor, act: Callable[[], object]) -> None:
        self._owner = owner
        self._act = act
        self._over = False

    def fire(self) -> None:
        if self._over:
            return
        if self._owner.frozen:
            self._owner.held(self)
            return
        self._over = True
        self._act()

    def active(self) -> bool:
        return not self._over

    def cancel(self) -> None:
        self._over = True
        if self.timer.active():
            self.timer.cancel()

    def getTime(self) -> float:
        return float(self.timer.getTime())

    def reset(self, delay: float) -> None:
        if self.timer.active():
            self.timer.reset(delay)

    def delay(self, seconds: float) -> None:
        if self.timer.active():
            self.timer.delay(seconds)


class _Held(ProtocolWrapper):
    """A connection of the server, below its TLS."""

    def __init__(self, factory: WrappingFactory, inner: Any, owner: FreezableReactor) -> None:
        super().__init__(factory, inner)  # type: ignore[arg-type]
        self._owner = owner
        self._kept = b""
        self._lost: Any = None

    def connectionMade(self) -> None:
        super().connectionMade()
        self._owner.opened(self)
        if self._owner.frozen:
            self.hold()

    def dataReceived(self, data: bytes) -> None:
        if self._owner.frozen:
            self._kept += data
        else:
            super().dataReceived(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._owner.frozen:
            self._lost = reason
        else:
            self._owner.closed(self)
            super().connectionLost(reason)

    def hold(self) -> None:
        if self.transport is not None and not self.disconnecting:
            self.transport.pauseProducing()  # type: ignore[attr-defined]

    def let_go(self) -> None:
        if self._lost is None and self.transport is not None and not self.disconnecting:
            self.transport.resumeProducing()  # type: ignore[attr-defined]
        if self._kept:
            kept, self._kept = self._kept, b""
            super().dataReceived(kept)
        if self._lost is not None:
            lost, self._lost = self._lost, None
            self._owner.closed(self)
            super().connectionLost(lost)
