"""One TCP (TLS) connection of the lab's client: a request out, an answer in, one at a time.

Says how far a request had got when the connection was lost, because the protocol's rules depend on
it (reference 6.2). Large requests are handed over piece by piece, so that "not sent" can be told.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field
from cryptography.x509 import Certificate
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IHandshakeListener, IPushProducer
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from mapiproxy.lab.delivery import Clock
from mapiproxy.lab.errors import AnswerLost, BadAnswer, LabError, NotSent
from mapiproxy.lab.inner import InnerReader
from mapiproxy.wire.errors import WireError
from mapiproxy.wire.heads import ResponseHead
from mapiproxy.wire.reader import END, NEED_DATA, ResponseReader

_PIECE = 64 * 1024
#: An answer is kept in memory, so a stranger's has to end: MAPI's are a few megabytes at most.
LARGEST = 64 << 20


@define
class Received:
    """One answer. Times are in seconds on the client's clock.

    :ivar inner: the payload, read as MAPI; ``None`` for an answer of another type.
    :ivar payload: the payload of such another answer.
    """

    head: ResponseHead
    first_at: float
    ended_at: float = 0.0
    inner: InnerReader | None = None
    payload: bytearray = field(factory=bytearray, repr=False)


@define
class _Asked:
    """The request under way."""

    method: bytes
    answer: Deferred[Received]
    on_head: Callable[[ResponseHead], ResponseHead | None] | None
    on_word: Callable[[str], None] | None
    handed: bool = False
    came: int = 0
    first_at: float | None = None
    received: Received | None = None


@implementer(IPushProducer, IHandshakeListener)
class ClientLine(Protocol):
    """Twisted protocol. *number* is for people; *patience* is how many silent seconds are borne.

    :ivar gone: fires when the connection is gone.
    :ivar secured: fires with ``None`` when the TLS handshake is over, or with what ended it.
    """

    def __init__(self, number: int, clock: Clock, patience: float) -> None:
        self.number = number
        self.alive = False
        self.answered = 0
        self.gone: Deferred[None] = Deferred()
        self.secured: Deferred[BaseException | None] = Deferred()
        self._clock = clock
        self._patience = patience
        self._reader = ResponseReader()
        self._asked: _Asked | None = None
        self._unsent = b""
        self._paused = False
        self._watch: IDelayedCall | None = None

    def connectionMade(self) -> None:
        self.alive = True
        self.transport.setTcpNoDelay(True)  # type: ignore[union-attr]

    def handshakeCompleted(self) -> None:
        self.secured.callback(None)

    @property
    def certificate(self) -> Certificate | None:
        """The server's, once TLS is up; ``None`` without TLS."""
        shown = getattr(self.transport, "getPeerCertificate", lambda: None)()
        return None if shown is None else shown.to_cryptography()

    @property
    def idle(self) -> bool:
        """Ready for a request."""
        return self.alive and self._asked is None

    def ask(
        self,
        method: bytes,
        raw: bytes,
        on_head: Callable[[ResponseHead], ResponseHead | None] | None = None,
        on_word: Callable[[str], None] | None = None,
    ) -> Deferred[Received]:
        """Send *raw* (head and body) and read its answer.

        :param on_head: told when the answer's head is there; what it returns is kept in its place.
        :param on_word: told of each PROCESSING and PENDING.
        :return: fails with NotSent, AnswerLost or BadAnswer.
        """
        assert self._asked is None, "one request at a time"
        answer: Deferred[Received] = Deferred()
        if not self.alive or self.transport is None:
            answer.errback(NotSent(f"connection {self.number} was already closed"))
            return answer
        self._asked = _Asked(method, answer, on_head, on_word)
        self._reader.expect(method)
        self._watch = self._clock.callLater(self._patience, self._tired)
        if len(raw) <= _PIECE:
            self._asked.handed = True
            self.transport.write(raw)
        else:
            self._unsent = raw
            self._paused = False
            self.transport.registerProducer(self, True)  # type: ignore[attr-defined]
            self.resumeProducing()
        return answer

    def abort(self) -> Deferred[None]:
        """Reset the connection; fires when it is gone."""
        if self.alive and self.transport is not None:
            self.alive = False
            self.transport.abortConnection()  # type: ignore[attr-defined]
        return self._farewell()

    def close(self) -> Deferred[None]:
        """Close in order; fires when it is gone."""
        if self.alive and self.transport is not None:
            self.alive = False
            self.transport.loseConnection()
        return self._farewell()

    def _farewell(self) -> Deferred[None]:
        waiting: Deferred[None] = Deferred()
        self.gone.addBoth(lambda _: waiting.callback(None))
        return waiting

    # Sending a large request.

    def resumeProducing(self) -> None:
        self._paused = False
        while self._unsent and not self._paused and self.transport is not None:
            piece, self._unsent = self._unsent[:_PIECE], self._unsent[_PIECE:]
            self.transport.write(piece)
        if not self._unsent and self._asked is not None and not self._asked.handed:
            self._asked.handed = True
            if self.transport is not None:
                self.transport.unregisterProducer()  # type: ignore[attr-defined]

    def pauseProducing(self) -> None:
        self._paused = True

    def stopProducing(self) -> None:
        self._paused = True

    # Reading.

    def dataReceived(self, data: bytes) -> None:
        if self._asked is None:
            # Nobody asked: the connection is of no use any more (reference M15).
            self.abort()
            return
        if self._asked.first_at is None:
            self._asked.first_at = self._clock.seconds()
            if not data.startswith(b"HTTP/"[: len(data)]):
                # The reader would wait for the end of a head, which other protocols do not have.
                what = "HTTP/2" if data[3:5] == b"\x04\0" else "no HTTP"
                self._give_up(BadAnswer(f"connection {self.number}: what came is {what}"))
                return
        if self._watch is not None and self._watch.active():
            self._watch.reset(self._patience)
        self._asked.came += len(data)
        if self._asked.came > LARGEST:
            text = f"connection {self.number}: an answer is longer than {LARGEST} bytes"
            self._give_up(BadAnswer(text))
            return
        self._reader.feed(data)
        self._read()

    def _read(self) -> None:
        asked = self._asked
        try:
            while asked is not None:
                event = self._reader.next()
                if event is NEED_DATA:
                    return
                if event is END:
                    self._complete(asked)
                    return
                if isinstance(event, ResponseHead) and event.status >= 200:
                    self._begin(asked, event)
        except WireError as error:
            self._give_up(BadAnswer(f"connection {self.number}: {error.text}"))
        except BadAnswer as error:
            self._give_up(error)

    def _begin(self, asked: _Asked, head: ResponseHead) -> None:
        first_at = asked.first_at if asked.first_at is not None else self._clock.seconds()
        asked.received = received = Received(head, first_at)
        if b"mapi-http" in (head.get(b"content-type") or b"").lower():
            received.inner = InnerReader(asked.on_word)
            self._reader.tap = received.inner.feed
        else:
            self._reader.tap = received.payload.extend
        if asked.on_head is not None:
            received.head = asked.on_head(head) or head

    def _complete(self, asked: _Asked) -> None:
        received = asked.received
        assert received is not None, "an answer ends after its head"
        received.ended_at = self._clock.seconds()
        surplus = self._reader.unread
        if received.inner is not None and not received.inner.done:
            self._give_up(BadAnswer(f"connection {self.number}: an answer ended before DONE"))
            return
        self._forget()
        self.answered += 1
        if surplus:
            self.abort()
        elif not received.head.keep_alive or not asked.handed:
            self.alive = False
            self.transport.loseConnection()  # type: ignore[union-attr]
        asked.answer.callback(received)

    def _tired(self) -> None:
        self._watch = None
        begun = self._asked is not None and self._asked.received is not None
        text = f"connection {self.number}: nothing came for {self._patience:g} s"
        self._give_up(AnswerLost(text, begun=begun))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.alive = False
        asked = self._asked
        if asked is not None:
            text = f"connection {self.number} was lost ({reason.getErrorMessage()})"
            if not asked.handed:
                self._fail(NotSent(f"{text} before the request was sent"))
            else:
                self._at_end(asked, text)
        if not self.secured.called:
            self.secured.callback(reason.value)
        self.gone.callback(None)

    def _at_end(self, asked: _Asked, text: str) -> None:
        """The end of the connection: of the answer too, if it was delimited by that."""
        self._reader.eof()
        try:
            while self._asked is not None and self._reader.next() is not END:
                pass
        except (WireError, BadAnswer):
            begun = asked.received is not None
            place = "within the answer" if begun else "before the answer"
            self._fail(AnswerLost(f"{text} {place}", begun=begun))
            return
        if self._asked is not None:
            self._complete(asked)

    def _give_up(self, error: LabError) -> None:
        asked = self._asked
        self._forget()
        # Before anybody hears of it: who hears of it may ask again at once.
        self.abort()
        if asked is not None:
            asked.answer.errback(error)

    def _fail(self, error: LabError) -> None:
        asked = self._asked
        self._forget()
        if asked is not None:
            asked.answer.errback(error)

    def _forget(self) -> None:
        if self._watch is not None and self._watch.active():
            self._watch.cancel()
        self._watch = None
        self._asked = None
        self._unsent = b""
