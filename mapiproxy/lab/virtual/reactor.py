"""A reactor of nothing but memory: TCP between addresses that exist nowhere, and virtual time.

What it has is what the product and the lab ask of a reactor: timers, ``listenTCP``, ``listenSSL``,
``connectTCP``, names, and a thread pool that is no thread. TLS runs on it for real, because it only needs
bytes. Everything happens in one order; nothing depends on the machine.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

from twisted.internet.interfaces import IReactorPluggableNameResolver, IReactorTCP, IReactorTime
from twisted.python.failure import Failure
from zope.interface import implementer

from mapiproxy.lab.tls import secure
from mapiproxy.lab.virtual.connecting import ANYWHERE, VirtualConnector, VirtualPort
from mapiproxy.lab.virtual.names import Names
from mapiproxy.lab.virtual.timers import Timers

#: 2026-01-05, a Monday, 08:00 UTC.
MONDAY = 1_767_600_000.0
#: Seconds that a packet takes, one way.
LATENCY = 0.0005


@implementer(IReactorTime, IReactorTCP, IReactorPluggableNameResolver)
class VirtualReactor(Timers):
    """The reactor.

    :ivar latency: of connections made from now on, in seconds, one way.
    :ivar names: host names and their addresses.
    :ivar unreachable: addresses from which no answer comes, not even a refusal.
    """

    running = True

    def __init__(self, start: float = MONDAY, latency: float = LATENCY) -> None:
        super().__init__(start)
        self.latency = latency
        self.names: dict[str, str] = {"localhost": "127.0.0.1"}
        self.unreachable: set[str] = set()
        self.nameResolver: Any = Names(self.names)
        self.ports: dict[tuple[str, int], VirtualPort] = {}
        self._next_port = count(40_000)

    def free_port(self) -> int:
        """One that nobody was given before."""
        return next(self._next_port)

    def listenTCP(
        self, port: int, factory: Any, backlog: int = 50, interface: str = ""
    ) -> VirtualPort:
        """As IReactorTCP.listenTCP. :raise CannotListenError: somebody listens there."""
        interface = self.names.get(interface, interface)
        listening = VirtualPort(self, interface, port or self.free_port(), factory)
        listening.startListening()
        return listening

    def listenSSL(
        self, port: int, factory: Any, contextFactory: Any, backlog: int = 50, interface: str = ""
    ) -> VirtualPort:
        """As IReactorSSL.listenSSL."""
        return self.listenTCP(port, secure(contextFactory, False, factory, self), backlog, interface)

    def connectTCP(
        self,
        host: str,
        port: int,
        factory: Any,
        timeout: float = 30.0,
        bindAddress: tuple[str, int] | None = None,
    ) -> VirtualConnector:
        """As IReactorTCP.connectTCP."""
        connector = VirtualConnector(self, host, port, factory, timeout, bindAddress)
        connector.connect()
        return connector

    def find_port(self, host: str, port: int) -> VirtualPort | None:
        """Who listens there."""
        for address in (host, *ANYWHERE):
            found = self.ports.get((address, port))
            if found is not None:
                return found
        return None

    def installNameResolver(self, resolver: Any) -> Any:
        """Resolve names with another; returns the one that did so far."""
        before, self.nameResolver = self.nameResolver, resolver
        return before

    # What is asked of the main loop and of its threads.

    def callFromThread(self, callable: Callable[..., object], *args: Any, **kw: Any) -> None:
        self.callLater(0, callable, *args, **kw)

    def callWhenRunning(self, callable: Callable[..., object], *args: Any, **kw: Any) -> None:
        self.callLater(0, callable, *args, **kw)

    def getThreadPool(self) -> _AtOnce:
        return _AtOnce()

    def addSystemEventTrigger(self, *args: Any, **kw: Any) -> None:
        """There is no system whose events could come."""

    def removeSystemEventTrigger(self, trigger: Any) -> None:
        """See above."""


class _AtOnce:
    """A thread pool without threads: what is given to it is done at once."""

    def callInThread(self, function: Callable[..., object], *args: Any, **kw: Any) -> None:
        function(*args, **kw)

    def callInThreadWithCallback(
        self,
        result: Callable[[bool, Any], object] | None,
        function: Callable[..., Any],
        *args: Any,
        **kw: Any,
    ) -> None:
        try:
            value: Any = function(*args, **kw)
            good = True
        except Exception:
            value, good = Failure(), False
        if result is not None:
            result(good, value)
