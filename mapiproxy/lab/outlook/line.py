"""A connection of a process that can stand still, on a network that can go away from below it.

Does what lab/line.py does, and tells a TLS handshake that failed from a request that was sent.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IHandshakeListener
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from mapiproxy.lab.delivery import Clock
from mapiproxy.lab.dialing import LIMIT, Address, dial
from mapiproxy.lab.errors import AnswerLost, DialFailed, NotSent
from mapiproxy.lab.line import ClientLine


@implementer(IHandshakeListener)
class OutlookLine(ClientLine):
    """Twisted protocol."""

    def __init__(self, number: int, clock: Clock, patience: float) -> None:
        super().__init__(number, clock, patience)
        self._shaken: Deferred[None] | None = None

    async def dial(self, reactor: Any, address: Address, source: str | None, tls: Any) -> None:
        """Connect; with TLS until its handshake is over: what fails before has sent nothing.

        :param source: the address to come from, and *tls* as for :func:`mapiproxy.lab.dialing.dial`.
        :raise DialFailed:
        """
        shaken: Deferred[None] | None = None
        if address.tls:
            shaken = self._shaken = Deferred()
        await dial(reactor, address, self, source=source, tls=tls)
        if shaken is None:
            return
        shaken.addTimeout(LIMIT, reactor)
        try:
            await shaken
        except Exception as error:
            self.abort()
            text = f"{address.host}:{address.port}: TLS: {error or type(error).__name__}"
            raise DialFailed(text) from error

    def handshakeCompleted(self) -> None:
        shaken, self._shaken = self._shaken, None
        if shaken is not None:
            shaken.callback(None)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        shaken, self._shaken = self._shaken, None
        if shaken is not None:
            shaken.errback(reason)
        super().connectionLost(reason)

    def bear(self, patience: float) -> None:
        """Other patience from now on, for the request under way too."""
        self._patience = patience
        if self._watch is not None:
            self._watch.reset(patience)

    def hold(self) -> None:
        """Read nothing, notice nothing: the process stands still."""
        if self.alive and self.transport is not None:
            self.transport.pauseProducing()  # type: ignore[attr-defined]

    def release(self) -> None:
        """Read again."""
        if self.alive and self.transport is not None:
            self.transport.resumeProducing()  # type: ignore[attr-defined]

    def forsake(self) -> None:
        """The network below is gone: nothing comes or leaves. The socket stays until :meth:`bury`."""
        # On real sockets what the system was given before still leaves. To the other end it looks like
        # somebody who reads no more: what is sent is acknowledged until the window is full.
        self.hold()
        self.alive = False
        if self._asked is not None:
            begun, text = self._asked.received is not None, f"connection {self.number} lost its network"
            self._fail(AnswerLost(text, begun=begun) if self._asked.handed else NotSent(text))

    def bury(self) -> None:
        """Close the socket of a connection that was forsaken."""
        if not self.gone.called and self.transport is not None:
            self.transport.abortConnection()  # type: ignore[attr-defined]
