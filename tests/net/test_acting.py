"""Carrying out what exchanges ask for; the course of whole exchanges is in test_relay.py."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.lines import Stage, lose, written

POST = b"POST /mapi/emsmdb/?MailboxId=a@b HTTP/1.1\r\nHost: h\r\nX-RequestType: Execute\r\nContent-Length: 0\r\n\r\n"


def test_a_refusal_of_ours_needs_no_backend_and_keeps_the_connection():
    stage = Stage()
    stage.send(POST.replace(b"/mapi/emsmdb", b"/owa"))
    stage.send(POST)

    assert stage.front.data.startswith(b"HTTP/1.1 404 ")
    assert len(stage.dialer.dials) == 1


def test_counters_of_a_backend_return_to_where_they_were():
    stage = Stage()
    stage.send(POST)
    door = stage.connect()
    backend = stage.backends["one"]
    assert (backend.connections, backend.exchanges) == (1, 1)
    door.dataReceived(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    assert (backend.connections, backend.exchanges) == (1, 0)
    stage.hang_up()
    door.connectionLost()

    assert (backend.connections, backend.exchanges) == (0, 0)


def test_a_proxy_that_stops_keeps_no_connection():
    stage = Stage()
    stage.send(POST)
    door = stage.connect()
    stage.rules.stopping = True
    door.dataReceived(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    assert b"\r\nConnection: close\r\n" in stage.front.data
    assert stage.front.ended is not None
    assert written(door).ended is not None


def test_every_exchange_is_recorded_once_with_its_times():
    stage = Stage()
    stage.send(POST)
    stage.clock.advance(1.0)
    door = stage.connect()
    stage.clock.advance(2.0)
    door.dataReceived(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    (ledger,) = stage.ledgers
    assert (ledger.dial_at, ledger.connected_at, ledger.answer_at, ledger.ended_at) == (0.0, 1.0, 3.0, 3.0)
    assert ledger.new_connection


class Chaos:
    """A relay to which anything happens in any order; what each backend got in full is kept."""

    def __init__(self, kind: str) -> None:
        self.stage = Stage("one", "two", "three")
        self.kind = kind
        self.number = 0
        self.unsent = b""
        self.alive = True
        self.doors: list = []

    def request(self) -> None:
        if self.unsent:
            return
        self.number += 1
        body = b"%05d" % self.number
        self.unsent = (
            b"POST /mapi/emsmdb/?MailboxId=a@b HTTP/1.1\r\nHost: h\r\nX-RequestType: %b\r\n"
            b"X-RequestId: {G}:%d\r\nContent-Length: 5\r\n\r\n%b" % (self.kind.encode(), self.number, body)
        )

    def send(self, size: int) -> None:
        piece, self.unsent = self.unsent[:size], self.unsent[size:]
        if self.alive and piece:
            self.stage.send(piece)

    def dial(self, well: bool) -> None:
        waiting = [dial for dial in self.stage.dialer.dials if not dial.over]
        if waiting and well:
            self.doors.append(waiting[-1].succeed())
        elif waiting:
            waiting[-1].fail()

    def open(self) -> list:
        return [door for door in self.doors if written(door).ended is None and not door.line.ended]

    def answer(self, size: int, status: int) -> None:
        for door in self.open()[:1]:
            if door.busy:
                door.dataReceived((b"HTTP/1.1 %d X\r\nContent-Length: 3\r\n\r\nabc" % status)[:size])

    def lose(self) -> None:
        for door in self.open()[:1]:
            lose(door, clean=False)

    def down(self, name: str) -> None:
        self.stage.relay.backend_down(self.stage.backends[name], "DOWN")

    def hang_up(self) -> None:
        if self.alive:
            self.alive = False
            self.stage.hang_up()

    def full(self) -> dict[bytes, int]:
        """How often each body got to a backend whole."""
        got: dict[bytes, int] = {}
        for door in self.doors:
            data = written(door).data
            for number in range(1, self.number + 1):
                body = b"%05d" % number
                got[body] = got.get(body, 0) + data.count(b"\r\n\r\n" + body)
        return got


STEPS = st.one_of(
    st.tuples(st.just("request")),
    st.tuples(st.just("send"), st.sampled_from([1, 30, 120, 500])),
    st.tuples(st.just("dial"), st.booleans()),
    st.tuples(st.just("answer"), st.sampled_from([10, 500]), st.sampled_from([200, 200, 408, 503])),
    st.tuples(st.just("lose")),
    st.tuples(st.just("down"), st.sampled_from(["one", "two", "three"])),
    st.tuples(st.just("hang_up")),
)


@pytest.mark.parametrize("kind", ["Execute", "PING", "NotificationWait", "Connect"])
@settings(max_examples=300, deadline=None)
@given(steps=st.lists(STEPS, max_size=40))
def test_whatever_happens_nothing_but_a_ping_gets_to_two_backends_whole(kind, steps):
    """N1; and nobody is counted as busy for ever."""
    chaos = Chaos(kind)
    for name, *arguments in steps:
        getattr(chaos, name)(*arguments)
    if kind != "PING":
        assert max(chaos.full().values(), default=0) <= 1
    chaos.hang_up()
    chaos.stage.pass_time(3600.0)
    for _ in range(3):
        chaos.lose()

    assert {backend.exchanges for backend in chaos.stage.backends.values()} == {0}
    assert chaos.stage.relay.exchange is None
