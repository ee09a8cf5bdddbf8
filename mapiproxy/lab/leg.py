"""One connection of the Outlook Anywhere client: a request that may go on for ever, an answer likewise.

Knows neither PDUs nor which connections belong together; that is anywhere.py.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from mapiproxy.lab.errors import AnswerLost, BadAnswer
from mapiproxy.wire.errors import WireError
from mapiproxy.wire.heads import ResponseHead
from mapiproxy.wire.reader import END, NEED_DATA, ResponseReader


class Leg(Protocol):
    """One connection with one request; tells of everything that happens to it.

    :ivar head: of the final answer, when it has come.
    :ivar body: what has come of its body and was not taken yet.
    :ivar ended: whether the answer is whole; *closed*: whether the connection is gone.
    """

    def __init__(self, happened: Callable[[], None]) -> None:
        self.head: ResponseHead | None = None
        self.body = bytearray()
        self.ended = False
        self.closed = False
        self.gone: Deferred[None] = Deferred()
        self.error: str | None = None
        self._happened = happened
        self._reader = ResponseReader()

    def connectionMade(self) -> None:
        self.transport.setTcpNoDelay(True)  # type: ignore[union-attr]

    def ask(self, method: str, raw: bytes) -> None:
        """Send the request; its answer is read as it comes."""
        self._reader.expect(method.encode("ascii"))
        self.send(raw)

    def send(self, data: bytes) -> None:
        assert self.transport is not None, "it was dialled"
        self.transport.write(data)

    def dataReceived(self, data: bytes) -> None:
        self._reader.feed(data)
        try:
            while (event := self._reader.next()) is not NEED_DATA:
                if event is END:
                    self.ended = True
                elif isinstance(event, bytes):
                    self.body += event
                elif isinstance(event, ResponseHead) and event.status >= 200:
                    self.head = event
        except WireError as error:
            self.error = error.text
        self._happened()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.closed = True
        self._happened()
        self.gone.callback(None)

    def reset(self) -> None:
        """Close it at once, as a firewall does."""
        if not self.closed and self.transport is not None:
            self.transport.abortConnection()  # type: ignore[attr-defined]

    def sound(self, what: str) -> None:
        """:raise BadAnswer, AnswerLost: nothing good will come any more; *what* names the leg."""
        if self.error is not None:
            raise BadAnswer(f"{what}: {self.error}")
        refused = self.head is not None and self.head.status != 200
        if self.closed and not (self.ended or refused):
            raise AnswerLost(f"{what} was closed", begun=self.head is not None)
