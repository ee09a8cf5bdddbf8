"""One transport with its manners; nothing else in the net room touches a transport's flow or its end.

What this file knows, each learnt by trying (architecture reference 4.1) and each with a test:

* pausing is a request: one more read may be delivered, so whoever holds a line must be able to keep it;
* a TLS transport that is paused never finishes closing, so a line is let go before it is closed;
* a TLS transport waits for its producer to unregister before it closes, TCP does not: always unregister;
* ``abortConnection`` after the connection is lost raises on TLS, so an end is asked for once only;
* holding before the first bytes would stall a TLS handshake: lines are never held at birth.

A line is held for reasons, not by a flag: it reads again when the last reason is gone.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer


@implementer(IPushProducer)
class Line:
    """A transport that is written to, held back, and ended once.

    :param transport: a TCP or TLS transport that has just connected.
    :param on_pressure: called with ``True`` when the peer reads too slowly for what we write, and with
        ``False`` when it has caught up.
    """

    __slots__ = ("_ended", "_gone", "_on_pressure", "_reasons", "full", "transport")

    def __init__(self, transport: Any, on_pressure: Callable[[bool], None]) -> None:
        self.transport = transport
        self.full = False
        self._on_pressure = on_pressure
        self._reasons: set[str] = set()
        self._ended = False
        self._gone = False
        if hasattr(transport, "setTcpNoDelay"):  # a UNIX socket has neither
            transport.setTcpNoDelay(True)
            transport.setTcpKeepAlive(True)
        transport.registerProducer(self, True)

    @property
    def ended(self) -> bool:
        """Whether the end has been asked for, or has come."""
        return self._ended

    def is_dead(self) -> bool:
        """Whether the peer of an idle line has closed it, or has said something unasked, of which the
        reactor has not told yet (reference 6.3: look before a connection is used again).

        Costs one look into the socket. TLS tells of its end in an alert; other records, such as
        session tickets, are no reason to give a connection up.
        """
        if self._ended:
            return True
        secured = getattr(self.transport, "transport", None)
        peek = getattr(secured or self.transport, "socket", None)
        if peek is None:
            return False
        try:
            seen: bytes = peek.recv(5, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        if not seen or secured is None:
            return True
        # An alert, or (TLS 1.3 hides the type) a record as short as only an alert is.
        return seen[0] == 21 or (seen[0] == 23 and seen[3:] == b"\0\x13")

    def write(self, data: bytes) -> None:
        """Send; after the end nothing happens."""
        if not self._ended:
            self.transport.write(data)

    def write_pieces(self, pieces: Sequence[bytes]) -> None:
        """Send several pieces as one: one TLS record, one system call."""
        if not self._ended:
            self.transport.write(pieces[0] if len(pieces) == 1 else b"".join(pieces))

    def hold(self, reason: str) -> None:
        """Stop reading for this reason."""
        if not self._reasons and not self._ended:
            self.transport.pauseProducing()
        self._reasons.add(reason)

    def release(self, reason: str) -> None:
        """This reason is gone; read on if it was the last."""
        if reason in self._reasons:
            self._reasons.discard(reason)
            if not self._reasons and not self._ended:
                self.transport.resumeProducing()

    def finish(self) -> None:
        """Send what has been written, then close."""
        if self._end():
            self.transport.loseConnection()

    def finish_writing(self, secure: bool) -> None:
        """Send what has been written and say that it was the last; what still comes is not read.

        Closing a TCP socket with unread bytes resets it, and the reset may overtake our answer (RFC 9112
        9.6). TLS says goodbye in the stream and waits for the peer's, which comes to the same.
        """
        if self._end():
            if secure:
                self.transport.loseConnection()
            else:
                self.transport.loseWriteConnection()

    def part(self, secure: bool) -> None:
        """Close in peace and wait for nothing: a peer that is idle has nothing to lose by it.

        TLS says its goodbye and does not wait for the peer's, so that no peer can keep us waiting.
        """
        if self._end():
            self.transport.loseConnection()
            if secure:
                self.transport.transport.loseConnection()

    def abort(self) -> None:
        """Close at once, with a reset where the transport can; also after an end in peace."""
        self._end()
        if not self._gone:
            self._gone = True
            self.transport.abortConnection()

    def lost(self) -> None:
        """The transport says that it is gone: nothing may be asked of it any more."""
        self._ended = self._gone = True

    def _end(self) -> bool:
        if self._ended:
            return False
        self._ended = True
        if self._reasons:
            self._reasons.clear()
            self.transport.resumeProducing()
        self.transport.unregisterProducer()
        return True

    # What the transport calls, as of any push producer.

    def pauseProducing(self) -> None:
        """Its buffer is full: who writes to this line must wait."""
        if not self.full:
            self.full = True
            self._on_pressure(True)

    def resumeProducing(self) -> None:
        """Its buffer has drained."""
        if self.full:
            self.full = False
            self._on_pressure(False)

    def stopProducing(self) -> None:
        """It is gone; ``connectionLost`` of the protocol tells the rest."""
