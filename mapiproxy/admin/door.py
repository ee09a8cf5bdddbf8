"""The page's way into the world: a listening port, HTTP by twisted.web, and TLS if there is a creator.

Turns requests into plain values and plain answers into bytes. Must not know what is answered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from attrs import evolve
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IListeningPort
from twisted.logger import Logger
from twisted.protocols.policies import WrappingFactory
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure
from twisted.web.iweb import IRequest
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from mapiproxy.admin.entrance import Entrance
from mapiproxy.admin.feeds import Feeds, Metrics
from mapiproxy.admin.frame import Frame
from mapiproxy.admin.gate import Gate, Keys, Note
from mapiproxy.admin.message import Answer, Asked, say
from mapiproxy.admin.ordering import Ordering
from mapiproxy.admin.pages import StatusPages
from mapiproxy.admin.routes import HEADERS, Routes
from mapiproxy.admin.views import Views
from mapiproxy.admin.wording import plain
from mapiproxy.net.tls import ListenerCreator

#: Bytes of a request's body at most, connections at the same time, and seconds that one may be idle.
LONGEST, MOST, IDLE = 65_536, 128, 60

Plain = dict[str, Any]


class AdminDoor:
    """The status page, listening or not yet.

    :param answer: from an order to its reply; may raise, which is a bug.
    :param creator: of TLS connections; ``None`` for plain HTTP.
    :ivar port: what is bound.
    """

    def __init__(
        self,
        answer: Callable[[Plain], Plain],
        metrics: Metrics | None,
        keys: Keys,
        creator: ListenerCreator | None,
        log: Logger,
        clock: Callable[[], float],
        chance: Callable[[int], bytes],
    ) -> None:
        def note(text: str) -> None:
            # Sessions, subjects and hosts are what somebody sent.
            log.info("admin: {text}", text=plain(text))

        self.gate = Gate(keys, clock, chance, note)
        self.creator = creator
        self.port: IListeningPort | None = None
        views = make_views(answer, metrics, self.gate, clock, chance, note)
        self.routes = Routes(self.gate, views, lambda text: log.failure("{text}", text=text))
        factory: Any = _Site(
            _Leaf(self.routes, lambda text, failure: log.failure("{text}", failure, text=text))
        )
        if creator is not None:
            factory = TLSMemoryBIOFactory(creator, False, factory)
            factory.noisy = False
        self._counted = _Counted(factory)

    def listen(self, host: str, port: int, reactor: Any) -> None:
        """:raise CannotListenError: the address is taken."""
        self.port = reactor.listenTCP(port, self._counted, 50, host)

    def end_all(self) -> None:
        """End what is connected; who may, connects again."""
        self._counted.end()

    def stop(self) -> Deferred[Any]:
        """Listen no more, and end what is connected."""
        port, self.port = self.port, None
        self._counted.end()
        if port is None:
            return maybeDeferred(lambda: None)
        return maybeDeferred(port.stopListening)


def make_views(
    answer: Callable[[Plain], Plain],
    metrics: Metrics | None,
    gate: Gate,
    clock: Callable[[], float],
    chance: Callable[[int], bytes],
    note: Note,
) -> Views:
    """All pages and feeds."""
    frame = Frame(gate)
    entrance = Entrance(gate, frame)
    return Views(
        StatusPages(answer, gate, frame, clock, metrics is not None),
        Ordering(answer, gate, frame, chance, note),
        entrance,
        Feeds(answer, metrics, gate, note),
        open={*entrance.seen, *entrance.done},
        failed=frame.failed,
    )


class _Counted(WrappingFactory):
    """So many connections and no more; and all of them can be ended.

    When there are too many, the oldest has to go: whoever opens them to say nothing, or a letter a minute,
    keeps nobody out, for an answer takes less than a second.
    """

    noisy = False

    def buildProtocol(self, addr: Any) -> Any:
        if len(self.protocols) >= MOST:
            oldest = next(iter(self.protocols))
            self.unregisterProtocol(oldest)
            oldest.transport.abortConnection()
        return super().buildProtocol(addr)

    def unregisterProtocol(self, p: Any) -> None:
        self.protocols.pop(p, None)  # one that had to go is told twice

    def end(self) -> None:
        for each in [*self.protocols]:
            each.transport.abortConnection()


class _Request(Request):
    """Refuses what is too long before it is taken in."""

    too_long = False

    def gotLength(self, length: int | None) -> None:
        if length is not None and length > LONGEST:
            self.too_long = True
            length = 0
        super().gotLength(length)

    def handleContentChunk(self, data: bytes) -> None:
        assert self.content is not None, "made when the length was known"
        if self.too_long or self.content.tell() + len(data) > LONGEST:
            self.too_long = True
            return
        super().handleContentChunk(data)


class _Site(Site):
    noisy = False

    def __init__(self, leaf: Resource) -> None:
        super().__init__(leaf, requestFactory=_Request, timeout=IDLE, parsePOSTFormSubmission=False)

    def log(self, request: Any) -> None:
        """Who looked is nobody's business; what was ordered is noted where it is done."""


