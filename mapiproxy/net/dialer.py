"""From a backend to an open connection, or to a typed failure, within a limit.

Only here do Twisted's and OpenSSL's failures turn into words that the record can hold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import define, frozen
from twisted.internet.error import (
    ConnectError,
    ConnectionRefusedError,
    DNSLookupError,
    TimeoutError,
)
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure

from mapiproxy.backends.fleet import Backend
from mapiproxy.net.backdoor import BackDoor, Owner
from mapiproxy.net.prelude import AnnouncedEndpoint
from mapiproxy.net.tls import describe_tls_failure


@frozen
class DialFailed:
    """Why a backend could not be reached.

    :ivar stage: ``resolve``, ``connect``, ``tls`` or ``limit``.
    :ivar text: one line, safe to log.
    :ivar refused: nobody listens there.
    """

    backend: str
    stage: str
    text: str
    refused: bool = False


class _DoorFactory(Factory):
    noisy = False

    def __init__(self, door: BackDoor) -> None:
        self._door = door

    def buildProtocol(self, addr: Any) -> BackDoor:
        return self._door


@define(eq=False)
class Dialer:
    """Opens back doors.

    :param endpoints: backend name to where it is reached, TLS included.
    :param limit: seconds for address look-up, connecting and TLS handshake together.
    """

    reactor: IReactorTime
    endpoints: Mapping[str, IStreamClientEndpoint]
    limit: float
    head_limit: int

    def dial(
        self,
        backend: Backend,
        owner: Owner,
        ready: Callable[[BackDoor], None],
        failed: Callable[[DialFailed], None],
    ) -> Dial:
        """Begin to connect; exactly one of the two is called, unless the dial is given up."""
        return Dial(self, backend, owner, ready, failed)


class Dial:
    """One attempt, which can be given up."""

    def __init__(
        self,
        dialer: Dialer,
        backend: Backend,
        owner: Owner,
        ready: Callable[[BackDoor], None],
        failed: Callable[[DialFailed], None],
    ) -> None:
        self._backend = backend
        self._ready = ready
        self._failed = failed
        self._over = False
        self._door = BackDoor(backend, owner, dialer.head_limit, self._opened, self._lost_early)
        self._timeout = dialer.reactor.callLater(dialer.limit, self._too_late, dialer.limit)
        endpoint = dialer.endpoints[backend.name]
        if isinstance(endpoint, AnnouncedEndpoint):
            endpoint = endpoint.announce(*owner.addresses)
        self._connecting = endpoint.connect(_DoorFactory(self._door))
        self._connecting.addErrback(self._not_connected)

    @property
    def over(self) -> bool:
        """Whether one of the two has been called, or the dial was given up."""
        return self._over

    def give_up(self) -> None:
        """Nobody waits for it any more; neither callback is called."""
        if self._end():
            self._stop()

    def _opened(self, door: BackDoor) -> None:
        if self._end():
            self._ready(door)
        else:
            door.line.abort()

    def _lost_early(self, reason: Failure) -> None:
        self._fail("tls", describe_tls_failure(reason.value or ConnectionError("lost")))

    def _not_connected(self, reason: Failure) -> None:
        stage = "resolve" if reason.check(DNSLookupError) else "connect"
        refused = reason.check(ConnectionRefusedError) is not None
        self._fail(stage, _words(reason), refused)

    def _too_late(self, limit: float) -> None:
        stage = "tls" if self._door.transport is not None else "connect"
        if self._end():
            self._stop()
            self._failed(
                DialFailed(self._backend.name, "limit", f"{stage} took longer than {limit:g} s")
            )

    def _fail(self, stage: str, text: str, refused: bool = False) -> None:
        if self._end():
            self._failed(DialFailed(self._backend.name, stage, text, refused))

    def _end(self) -> bool:
        if self._over:
            return False
        self._over = True
        if self._timeout.active():
            self._timeout.cancel()
        return True

    def _stop(self) -> None:
        if self._door.transport is not None:
            self._door.line.abort()
        else:
            self._connecting.cancel()


def _words(reason: Failure) -> str:
    """Twisted's connection failures in one short line."""
    if reason.check(ConnectionRefusedError):
        return "connection refused"
    if reason.check(TimeoutError):
        return "no answer to the connection attempt"
    if reason.check(DNSLookupError):
        return f"name not found: {reason.getErrorMessage()}"
    if isinstance(reason.value, ConnectError):
        return str(reason.value.osError or reason.getErrorMessage())
    return reason.getErrorMessage()
