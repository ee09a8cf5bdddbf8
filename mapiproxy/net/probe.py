"""One probe of one backend: a connection of its own, one request, each phase timed by itself.

When a probe fails, the phase in which it did is half of the answer to "whose fault is it"; the other half
is whether our own reactor was late at that time (complaint 31).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import evolve, frozen
from twisted.internet.error import ConnectionRefusedError, DNSLookupError
from twisted.internet.interfaces import IDelayedCall, IHandshakeListener, IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from mapiproxy.backends.health import Probed
from mapiproxy.backends.kind import Kind
from mapiproxy.backends.vdir import Shape
from mapiproxy.net.lag import Lag
from mapiproxy.net.line import Line
from mapiproxy.net.tls import describe_tls_failure
from mapiproxy.wire.errors import WireError
from mapiproxy.wire.heads import ResponseHead
from mapiproxy.wire.reader import END, NEED_DATA, ResponseReader

#: So late a reactor of ours makes a timeout say nothing about the backend, in seconds.
_OUR_LAG = 1.0


@frozen
class Wanted:
    """What is asked, and which answer is a healthy one.

    :ivar status: the only healthy one; ``None``: whatever is no error of the server.
    :ivar body: what the body begins with; empty for any.
    """

    method: bytes
    target: bytes
    status: int | None
    body: bytes = b""


_GROMMUNIO = {
    "mapi": Wanted(b"POST", b"/mapi/emsmdb/?MailboxId=probe", 401),
    "rpc": Wanted(b"GET", b"/rpc/rpcproxy.dll", None),
}


def wanted_of(kind: Kind, vdir: Shape) -> Wanted:
    """How a virtual directory is asked whether it is well.

    Exchange tells of each by itself (exchange reference 4.6): a component that is inactive answers 404.
    Of grommunio a 401 shows that its HTTP server, its MAPI plugin and its way to ask for credentials are
    alive (M18); what else it serves comes from other programs, of which only an answer is asked.
    """
    path = vdir.paths[0].encode("ascii")
    if kind is Kind.EXCHANGE:
        return Wanted(b"GET", path + b"/healthcheck.htm", 200, b"200 OK")
    return _GROMMUNIO.get(vdir.name) or Wanted(b"GET", path + b"/", None)


class Probing:
    """A probe under way; *done* is called once, unless it is cancelled.

    :param tls: whether the endpoint speaks TLS.
    :param reactor: or another thing with ``callLater``; times are taken from the lag's clock.
    """

    def __init__(
        self,
        endpoint: IStreamClientEndpoint,
        *,
        tls: bool,
        host: str,
        wanted: Wanted,
        timeout: float,
        reactor: Any,
        lag: Lag,
        done: Callable[[Probed], None],
    ) -> None:
        self.wanted = wanted
        self.tls = tls
        self.host = host
        self._lag = lag
        self._done: Callable[[Probed], None] | None = done
        self._began = self._phase_began = lag.clock()
        self._limit = timeout
        self._stage = "connect"
        self._times: dict[str, float] = {}
        self._talk = _Talk(self)
        self._timer: IDelayedCall = reactor.callLater(timeout, self._too_late)
        self._connecting = endpoint.connect(_TalkFactory(self._talk))
        self._connecting.addErrback(self._not_connected)

    def cancel(self) -> None:
        """Nobody wants to know any more."""
        self._done = None
        self._end()

    def reached(self, stage: str, following: str) -> None:
        """A phase is over, the next begins."""
        now = self._lag.clock()
        self._times[stage] = now - self._phase_began
        self._stage, self._phase_began = following, now

    def passed(self) -> None:
        """The answer is what was wanted."""
        self.reached("body", "body")
        self._tell(Probed(True))

    def failed(self, text: str) -> None:
        """It is not, or there is none."""
        self._tell(Probed(False, self._stage, text))

    def lost(self, reason: Failure) -> None:
        """The connection ended before the answer did."""
        error = reason.value or ConnectionError("lost")
        self.failed(describe_tls_failure(error) if self._stage == "tls" else "the backend closed")

    def _not_connected(self, reason: Failure) -> None:
        if reason.check(DNSLookupError):
            self._stage = "resolve"
        refused = reason.check(ConnectionRefusedError)
        self.failed("connection refused" if refused else reason.getErrorMessage())

    def _too_late(self) -> None:
        text = f"took longer than {self._limit:g} s"
        late = self._lag.worst_since(self._began)
        suspect = late >= min(_OUR_LAG, self._limit / 4)
        if suspect:
            text += f" while our own reactor was {late:.1f} s late: suspect us"
        self._tell(Probed(False, self._stage, text, suspect_us=suspect))

    def _tell(self, result: Probed) -> None:
        done, self._done = self._done, None
        self._end()
        if done is not None:
            times = self._times
            done(
                evolve(
                    result,
                    connect=times.get("connect"),
                    tls=times.get("tls"),
                    http=times.get("http"),
                    body=times.get("body"),
                )
            )

    def _end(self) -> None:
        if self._timer.active():
            self._timer.cancel()
        if self._talk.line is not None:
            self._talk.line.abort()
        else:
            self._connecting.cancel()


class _TalkFactory(Factory):
    noisy = False

    def __init__(self, talk: _Talk) -> None:
        self._talk = talk

    def buildProtocol(self, addr: Any) -> _Talk:
        return self._talk


@implementer(IHandshakeListener)
class _Talk(Protocol):
    """The connection of a probe."""

    def __init__(self, probing: Probing) -> None:
        self._probing = probing
        self._reader = ResponseReader()
        self._body = b""
        self._over = False
        self.line: Line | None = None

    def connectionMade(self) -> None:
        self.line = Line(self.transport, lambda full: None)
        if self._probing.tls:
            self._probing.reached("connect", "tls")
        else:
            self._probing.reached("connect", "http")
            self._ask()

    def handshakeCompleted(self) -> None:
        """TLS is up, and the certificate has been verified."""
        self._probing.reached("tls", "http")
        self._ask()

    def _ask(self) -> None:
        wanted = self._probing.wanted
        self._reader.expect(wanted.method)
        length = b"Content-Length: 0\r\n" if wanted.method == b"POST" else b""
        assert self.line is not None
        self.line.write(
            b"%b %b HTTP/1.1\r\nHost: %b\r\nUser-Agent: mapiproxy-probe\r\n%bConnection: close\r\n\r\n"
            % (wanted.method, wanted.target, self._probing.host.encode("ascii", "replace"), length)
        )

    def dataReceived(self, data: bytes) -> None:
        if not self._over:
            self._reader.feed(data)
            self._read()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self.line is not None:
            self.line.lost()
        if not self._over:
            self._reader.eof()
            self._read()
        if not self._over:
            self._over = True
            self._probing.lost(reason)

    def _read(self) -> None:
        try:
            while not self._over:
                event = self._reader.next()
                if event is NEED_DATA:
                    return
                if event is END:
                    self._judge()
                elif isinstance(event, ResponseHead):
                    self._look(event)
        except WireError as error:
            self._fail(error.text)

    def _look(self, head: ResponseHead) -> None:
        if head.status < 200:
            return
        status = self._probing.wanted.status
        if head.status == 404 and status == 200:
            self._fail("status 404: Exchange says that the component is inactive")
            return
        if head.status != status if status is not None else head.status >= 500:
            self._fail(f"status {head.status}" + (f", not {status}" if status is not None else ""))
            return
        self._probing.reached("http", "body")
        self._reader.tap = self._gather
        self._body = b""

    def _gather(self, piece: bytes) -> None:
        self._body += piece

    def _judge(self) -> None:
        wanted = self._probing.wanted.body
        if wanted and not self._body.startswith(wanted):
            self._fail(f"the body does not begin with {wanted.decode()!r}")
            return
        self._over = True
        self._probing.passed()

    def _fail(self, text: str) -> None:
        self._over = True
        self._probing.failed(text)
