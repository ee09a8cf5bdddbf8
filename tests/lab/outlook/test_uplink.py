"""Connections of one machine, and a network that lets them down."""

from __future__ import annotations

from typing import Any

from support.memorynet import MemoryNet
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol

from mapiproxy.lab.dialing import Address
from mapiproxy.lab.errors import AnswerLost, DialFailed, NotSent
from mapiproxy.lab.outlook.book import Book
from mapiproxy.lab.outlook.line import OutlookLine
from mapiproxy.lab.outlook.owntime import Ended, OwnTime
from mapiproxy.lab.outlook.uplink import Offline, Uplink

ASKED = b"GET / HTTP/1.1\r\nHost: lab\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Server(Protocol):
    """Answers nothing, until told."""

    made: list[Server]
    ended = False

    def connectionMade(self) -> None:
        self.made.append(self)

    def connectionLost(self, reason: Any = None) -> None:
        self.ended = True


class Bench:
    def __init__(self) -> None:
        self.net = MemoryNet()
        self.time = OwnTime(self.net)
        self.book = Book()
        Server.made = self.servers = []
        port = self.net.listenTCP(0, Factory.forProtocol(Server)).getHost().port
        address = Address("127.0.0.1", port, tls=False)
        self.uplink = Uplink(
            self.net, self.time, address, self.book, source="127.0.0.5", tls=None, make_line=OutlookLine
        )

    def dial(self) -> list[Any]:
        got: list[Any] = []
        Deferred.fromCoroutine(self.uplink.dial(5.0)).addBoth(got.append)
        return got

    def line(self) -> OutlookLine:
        got = self.dial()
        self.net.run(0.1)
        assert isinstance(got[0], OutlookLine)
        return got[0]

    def ask(self, line: OutlookLine, raw: bytes = ASKED) -> list[Any]:
        got: list[Any] = []
        line.ask(b"GET", raw).addBoth(got.append)
        return got


def kind(got: list[Any]) -> list[type]:
    return [each.type for each in got]


def test_connections_come_from_the_address_and_are_counted() -> None:
    bench = Bench()
    line = bench.line()
    assert (line.alive, bench.book.dials) == (True, 1)
    assert bench.servers[0].transport.getPeer().host == "127.0.0.5"


def test_without_a_network_nothing_is_tried() -> None:
    bench = Bench()
    bench.uplink.up = False
    got = bench.dial()
    assert kind(got) == [Offline]
    assert bench.net.dials == []


def test_a_network_that_goes_takes_those_who_dial_along() -> None:
    bench = Bench()
    bench.net.deaf = True
    got = bench.dial()
    bench.net.run(1)
    bench.uplink.cut(silently=True)
    assert kind(got) == [DialFailed]
    assert bench.book.dials_refused == 1


def test_a_cut_with_a_reset_is_heard_at_both_ends() -> None:
    bench = Bench()
    line = bench.line()
    got = bench.ask(line)
    bench.uplink.cut(silently=False)
    bench.net.run(1)
    assert kind(got) == [AnswerLost]
    assert bench.servers[0].ended


def test_a_silent_cut_is_heard_here_alone_and_no_answer_comes_any_more() -> None:
    bench = Bench()
    line, large = bench.line(), bench.line()
    got, unsent = bench.ask(line), bench.ask(large, ASKED + bytes(300_000))
    bench.net.run(0.01)
    bench.uplink.cut(silently=True)
    assert (kind(got), kind(unsent), line.alive) == ([AnswerLost], [NotSent], False)
    bench.servers[0].transport.write(ANSWER)
    bench.net.run(1)
    assert [server.ended for server in bench.servers] == [False, False]
    bench.uplink.close()
    bench.net.run(1)
    assert [server.ended for server in bench.servers] == [True, True]


def test_only_so_many_sockets_are_kept_that_nobody_but_the_server_believes_in() -> None:
    bench = Bench()
    for _ in range(70):
        bench.line()
    bench.uplink.cut(silently=True)
    bench.net.run(1)
    assert sum(server.ended for server in bench.servers) == 6


def test_who_stands_still_reads_nothing() -> None:
    bench = Bench()
    line = bench.line()
    got = bench.ask(line)
    bench.time.freeze()
    bench.uplink.hold()
    bench.servers[0].transport.write(ANSWER)
    bench.servers[0].transport.loseConnection()
    bench.net.run(100)
    assert (got, line.alive) == ([], True)
    bench.time.thaw()
    bench.uplink.release()
    bench.net.run(1)
    assert (got[0].head.status, line.alive) == (200, False)


def test_a_connection_that_comes_about_while_the_process_stands_still_waits_for_it() -> None:
    bench = Bench()
    got = bench.dial()
    bench.time.freeze()
    bench.net.run(1)
    assert got == []
    bench.time.thaw()
    bench.net.run(1)
    asked = bench.ask(got[0])
    bench.servers[0].transport.write(ANSWER)
    bench.net.run(1)
    assert asked[0].head.status == 200


def test_a_process_that_ended_keeps_no_connection() -> None:
    bench = Bench()
    got = bench.dial()
    bench.time.freeze()
    bench.net.run(1)
    bench.time.end()
    bench.uplink.close()
    bench.net.run(1)
    assert kind(got) == [Ended]
    assert bench.servers[0].ended
    assert kind(bench.dial()) == [Ended]