class _Leaf(Resource):
    isLeaf = True

    def __init__(self, routes: Routes, bug: Callable[[str, Failure], None]) -> None:
        super().__init__()
        self._routes = routes
        self._bug = bug

    def render(self, request: IRequest) -> Any:
        found = cast(_Request, request)
        if found.too_long:
            found.setHeader(b"Connection", b"close")
            answer = say(413, "That is too long.", *HEADERS)
        else:
            answer = self._routes.answer(_asked(found))
        if answer.later is None:
            _send(found, answer)
        else:
            self._send_later(found, answer, answer.later)
        return NOT_DONE_YET

    def _send_later(self, request: _Request, answer: Answer, later: Deferred[tuple[str, bytes]]) -> None:
        gone: list[object] = []
        request.notifyFinish().addErrback(gone.append)

        def fails(failure: Failure) -> Answer:
            self._bug("bug in the status page, what was to come later", failure)
            return say(500, "That went wrong inside mapiproxy; its log says how.", *answer.headers)

        def send(made: Answer) -> None:
            if not gone:
                _send(request, made)

        made = later.addCallback(lambda come: evolve(answer, kind=come[0], body=come[1], later=None))
        made.addErrback(fails).addCallback(send)


def _asked(request: _Request) -> Asked:
    headers: dict[str, str] = {}
    for name, values in request.requestHeaders.getAllRawHeaders():
        headers[name.decode("latin-1").lower()] = ", ".join(each.decode("latin-1") for each in values)
    path, _, query = request.uri.decode("latin-1").partition("?")
    secure = request.isSecure()
    return Asked(
        method=request.method.decode("latin-1"),
        path=path,
        query=query,
        headers=headers,
        body=request.content.read() if request.content is not None else b"",
        peer=_plain_address(request.getClientAddress()),
        here=_plain_address(request.getHost()),
        secure=secure,
        subject=_subject(request) if secure else None,
    )


def _plain_address(address: Any) -> str:
    """An IPv4 address that came in by a socket for IPv6 is one all the same."""
    return str(getattr(address, "host", "")).removeprefix("::ffff:")


def _subject(request: _Request) -> str | None:
    """Of the client's certificate, which has been verified."""
    transport: Any = request.transport
    shown = transport.getPeerCertificate() if transport is not None else None
    if shown is None:
        return None
    return str(shown.to_cryptography().subject.rfc4514_string())[:200]


def _send(request: _Request, answer: Answer) -> None:
    request.setResponseCode(answer.status)
    request.setHeader(b"Server", b"mapiproxy")
    request.setHeader(b"Content-Type", answer.kind.encode("latin-1"))
    request.setHeader(b"Content-Length", b"%d" % len(answer.body))
    for name, value in answer.headers:
        request.responseHeaders.addRawHeader(name.encode("latin-1"), value.encode("latin-1", "replace"))
    request.write(answer.body)
    request.finish()
