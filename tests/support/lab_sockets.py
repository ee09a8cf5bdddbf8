"""Trial test cases with a lab server on loopback, a raw client, and the Outlook-like one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from support.lab import ALICE, USERS, Reply, request_bytes
from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol
from twisted.trial.unittest import TestCase

from mapiproxy.lab.client import Address, OutlookClient
from mapiproxy.lab.dialect import LabOptions
from mapiproxy.lab.faults import Fault
from mapiproxy.lab.server import LabServer
from mapiproxy.lab.step import Step


class Wire(Protocol):
    """A raw client: collects bytes, and fires when they satisfy somebody."""

    def __init__(self) -> None:
        self.data = b""
        self.closed: Deferred[Any] = Deferred()
        self._wanted: list[tuple[Callable[[bytes], bool], Deferred[bytes]]] = []

    def dataReceived(self, data: bytes) -> None:
        self.data += data
        for wanted, deferred in list(self._wanted):
            if wanted(self.data):
                self._wanted.remove((wanted, deferred))
                deferred.callback(self.data)

    def connectionLost(self, reason: Any = None) -> None:
        self.closed.callback(reason.value)

    def until(self, wanted: Callable[[bytes], bool]) -> Deferred[bytes]:
        deferred: Deferred[bytes] = Deferred()
        if wanted(self.data):
            deferred.callback(self.data)
        else:
            self._wanted.append((wanted, deferred))
        return deferred

    @inlineCallbacks
    def ask(self, raw: bytes, done: Callable[[bytes], bool] | None = None) -> Any:
        """Send one request and wait for its whole answer."""
        self.data = b""
        self.transport.write(raw)
        data = yield self.until(done or is_whole)
        return Reply(data)


def is_whole(data: bytes) -> bool:
    if b"\r\n\r\n" not in data:
        return False
    reply = Reply(data)
    length = reply.get(b"Content-Length")
    if length is not None:
        return len(reply.body) >= int(length)
    return data.endswith(b"\r\n0\r\n\r\n")


class ServerCase(TestCase):
    timeout = 10
    kind = "exchange"

    def start(self, **options: Any) -> LabServer:
        fault_for: Callable[[Any], Fault | None] | None = options.pop("on_request", None)
        self.server = LabServer(
            self.kind, "LAB1", USERS, LabOptions(**options), reactor, on_request=fault_for
        )
        self.server.start()
        self.addCleanup(self.server.stop)
        return self.server

    def wire(self) -> Deferred[Wire]:
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", self.server.port)
        deferred = connectProtocol(endpoint, Wire())

        def hang_up_later(wire: Wire) -> Wire:
            self.addCleanup(wire.transport.abortConnection)
            return wire

        return deferred.addCallback(hang_up_later)

    @inlineCallbacks
    def connected(self) -> Any:
        """A wire and the cookies of a fresh session."""
        wire = yield self.wire()
        reply = yield wire.ask(request_bytes("Connect"))
        assert reply.code == 0
        return wire, cookie(reply)


def cookie(reply: Reply, before: bytes = b"") -> bytes:
    kept = dict(pair.split(b"=", 1) for pair in before.split(b"; ") if pair)
    kept.update(reply.cookies)
    return b"; ".join(b"%b=%b" % pair for pair in kept.items())


class ClientCase(TestCase):
    timeout = 20

    def start(self, kind: str = "exchange", **options: Any) -> OutlookClient:
        self.server = LabServer(kind, "LAB1", USERS, LabOptions(**options), reactor)
        self.server.start()
        self.addCleanup(self.server.stop)
        return self.client_for(kind)

    def client_for(self, kind: str = "exchange", **given: Any) -> OutlookClient:
        self.steps: list[Step] = []
        address = Address("127.0.0.1", self.server.port, tls=False)
        given.setdefault("user", ALICE)
        client = OutlookClient(reactor, address, kind=kind, watch=self.steps.append, **given)
        self.addCleanup(lambda: Deferred.fromCoroutine(client.close()))
        return client

    def next_meets(self, fault: Fault) -> None:
        """The next request meets a fault, those after it do not."""

        def once(request: Any) -> Fault:
            self.server.on_request = None
            return fault

        self.server.on_request = once

    @property
    def rows(self) -> list[tuple[str, int | None]]:
        return [(step.request_type, step.code) for step in self.steps]
