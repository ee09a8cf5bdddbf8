"""The machine's network as one Outlook has it: a source address, connections, and what becomes of them.

Knows nothing of requests; a connection that goes tells its own asker.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Protocol

from twisted.internet.defer import Deferred

from mapiproxy.lab.delivery import Clock
from mapiproxy.lab.dialing import Address
from mapiproxy.lab.errors import DialFailed
from mapiproxy.lab.inorder import InOrder
from mapiproxy.lab.outlook.book import Book
from mapiproxy.lab.outlook.line import OutlookLine
from mapiproxy.lab.outlook.owntime import OwnTime

#: So much of a text is worth keeping.
_TEXT = 160
#: So many sockets are kept that nobody but the server believes in.
_GHOSTS = 64


class Offline(DialFailed):
    """There is no network at all: nothing was tried."""


class MakeLine(Protocol):
    """How a connection is made: :class:`OutlookLine`, or one that can do more (authenticate itself)."""

    def __call__(self, number: int, clock: Clock, patience: float) -> OutlookLine: ...


class Uplink:
    """Dials, and lets the network fail.

    :ivar source: the address that connections come from; ``None``: whichever the system takes.
    :ivar up: whether there is a network.
    """

    def __init__(
        self,
        reactor: Any,
        time: OwnTime,
        address: Address,
        book: Book,
        *,
        source: str | None,
        tls: Any,
        make_line: MakeLine,
    ) -> None:
        self.source = source
        self.up = True
        self._reactor = reactor
        self._time = time
        self._address = address
        self._book = book
        self._tls = tls
        self._make_line = make_line
        self._lines: InOrder[OutlookLine] = InOrder()
        self._dialling: InOrder[Deferred[None]] = InOrder()
        self._ghosts: deque[OutlookLine] = deque()

    async def dial(self, patience: float) -> OutlookLine:
        """A new connection, TLS included. :raise DialFailed, Offline, Ended:"""
        await self._time.awake()
        if not self.up:
            self._book.dials_offline += 1
            raise Offline("there is no network")
        line = self._make_line(self._book.dials + 1, self._time, patience)
        dialled = Deferred.fromCoroutine(line.dial(self._reactor, self._address, self.source, self._tls))
        self._dialling.add(dialled)
        try:
            await dialled
        except DialFailed as error:
            self._book.dials_refused += 1
            # Without the address in front, which says nothing new.
            self._book.dial_troubles[str(error).partition(": ")[2][:_TEXT]] += 1
            await self._time.awake()
            raise
        except Exception as error:
            # Cancelled by a network that went away.
            self._book.dials_refused += 1
            await self._time.awake()
            raise DialFailed(f"the network went away ({type(error).__name__})") from error
        finally:
            self._dialling.discard(dialled)
        self._book.dials += 1
        self._lines.add(line)
        line.gone.addBoth(lambda _: self._lines.discard(line))
        if self._time.ended:
            line.abort()
        elif self._time.frozen:
            line.hold()
        await self._time.awake()
        line.release()
        return line

    def cut(self, *, silently: bool) -> None:
        """Every connection dies: with a reset, or so that no packet of it leaves."""
        for dialled in list(self._dialling):
            dialled.cancel()
        for line in list(self._lines):
            if not silently:
                line.abort()
            elif line.alive:
                line.forsake()
                self._ghosts.append(line)
                if len(self._ghosts) > _GHOSTS:
                    self._ghosts.popleft().bury()

    def hold(self) -> None:
        """Nothing is read any more."""
        for line in self._lines:
            line.hold()

    def release(self) -> None:
        """Reading goes on."""
        for line in list(self._lines):
            line.release()

    def close(self) -> None:
        """The process ends: so do its sockets, those included that nobody but the server believes in."""
        self.up = False
        self.cut(silently=False)
        while self._ghosts:
            self._ghosts.popleft().bury()
