"""least_connections: by connections, or by requests."""

from __future__ import annotations

from support.network import Bench, answer, request

from mapiproxy.lab.network.devices.least_connections import LeastConnections


def test_connections_go_where_there_are_fewest() -> None:
    bench = Bench(LeastConnections, servers=2)
    first = bench.client()
    bench.client()
    bench.client()
    assert [len(made) for made in bench.servers] == [2, 1]
    first.transport.loseConnection()
    bench.settle()
    assert list(bench.device.load.values()) == [1, 1]


def test_requests_go_where_there_are_fewest_over_connections_of_the_client_alone() -> None:
    bench = Bench(LeastConnections, servers=2, per_request=True)
    alice, bob = bench.client(), bench.client()
    assert bench.servers == [[], []]
    bench.say(alice, request("NotificationWait"))
    bench.say(bob, request("Connect"))
    assert [len(made) for made in bench.servers] == [1, 1]
    bench.say(bench.servers[1][0], answer())
    assert bob.data == answer()
    bench.say(bob, request("Execute"))
    # The first server still has the wait; the connection of before is used again.
    assert [len(made) for made in bench.servers] == [1, 1]
    assert bench.servers[1][0].data == request("Connect") + request("Execute")
    bench.say(bench.servers[1][0], answer())
    bench.say(bench.servers[0][0], answer())
    bench.say(bob, request("Execute"))
    assert [len(made) for made in bench.servers] == [2, 1]
    bob.transport.loseConnection()
    bench.settle()
    # What is under way is still answered, and then all that was the client's ends.
    bench.say(bench.servers[0][1], answer())
    assert "" not in [peer.end for peer in (bench.servers[0][1], bench.servers[1][0])]
    assert sum(bench.device.load.values()) == 0
    assert bench.device.counters.open == 1


def test_pipelined_requests_are_answered_in_order() -> None:
    bench = Bench(LeastConnections, per_request=True)
    client = bench.client()
    bench.say(client, request("Execute") + request("PING"))
    assert bench.server.data == request("Execute")
    bench.say(bench.server, answer())
    assert bench.server.data == request("Execute") + request("PING")
    bench.say(bench.server, answer(b"two"))
    assert client.data == answer() + answer(b"two")


def test_a_server_that_dies_in_the_middle_is_told_and_counted_out() -> None:
    bench = Bench(LeastConnections, servers=2, per_request=True)
    client = bench.client()
    bench.say(client, request())
    bench.server.transport.abortConnection()
    bench.settle()
    assert client.end == "ConnectionLost"
    assert sum(bench.device.load.values()) == 0


def test_an_answer_that_says_close_ends_its_connection_alone() -> None:
    bench = Bench(LeastConnections, per_request=True)
    client = bench.client()
    bench.say(client, request())
    bench.say(bench.server, b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
    assert bench.server.end == "ConnectionDone"
    assert client.end == ""
    bench.say(client, request("PING"))
    assert len(bench.servers[0]) == 2
    assert bench.server.data == request("PING")


def test_rules_know_the_backend_of_a_request() -> None:
    bench = Bench(LeastConnections, servers=2, per_request=True)
    host, port = bench.to[1]
    bench.device.add({"fault": "http_status", "status": 503, "backend": f"{host}:{port}"})
    alice, bob = bench.client(), bench.client()
    bench.say(alice, request("NotificationWait"))
    bench.say(bob, request())
    assert bob.data.startswith(b"HTTP/1.1 503 ")
    assert alice.data == b""
    assert list(bench.device.load.values()) == [1, 0]


def test_what_is_not_http_cannot_be_balanced_by_requests() -> None:
    bench = Bench(LeastConnections, per_request=True)
    client = bench.client()
    bench.say(client, b"ssh?")
    assert client.end == "ConnectionLost"


def test_more_dials_are_not_more_load() -> None:
    bench = Bench(LeastConnections, servers=2, rules=[{"fault": "duplicate_dials", "times": 3, "keep": True}])
    client = bench.client()
    assert [len(made) for made in bench.servers] == [4, 0]
    assert list(bench.device.load.values()) == [1]
    client.transport.abortConnection()
    bench.settle()
    assert list(bench.device.load.values()) == [0]
    assert {peer.end for peer in bench.servers[0]} == {"ConnectionLost"}
