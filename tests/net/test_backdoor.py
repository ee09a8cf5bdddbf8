"""Our end of a connection to a backend."""

from __future__ import annotations

from support.lines import MemoryTransport, lose, written
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from mapiproxy.backends.fleet import Backend
from mapiproxy.net.backdoor import BackDoor


class Owner:
    def __init__(self):
        self.seen = []

    def backend_data(self, door):
        self.seen.append("data")

    def backend_gone(self, door, reason):
        self.seen.append("gone")

    def backend_pressure(self, door, full):
        self.seen.append(f"full {full}")


def door(tls=False):
    events = []
    backend = Backend("one", "h", 443, tls=tls)
    made = BackDoor(backend, Owner(), 131072, lambda d: events.append("ready"), lambda r: events.append("lost early"))
    made.makeConnection(MemoryTransport())
    return made, events


def test_over_tls_it_is_ready_when_the_backend_has_shown_who_it_is():
    made, events = door(tls=True)
    assert events == []
    assert not made.open
    made.handshakeCompleted()

    assert events == ["ready"]
    assert made.open
    assert made.backend.connections == 1


def test_a_handshake_that_fails_is_a_dial_that_fails():
    made, events = door(tls=True)
    made.connectionLost(Failure(ConnectionDone()))

    assert events == ["lost early"]
    assert made.owner.seen == []
    assert made.backend.connections == 0


def test_while_it_is_idle_not_a_byte_may_come():
    """M15."""
    made, _ = door()
    made.dataReceived(b"HTTP/1.1 408 Timeout\r\n\r\n")

    assert written(made).ended == "aborted"
    assert made.owner.seen == []
    assert not made.open


def test_while_it_is_busy_its_owner_hears_everything():
    made, _ = door()
    made.busy = True
    made.dataReceived(b"HTTP/1.1 200 OK\r\n")
    made.line.pauseProducing()
    made.line.resumeProducing()
    lose(made)

    assert made.owner.seen == ["data", "full True", "full False", "gone"]
    assert made.backend.connections == 0
    assert repr(made) == "<BackDoor one busy used=0>"
