"""Carrying out what exchanges ask for; the course of whole exchanges is in test_relay.py."""

from __future__ import annotations

from support.lines import Stage, written

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
