"""From a backend to an open connection, or to words that say why not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.lines import MemoryTransport
from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.endpoints import SSL4ServerEndpoint, TCP4ClientEndpoint, wrapClientTLS
from twisted.internet.error import ConnectionRefusedError, DNSLookupError
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from mapiproxy.backends.fleet import Backend
from mapiproxy.lab.authority import Authority
from mapiproxy.lab.tls import server_context
from mapiproxy.net.dialer import Dialer
from mapiproxy.net.trust import BackendCreator, Trust


class MemoryEndpoint:
    """Connects when the test says so."""

    def connect(self, factory: Any) -> Deferred[Any]:
        self.factory = factory
        self.cancelled = False
        self.deferred: Deferred[Any] = Deferred(lambda d: setattr(self, "cancelled", True))
        return self.deferred


def dial(tls: bool = False):
    clock, endpoint, came = Clock(), MemoryEndpoint(), []
    backend = Backend("one", "h", 443, tls=tls)
    dialer = Dialer(clock, {"one": endpoint}, 5.0, 131072)
    made = dialer.dial(backend, None, came.append, came.append)
    return made, clock, endpoint, came


@pytest.mark.parametrize(
    ("error", "stage", "text"),
    [
        (ConnectionRefusedError(), "connect", "connection refused"),
        (DNSLookupError("no such name"), "resolve", "name not found"),
        (OSError("odd"), "connect", "odd"),
    ],
)
def test_a_failure_is_told_once_in_words(error, stage, text):
    _, clock, endpoint, came = dial()
    endpoint.deferred.errback(Failure(error))

    assert [(failure.stage, text in failure.text) for failure in came] == [(stage, True)]
    assert clock.getDelayedCalls() == []


def test_who_does_not_answer_in_time_is_not_waited_for():
    _, clock, endpoint, came = dial()
    clock.advance(5.0)

    assert [(failure.stage, failure.text) for failure in came] == [("limit", "connect took longer than 5 s")]
    assert endpoint.cancelled


def test_the_limit_includes_the_tls_handshake():
    _, clock, endpoint, came = dial(tls=True)
    door = endpoint.factory.buildProtocol(None)
    door.makeConnection(MemoryTransport())
    clock.advance(5.0)

    assert [failure.text for failure in came] == ["tls took longer than 5 s"]
    assert door.transport.ended == "aborted"


def test_an_attempt_that_was_given_up_tells_nobody():
    made, clock, endpoint, came = dial()
    made.give_up()
    made.give_up()
    clock.advance(10.0)

    assert made.over
    assert came == []
    assert endpoint.cancelled


class RealHandshakes(TestCase):
    """Nothing is sent to a backend that is not who it should be."""

    timeout = 10

    @inlineCallbacks
    def test_a_wrong_name_is_told_in_words_and_gets_no_byte(self) -> Any:
        authority = Authority(Path(self.mktemp()))
        issued = authority.issue("exch2.corp")
        got: list[bytes] = []

        class Server(Protocol):
            def dataReceived(self, data: bytes) -> None:
                got.append(data)

        context = server_context(issued.certificate, issued.key)
        port = yield SSL4ServerEndpoint(reactor, 0, context, interface="127.0.0.1").listen(Factory.forProtocol(Server))
        self.addCleanup(port.stopListening)
        creator = BackendCreator("exch1.corp", Trust(authority.ca_file))
        endpoint = wrapClientTLS(creator, TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port))
        failed: Deferred[Any] = Deferred()
        dialer = Dialer(reactor, {"one": endpoint}, 5.0, 131072)
        dialer.dial(Backend("one", "exch1.corp", 443), None, failed.callback, failed.callback)  # type: ignore[arg-type]
        failure = yield failed

        self.assertEqual(failure.stage, "tls")
        self.assertIn("exch2.corp", failure.text)
        self.assertIn("exch1.corp", failure.text)
        self.assertEqual(got, [])
