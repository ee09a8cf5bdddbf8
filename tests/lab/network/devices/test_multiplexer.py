"""multiplexer: one connection for everybody, which is what NTLM cannot bear."""

from __future__ import annotations

from support.network import Bench, answer, request

from mapiproxy.lab.network.devices.multiplexer import Multiplexer


def test_the_second_client_speaks_on_the_connection_of_the_first() -> None:
    bench = Bench(Multiplexer)
    alice, bob = bench.client(), bench.client()
    bench.say(alice, request("Connect", headers=["Authorization: NTLM alice"]))
    bench.say(bench.server, answer())
    bench.say(bob, request("Execute"))
    assert len(bench.servers[0]) == 1
    assert bench.server.data.endswith(request("Execute"))
    bench.say(bench.server, answer(b"for alice"))
    assert (alice.data, bob.data) == (answer(), answer(b"for alice"))


def test_its_connections_outlive_clients() -> None:
    bench = Bench(Multiplexer)
    alice = bench.client()
    bench.say(alice, request())
    bench.say(bench.server, answer())
    alice.transport.loseConnection()
    bench.settle()
    assert (bench.server.end, bench.device.counters.open) == ("", 0)
    bench.say(bench.client(), request("PING"))
    assert len(bench.servers[0]) == 1


def test_a_client_that_leaves_in_the_middle_takes_its_connection_along() -> None:
    bench = Bench(Multiplexer)
    alice = bench.client()
    bench.say(alice, request())
    alice.transport.abortConnection()
    bench.settle()
    assert bench.server.end == "ConnectionLost"
    assert sum(bench.device.load.values()) == 0


def test_an_idle_connection_that_speaks_or_ends_is_not_lent_again() -> None:
    bench = Bench(Multiplexer)
    alice = bench.client()
    bench.say(alice, request())
    bench.say(bench.server, answer())
    bench.say(bench.server, b"HTTP/1.1 408 Request Timeout\r\n\r\n")
    bench.say(alice, request("PING"))
    assert len(bench.servers[0]) == 2
    bench.say(bench.server, answer())
    bench.server.transport.loseConnection()
    bench.settle()
    bench.say(alice, request("PING"))
    assert len(bench.servers[0]) == 3
    assert alice.data == answer() * 2
    bench.device.stop()
    bench.settle()
    assert bench.server.end != ""


def test_a_request_in_slices_is_one_request() -> None:
    bench = Bench(Multiplexer, rules=[{"fault": "slicer", "average": 7, "direction": "both"}])
    client = bench.client()
    bench.say(client, request() + request("PING"))
    assert bench.server.data == request()
    bench.say(bench.server, answer())
    bench.say(bench.server, answer())
    assert bench.server.data == request() + request("PING")
    assert client.data == answer() * 2


def test_a_connection_whose_request_was_answered_too_early_is_not_lent_again() -> None:
    bench = Bench(Multiplexer)
    client = bench.client()
    bench.say(client, request(body=b"x" * 50)[:-20])
    bench.say(bench.server, b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
    assert bench.server.end == "ConnectionDone"
    bench.say(client, b"x" * 20 + request("PING"))
    assert len(bench.servers[0]) == 2
    assert bench.server.data == request("PING")
