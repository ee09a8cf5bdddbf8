"""Lab servers over TLS, the real service before them, a middle that does what it likes, and probes of it all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import evolve
from support.lab import ALICE, USERS
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Factory, Protocol
from twisted.trial.unittest import TestCase

from mapiproxy.lab.authenticating import WindowsAuthenticator, bindings_of
from mapiproxy.lab.authority import Authority, Issued
from mapiproxy.lab.dialect import LabOptions
from mapiproxy.lab.faults import AnswerRaw
from mapiproxy.lab.server import LabServer
from mapiproxy.lab.tls import server_context
from mapiproxy.selftest.probe import Outcome, run
from mapiproxy.selftest.target import Plan, Probe, Target
from mapiproxy.service import make_service
from mapiproxy.settings import load_settings

HERE = "127.0.0.1"
NAME = "mail.lab.test"


def raw(status: str, *lines: str, body: bytes = b"") -> bytes:
    """An answer of somebody who stands in the way."""
    head = [f"HTTP/1.1 {status}", *lines, f"Content-Length: {len(body)}"]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def instead(status: str, *lines: str, body: bytes = b"") -> Callable[[Any], AnswerRaw]:
    """A fault: this answer to each request."""
    return lambda request: AnswerRaw(raw(status, *lines, body=body))


def to_type(request_type: str, fault: Any) -> Callable[[Any], Any]:
    """A fault for requests of one type, of somebody with credentials."""

    def choose(request: Any) -> Any:
        known = b"authorization" in request.headers
        return fault if known and request.text(b"x-requesttype") == request_type else None

    return choose


class ProbeCase(TestCase):
    """Makes servers and probes them; everything is stopped afterwards."""

    timeout = 60
    kind = "exchange"

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir(parents=True)
        self.authority = Authority(self.folder / "ca")
        self.ca = self.authority.ca_file
        self.issued = self.authority.issue(NAME, "localhost", HERE)

    def lab(
        self,
        *schemes: str,
        issued: Issued | None = None,
        tls: bool = True,
        protected: bool = False,
        name: str = "ONE",
        **options: Any,
    ) -> LabServer:
        """A lab server that offers *schemes* (Basic without any), with Extended Protection or not."""
        issued = issued or self.issued
        authenticator = None
        if schemes:
            bindings = bindings_of(issued.certificate) if protected else None
            authenticator = WindowsAuthenticator(USERS, schemes, "lab", bindings)
        options = {"pending_period": 0.2, "wrong_password_delay": 0.0, "mark": True, **options}
        context = server_context(issued.certificate, issued.key) if tls else None
        server = LabServer(
            self.kind, name, USERS, LabOptions(**options), reactor, tls=context, authenticator=authenticator
        )
        server.start()
        self.addCleanup(server.stop)
        return server

    def proxy(self, *labs: LabServer, issued: Issued | None = None, more: str = "", tls: bool = True) -> int:
        """The real service before these servers; its port."""
        issued = issued or self.issued
        servers = "".join(f'[[backend.lab.server]]\nname = "{lab.name}"\nurl = "{lab.url}"\n' for lab in labs)
        front = f'certificate = "{issued.certificate}"\nkey = "{issued.key}"\n' if tls else "tls = false\n"
        self.file = self.folder / "m.toml"
        self.file.write_text(
            f'[listener.mail]\nbind = "{HERE}:0"\n{front}'
            f'[backend.lab]\nkind = "{self.kind}"\nca_file = "{self.ca}"\n{more}{servers}'
            "[health]\nenabled = false\n[log]\nenabled = false\n"
        )
        service = make_service(load_settings(self.file), reactor, self.file)
        service.startService()
        self.addCleanup(service.stopService)
        return int(service.ports[0].getHost().port)

    def plan(self, port: int, probe: Probe = Probe.CTP, *, tls: bool = True, **more: Any) -> Plan:
        plan = Plan(
            probe,
            Target(NAME, port, tls, (HERE, port)),
            ALICE.login,
            ALICE.password,
            ca_file=self.ca,
            timeout=20.0,
        )
        return evolve(plan, **more)

    async def probe(self, port: int, probe: Probe = Probe.CTP, **more: Any) -> Outcome:
        outcome = await run(self.plan(port, probe, **more), reactor)
        assert ALICE.password not in repr(outcome)
        return outcome

    def names(self, outcome: Outcome) -> list[str]:
        return [stage.name for stage in outcome.stages]


class Middle(Protocol):
    """One connection through a middle: bytes to the server at once, bytes back as the factory's *back* says."""

    def __init__(self, factory: MiddleFactory) -> None:
        self._factory = factory
        self._behind: Deferred[_Behind] = connectProtocol(
            TCP4ClientEndpoint(reactor, HERE, factory.port), _Behind(self)
        )
        self.held = b""
        self.asked = b""

    def connectionMade(self) -> None:
        self._factory.open.add(self)

    def dataReceived(self, data: bytes) -> None:
        self.asked = data
        self._behind.addCallback(self._send, data)

    def _send(self, behind: _Behind, data: bytes) -> _Behind:
        behind.transport.write(data)
        return behind

    def came(self, data: bytes) -> None:
        self.held += data
        passed = self._factory.back(self.asked, self.held)
        if passed is not None:
            self.held = b""
            self.transport.write(passed)

    def connectionLost(self, reason: Any = None) -> None:
        self._behind.addCallback(lambda behind: behind.transport.abortConnection())
        self._factory.closed(self)


class _Behind(Protocol):
    def __init__(self, front: Middle) -> None:
        self._front = front

    def dataReceived(self, data: bytes) -> None:
        self._front.came(data)

    def connectionLost(self, reason: Any = None) -> None:
        self._front.transport.abortConnection()


class MiddleFactory(Factory):
    """Forwards to *port*; *back* is given what was asked last and what is held, and returns what passes."""

    noisy = False

    def __init__(self, port: int, back: Callable[[bytes, bytes], bytes | None]) -> None:
        self.port = port
        self.back = back
        self.open: set[Middle] = set()
        self._empty: Deferred[None] | None = None

    def buildProtocol(self, addr: Any) -> Middle:
        return Middle(self)

    def closed(self, middle: Middle) -> None:
        self.open.discard(middle)
        if not self.open and self._empty is not None:
            self._empty.callback(None)

    def stop(self, listening: Any) -> Deferred[None]:
        """Stop listening, and wait until no connection is left."""
        stopped = Deferred.fromCoroutine(self._stop(listening))
        return stopped

    async def _stop(self, listening: Any) -> None:
        await listening.stopListening()
        for middle in list(self.open):
            middle.transport.abortConnection()
        if self.open:
            self._empty = Deferred()
            await self._empty


def whole_answers_only(asked: bytes, held: bytes) -> bytes | None:
    """What a buffering proxy does: nothing passes before the answer is complete."""
    if b"transfer-encoding: chunked" in held.lower() and not held.endswith(b"0\r\n\r\n"):
        return None
    return held


def middle(case: TestCase, port: int, back: Callable[[bytes, bytes], bytes | None]) -> int:
    """A middle before *port*, for plain http; its own port."""
    factory = MiddleFactory(port, back)
    listening = reactor.listenTCP(0, factory, interface=HERE)
    case.addCleanup(factory.stop, listening)
    return int(listening.getHost().port)
