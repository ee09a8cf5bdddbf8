"""Reads along with both directions of a plaintext connection and says where in the conversation each byte is.

Bytes go in as they come and out as pieces, none lost, added or kept but for a head that is not complete and a
part of a word of the preamble. What cannot be read as HTTP/1 passes as bytes of no phase. Replies that a
fault gives in place of the server are put in at their turn.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable

from mapiproxy.backends.kind import Kind
from mapiproxy.lab.network.body import BodyBroken, BodyWalker
from mapiproxy.lab.network.pieces import Connection, Cut, Exchange, Item, Piece, Place
from mapiproxy.lab.network.preamble import Mark, Preamble
from mapiproxy.mapi.reading import read_request
from mapiproxy.wire.errors import WireError
from mapiproxy.wire.framing import Chunked
from mapiproxy.wire.heads import RequestHead, parse_request_head, parse_response_head
from mapiproxy.wire.reader import HEAD_LIMIT

#: The first byte of a TLS handshake record.
TLS_HANDSHAKE = 0x16

#: How a request begins, as far as it has come.
_METHOD = re.compile(rb"[\r\n]*(?:[A-Z_]{1,24}(?: |\Z)|\Z)")


class Observer:
    """Both directions of one client's connection.

    :param looks: false: nothing is read, all bytes are of no phase.
    :param on_exchange: told of each request when its head is there.
    :ivar tls: the client speaks TLS, which cannot be looked into.
    """

    def __init__(
        self,
        connection: Connection,
        looks: bool = True,
        on_exchange: Callable[[Exchange], None] | None = None,
    ) -> None:
        self.connection = connection
        self.tls = False
        self._plain = Place(connection)
        self._on_exchange = on_exchange
        self._blind = not looks
        self._count = 0
        self._began = False
        self.expected: deque[Exchange] = deque()
        # Requests.
        self._asking = b""
        self._asked: Exchange | None = None
        self._body: BodyWalker | None = None
        self._offset = 0
        # Answers.
        self._answering = b""
        self._answer: BodyWalker | None = None
        self._preamble = Preamble(False)

    # What the client says.

    def request(self, data: bytes) -> list[Item]:
        """Bytes from the client, as pieces."""
        if not self._began:
            self._began = True
            self.tls = data[:1] == bytes((TLS_HANDSHAKE,))
            self._blind = self._blind or self.tls
        out: list[Item] = []
        self._asking += data
        while self._asking and not self._blind:
            if self._body is None:
                if not self._request_head(out):
                    return out
            else:
                self._request_body(out, self._body)
        if self._asking:
            out.append(Piece(self._asking, self._plain, self._asking))
            self._asking = b""
        return out

    def _request_head(self, out: list[Item]) -> bool:
        raw = self._asking
        end = raw.find(b"\r\n\r\n")
        if end < 0:
            self._blind = len(raw) > HEAD_LIMIT or not _METHOD.match(raw)
            return self._blind
        try:
            head = parse_request_head(raw[: end + 4].lstrip(b"\r\n"))
        except WireError:
            self._blind = True
            return True
        self._asked = exchange = self._exchange(head)
        self.expected.append(exchange)
        if self._on_exchange is not None:
            self._on_exchange(exchange)
        self._asking = raw[end + 4 :]
        place = Place(self.connection, "request_head", exchange, head=True)
        out.append(Piece(raw[: end + 4], place))
        self._body, self._offset = BodyWalker(head.framing), 0
        self._request_over(out)
        return True

    def _exchange(self, head: RequestHead) -> Exchange:
        self._count += 1
        facts = read_request(head, Kind.EXCHANGE)
        session = facts.session or read_request(head, Kind.GROMMUNIO).session
        mailbox = (facts.mailbox or "").lower()
        return Exchange(
            self.connection,
            self._count,
            head,
            facts.request_type or "",
            mailbox,
            session or (mailbox, self.connection.client),
            self.connection.backend,
        )

    def _request_body(self, out: list[Item], body: BodyWalker) -> None:
        try:
            end, payload = body.step(self._asking, 0)
        except BodyBroken:
            self._blind = True
            return
        data, self._asking = self._asking[:end], self._asking[end:]
        place = Place(self.connection, "request_body", self._asked, offset=self._offset)
        out.append(Piece(data, place, data if payload else b""))
        self._offset += len(data) if payload else 0
        self._request_over(out)

    def _request_over(self, out: list[Item]) -> None:
        if self._body is not None and self._body.done:
            self._body = None
            out.append(Piece(b"", Place(self.connection, "request_end", self._asked, last=True)))

    def request_end(self) -> list[Item]:
        """The client has closed its side; what was held of a head is given out."""
        rest, self._asking = self._asking, b""
        return [Piece(rest, self._plain, rest)] if rest else []

    # What the server says.

    def answer(self, data: bytes) -> list[Item]:
        """Bytes from the server, as pieces; and replies whose turn has come."""
        out: list[Item] = []
        self._answering += data
        self._read_answers(out)
        return out

    def _read_answers(self, out: list[Item]) -> None:
        while True:
            if self._answer is not None and self._answering:
                self._answer_body(out, self._answer)
            elif self._answer is None and self.expected and not self._blind:
                if self.expected[0].reply is not None:
                    self._insert(out, self.expected[0])
                elif not self._answering or not self._answer_head(out):
                    return
            else:
                break
        if self._answering:
            out.append(Piece(self._answering, self._plain, self._answering))
            self._answering = b""

    def _answer_head(self, out: list[Item]) -> bool:
        exchange = self.expected[0]
        raw = self._answering
        end = raw.find(b"\r\n\r\n") + 4
        if end < 4:
            self._blind = len(raw) > HEAD_LIMIT
            return self._blind
        try:
            head = parse_response_head(raw[:end])
            framing = head.framing_for(exchange.head.method)
        except WireError:
            self._blind = True
            return True
        self._answering = raw[end:]
        if head.status < 200:
            out.append(Piece(raw[:end], Place(self.connection, "", exchange)))
            return True
        exchange.answer = head
        exchange.chunked = isinstance(framing, Chunked)
        out.append(Piece(raw[:end], Place(self.connection, "before_answer", exchange, head=True)))
        self._answer = BodyWalker(framing)
        self._preamble = Preamble(b"mapi-http" in (head.get(b"content-type") or b"").lower())
        self._answer_over(out)
        return True

    def _answer_body(self, out: list[Item], body: BodyWalker) -> None:
        data = self._answering
        try:
            end, payload = body.step(data, 0)
        except BodyBroken:
            self._blind = True
            self._answer = None
            self._emit(out, self._preamble.end())
            return
        self._answering = data[end:]
        if payload:
            self._emit(out, self._preamble.payload(data[:end], body.chunked))
        else:
            self._emit(out, self._preamble.framing(data[:end], body.boundary))
        self._answer_over(out)

    def _answer_over(self, out: list[Item]) -> None:
        if self._answer is None or not self._answer.done:
            return
        self._answer = None
        self._emit(out, self._preamble.end())
        exchange = self.expected.popleft()
        out.append(Piece(b"", Place(self.connection, "idle", exchange, last=True)))

    def _emit(self, out: list[Item], marks: Iterable[Mark]) -> None:
        exchange = self.expected[0] if self.expected else None
        for mark in marks:
            before = out[-1] if out else None
            if isinstance(before, Piece) and _continues(before, mark):
                out[-1] = Piece(before.data + mark.data, before.place, before.payload + mark.payload)
                continue
            place = Place(self.connection, mark.phase, exchange, mark.number, mark.offset)
            out.append(Piece(mark.data, place, mark.payload))

    def answer_end(self) -> list[Item]:
        """The server has closed its side: the end of an answer that is delimited by that."""
        out: list[Item] = []
        if self._answer is not None:
            if self._answer.until_close:
                self._answer.done = True
                self._answer_over(out)
            else:
                self._emit(out, self._preamble.end())
        if self._answering:
            out.append(Piece(self._answering, self._plain, self._answering))
            self._answering = b""
        return out

    # What a fault says in place of the server.

    def reply(self) -> list[Item]:
        """A reply has been decided; the pieces of those whose turn it is."""
        return self.answer(b"")

    def _insert(self, out: list[Item], exchange: Exchange) -> None:
        reply, exchange.reply = exchange.reply, None
        assert reply is not None, "asked for by whoever saw one"
        kept, self._answering = self._answering, reply.raw
        while self._answering:
            if self._answer is None:
                if not (self.expected and self.expected[0] is exchange and self._answer_head(out)):
                    break
            else:
                self._answer_body(out, self._answer)
        self._answering = kept
        if reply.close:
            out.append(Cut("close", "both"))


def _continues(before: Piece, mark: Mark) -> bool:
    """Whether the bytes of *mark* are of the same phase and payload like those before."""
    place = before.place
    if place.head or place.last or not (before.data and mark.data):
        return False
    same = place.phase == mark.phase and place.number == mark.number
    return same and before.payload == before.data and mark.payload == mark.data
