"""One end of a virtual TCP connection, with the manners of Twisted's transports and of the kernel below.

What is imitated, because programs depend on it:

* bytes and the end of a direction arrive in order, one latency after they were sent;
* a reader that pauses fills its window, then its peer's buffer, then the peer's producer is paused;
* ``loseConnection`` sends what was written (also while it closes) and then a FIN; with unread bytes, or when
  bytes come later, a reset follows, as from a kernel;
* ``abortConnection`` is a reset, which is in order with what was sent before;
* who reads a FIN and knows no half close is closed.

``vanish`` is what no real socket can do: be gone without a word, like a laptop that has lost its network.

What is not: packets are never lost, so nothing is retransmitted, and nobody's TCP gives up on a peer that is
gone without a word. Only the timers of programs find it out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IConsumer, IHalfCloseableProtocol, IPushProducer, ITCPTransport
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure
from zope.interface import implementer

from mapiproxy.lab.virtual.timers import Timers

#: Bytes under way to, or waiting at, a peer that does not read.
WINDOW = 64 * 1024
#: Bytes of our own that wait for the window before a producer is told.
FULL = 64 * 1024


@implementer(ITCPTransport, IConsumer, IPushProducer)
class VirtualTransport:
    """One end. ``peer`` is the other; ``latency`` is how long anything takes to get there."""

    def __init__(self, timers: Timers, host: IPv4Address, peer: IPv4Address, latency: float) -> None:
        self.protocol: Any = None
        self.peer: VirtualTransport
        self.when_lost: Callable[[Failure], None] | None = None
        self.connected = True
        self.disconnecting = False
        self._timers = timers
        self._addresses = host, peer
        self._latency = latency
        # What we send.
        self._unsent = bytearray()
        self._under_way = 0
        self._ends_writing = self._ended_writing = self._aborted = False
        self._producer: Any = None
        self._streaming = False
        self._producer_paused = False
        # What we read.
        self._unread = bytearray()
        self._paused = False
        self._delivering = False
        self._saw_end = False

    # Being connected.

    def begin(self, protocol: Protocol) -> None:
        """Give the connection to its protocol."""
        self.protocol = protocol
        protocol.makeConnection(self)

    def getHost(self) -> IPv4Address:
        return self._addresses[0]

    def getPeer(self) -> IPv4Address:
        return self._addresses[1]

    def getTcpNoDelay(self) -> bool:
        return True

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Nothing waits here anyway."""

    def getTcpKeepAlive(self) -> bool:
        return False

    def setTcpKeepAlive(self, enabled: bool) -> None:
        """There are no probes here: an idle connection is silent."""

    # Writing.

    def write(self, data: bytes) -> None:
        if not isinstance(data, bytes):
            raise TypeError(f"only bytes can be sent, not {type(data).__name__}")
        if self.connected and not self._ended_writing and data:
            self._unsent += data
            self._send()

    def writeSequence(self, data: Iterable[bytes]) -> None:
        self.write(b"".join(data))

    def _send(self) -> None:
        """Put on the wire what the window takes; then tell the producer, then end if that is wanted."""
        room = WINDOW - self._under_way
        if self._unsent and room > 0:
            piece = bytes(self._unsent[:room])
            del self._unsent[:room]
            self._under_way += len(piece)
            self._timers.callLater(self._latency, self.peer._arrived, piece)
        if len(self._unsent) > FULL and self._producer is not None and not self._producer_paused:
            self._producer_paused = True
            self._producer.pauseProducing()
        if not self._unsent:
            self._drained()

    def _drained(self) -> None:
        if self._producer is not None and (self._producer_paused or not self._streaming):
            self._producer_paused = False
            self._timers.callLater(0, self._resume_producer, self._producer)
        elif self._ends_writing and not self._ended_writing:
            self._ended_writing = True
            if self.disconnecting:
                self._close()
            else:
                self._timers.callLater(self._latency, self.peer._arrived_end)
                half = IHalfCloseableProtocol(self.protocol, None)
                if half is not None:
                    half.writeConnectionLost()
                if self._saw_end:
                    self._lost(ConnectionDone())

    def _resume_producer(self, producer: Any) -> None:
        if producer is self._producer:
            producer.resumeProducing()
            if self._ends_writing and not self._unsent:
                self._drained()

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        if self._producer is not None:
            raise RuntimeError(f"{self._producer!r} is registered already")
        if not self.connected or self.disconnecting:
            producer.stopProducing()
            return
        self._producer, self._streaming, self._producer_paused = producer, streaming, False
        if not streaming:
            producer.resumeProducing()

    def unregisterProducer(self) -> None:
        self._producer = None
        if self._ends_writing and not self._unsent:
            self._drained()

    # Reading.

    def pauseProducing(self) -> None:
        self._paused = True

    def resumeProducing(self) -> None:
        if self.connected and not self.disconnecting:
            self._paused = False
            self._deliver_soon()

    def stopProducing(self) -> None:
        self.loseConnection()

    def _arrived(self, piece: bytes) -> None:
        if not self.connected:
            self._reset_peer()
            return
        self._unread += piece
        self._deliver_soon()

    def _arrived_end(self) -> None:
        self._saw_end = True
        if self.connected:
            self._deliver_soon()

    def _arrived_reset(self) -> None:
        # What came before it is read first.
        self._timers.callLater(0, self._lost, ConnectionLost())

    def _deliver_soon(self) -> None:
        if not self._delivering and not self._paused and (self._unread or self._saw_end):
            self._delivering = True
            self._timers.callLater(0, self._deliver)

    def _deliver(self) -> None:
        self._delivering = False
        if not self.connected or self._paused or self.disconnecting:
            return
        if self._unread:
            data = bytes(self._unread)
            self._unread.clear()
            self.peer._taken(len(data))
            self.protocol.dataReceived(data)
            self._deliver_soon()
        elif self._saw_end:
            half = IHalfCloseableProtocol(self.protocol, None)
            if half is None or self._ended_writing:
                self._close()
            else:
                self._delivering = True  # nothing more will come
                half.readConnectionLost()

    def _taken(self, size: int) -> None:
        """The peer has read: the window opens again."""
        self._under_way -= size
        if self.connected and (self._unsent or self._ends_writing):
            self._timers.callLater(self._latency, self._reopened)

    def _reopened(self) -> None:
        if self.connected and self._unsent:
            self._send()

    # The end.

    def loseConnection(self, _connDone: Any = None) -> None:
        if self.connected and not self.disconnecting:
            self.disconnecting = self._ends_writing = True
            if not self._unsent:
                self._timers.callLater(0, self._finish_closing)

    def _finish_closing(self) -> None:
        if self.connected and not self._unsent and not self._aborted:
            if self._ended_writing:
                self._close()
            else:
                self._drained()

    def loseWriteConnection(self) -> None:
        if self.connected and not self._ends_writing:
            self._ends_writing = True
            if not self._unsent:
                self._timers.callLater(0, self._drained)

    def abortConnection(self) -> None:
        if self.connected and not self._aborted:
            self._aborted = self.disconnecting = self._ends_writing = self._ended_writing = True
            self._unsent.clear()
            self._reset_peer()
            self._timers.callLater(0, self._lost, ConnectionAborted())

    def vanish(self) -> None:
        """Be gone without a word: nothing arrives or leaves here any more, and the peer hears nothing."""
        self.connected, self.disconnecting = False, True
        self.peer.peer = _Nowhere()  # type: ignore[assignment]
        self.peer = _Nowhere()  # type: ignore[assignment]
        self._lost_protocol(ConnectionLost())

    def _close(self) -> None:
        """Both directions, as close() does it."""
        self._timers.callLater(self._latency, self.peer._arrived_end)
        if self._unread:
            self._reset_peer()
        self._lost(ConnectionDone())

    def _reset_peer(self) -> None:
        self._timers.callLater(self._latency, self.peer._arrived_reset)

    def _lost(self, why: Exception) -> None:
        if self.connected:
            self.connected, self.disconnecting = False, True
            self._lost_protocol(why)

    def _lost_protocol(self, why: Exception) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.stopProducing()
        protocol, self.protocol = self.protocol, None
        self._unread.clear()
        self._unsent.clear()
        reason = Failure(why)
        if protocol is not None:
            protocol.connectionLost(reason)
        if self.when_lost is not None:
            self.when_lost(reason)


class _Nowhere:
    """Where packets go that nobody receives."""

    def _arrived(self, piece: bytes) -> None: ...

    def _arrived_end(self) -> None: ...

    def _arrived_reset(self) -> None: ...

    def _taken(self, size: int) -> None: ...
