"""The factory of front doors: how many, how long, and what remains when a client has gone."""

from __future__ import annotations

from support.lines import MemoryTransport, Stage
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from mapiproxy.net.frontdoor import FrontDoors

POST = b"POST /mapi/emsmdb/?MailboxId=a@b HTTP/1.1\r\nHost: h\r\nX-RequestType: %b\r\nContent-Length: 0\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Peer(MemoryTransport):
    def getPeer(self):
        return IPv4Address("TCP", "192.0.2.9", 5000)


def fronts(limit: int = 10) -> tuple[FrontDoors, Stage]:
    stage = Stage()
    house = stage.relay.house
    return FrontDoors(house, secure=True, forwarded=True, head_limit=131072, limit=limit), stage


def come(doors: FrontDoors):
    door = doors.buildProtocol(IPv4Address("TCP", "192.0.2.9", 5000))
    if door is not None:
        door.makeConnection(Peer())
    return door


def test_beyond_the_limit_clients_are_turned_away_and_counted():
    doors, _ = fronts(limit=2)
    first = come(doors)
    come(doors)
    assert come(doors) is None
    assert doors.turned_away == 1
    first.connectionLost()

    assert come(doors) is not None


def test_a_client_is_known_by_its_address_in_the_record_and_to_the_backend():
    doors, stage = fronts()
    come(doors).dataReceived(POST % b"Execute")
    door = stage.connect()
    door.dataReceived(OK)

    assert b"X-Forwarded-For: 192.0.2.9\r\n" in door.transport.data
    assert (stage.ledgers[0].client_ip, stage.ledgers[0].client_port) == ("192.0.2.9", 5000)


def test_a_call_whose_client_has_gone_is_still_looked_after():
    doors, stage = fronts()
    front = come(doors)
    front.dataReceived(POST % b"Execute")
    door = stage.connect()
    front.connectionLost()
    assert (len(doors), doors.calls) == (0, 1)
    stage.clock.advance(61.0)
    doors.tick()

    assert door.transport.ended == "aborted"
    assert doors.calls == 0
    assert len(stage.ledgers) == 1


def test_a_wait_is_no_reason_to_delay_a_stop():
    doors, stage = fronts()
    come(doors).dataReceived(POST % b"NotificationWait")
    stage.connect()
    assert doors.calls == 0
    come(doors).dataReceived(POST % b"Execute")

    assert doors.calls == 1


def test_deadlines_are_looked_at_by_the_tick():
    doors, stage = fronts()
    front = come(doors)
    stage.clock.advance(29.0)
    doors.tick()
    assert front.transport.ended is None
    stage.clock.advance(2.0)
    doors.tick()

    assert front.transport.ended is not None


def test_an_abort_ends_and_records_everything():
    doors, stage = fronts()
    gone, idle, busy = come(doors), come(doors), come(doors)
    gone.dataReceived(POST % b"Execute")
    stage.connect()
    gone.connectionLost()
    busy.dataReceived(POST % b"Execute")
    stage.connect()
    doors.abort()

    assert idle.transport.ended == busy.transport.ended == "aborted"
    assert len(stage.ledgers) == 2


def test_a_bug_costs_one_connection_and_is_told(monkeypatch):
    doors, _ = fronts()
    front = come(doors)
    other = come(doors)
    failures = []
    monkeypatch.setattr(doors.house.log, "failure", lambda *args, **named: failures.append(args[0]))
    monkeypatch.setattr(front.relay, "client_data", lambda data: 1 / 0)
    front.dataReceived(b"x")

    assert len(failures) == 1
    assert front.transport.ended == "aborted"
    assert other.transport.ended is None


def test_connections_and_handshakes_are_counted():
    doors, _ = fronts()
    shaken, scanned = come(doors), come(doors)
    shaken.handshakeCompleted()
    for door in (shaken, scanned):
        door.connectionLost(Failure(ConnectionDone()))

    assert (doors.accepted, doors.handshakes, doors.failed_handshakes) == (2, 1, {"closed": 1})


def test_a_plain_listener_knows_no_handshakes():
    doors, _ = fronts()
    doors.secure = False
    come(doors).connectionLost(Failure(ConnectionDone()))

    assert (doors.accepted, doors.handshakes, doors.failed_handshakes) == (1, 0, {})
