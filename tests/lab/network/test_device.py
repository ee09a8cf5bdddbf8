"""A device between clients and servers in memory: what passes, what is told, counted and refused."""

from __future__ import annotations

from random import Random

import pytest
from support.memory_network import MemoryReactor
from support.network import Bench, answer, request

from mapiproxy.lab.network.device import Device
from mapiproxy.lab.network.faults.latency import Latency
from mapiproxy.lab.network.reading import BadRule
from mapiproxy.lab.network.rule import rule
from mapiproxy.lab.network.tls import PASS_THROUGH


def test_bytes_pass_both_ways_and_so_does_the_end() -> None:
    bench = Bench()
    client = bench.client()
    bench.say(client, b"hello")
    bench.say(bench.server, b"world")
    assert (bench.server.data, client.data) == (b"hello", b"world")
    client.transport.loseConnection()
    bench.settle()
    assert bench.server.end == "ConnectionDone"
    assert bench.device.counters.open == 0
    assert (bench.device.counters.to_server, bench.device.counters.to_client) == (5, 5)


def test_a_request_and_its_answer_pass_unchanged() -> None:
    bench = Bench()
    client = bench.client()
    bench.say(client, request())
    assert bench.server.data == request()
    bench.say(bench.server, answer(pendings=2))
    assert client.data == answer(pendings=2)


def test_a_reset_is_passed_on_as_a_reset() -> None:
    bench = Bench()
    client = bench.client()
    bench.server.transport.abortConnection()
    bench.settle()
    assert client.end == "ConnectionLost"
    client = bench.client()
    client.transport.abortConnection()
    bench.settle()
    assert bench.server.end == "ConnectionLost"
    assert bench.device.counters.open == 0


def test_a_rule_strikes_and_is_told_and_counted() -> None:
    bench = Bench(rules=[{"fault": "latency", "delay": "1s", "request_type": "PING"}])
    client = bench.client()
    bench.say(client, request("PING"))
    bench.say(bench.server, answer())
    assert client.data == b""
    bench.wait(1.1)
    assert client.data == answer()
    bench.say(client, request("Execute"))
    bench.say(bench.server, answer())
    assert client.data == answer() * 2
    assert bench.device.counters.injected == {"latency": 1}
    (told,) = (each for each in bench.told if each.kind == "fault")
    assert (told.lane, told.label, told.detail) == ("box", "latency", "connection 1, request 1 (PING)")


def test_a_reset_at_a_phase_reaches_both_ends() -> None:
    bench = Bench(rules=[{"fault": "reset", "phase": "pending", "pending": 2}])
    client = bench.client()
    bench.say(client, request("NotificationWait"))
    bench.say(bench.server, answer(pendings=3)[:-30])
    assert client.data.count(b"PENDING") == 1
    assert client.end == bench.server.end == "ConnectionLost"
    assert bench.told[-1].detail == "connection 1, request 1 (NotificationWait) at pending 2"


def test_an_answer_in_place_of_the_server_keeps_the_connection() -> None:
    bench = Bench(rules=[{"fault": "response_code", "code": 10, "limit": 1}])
    client = bench.client()
    bench.say(client, request())
    assert b"X-ResponseCode: 10" in client.data
    first = client.data
    assert bench.server.data == b""
    bench.say(client, request())
    bench.say(bench.server, answer())
    assert client.data == first + answer()
    assert bench.server.data == request()


def test_a_body_that_grows_too_large_ends_the_server_and_answers_the_client() -> None:
    bench = Bench(rules=[{"fault": "body_limit", "size": 4}])
    client = bench.client()
    bench.say(client, b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n12345678\r\n")
    assert client.data.startswith(b"HTTP/1.1 413 ")
    assert (client.end, bench.server.end) == ("ConnectionDone", "ConnectionLost")


def test_a_rule_comes_and_goes_by_the_clock() -> None:
    bench = Bench(rules=[{"fault": "stall", "after": "10s", "lasts": "20s"}])
    client = bench.client()
    bench.say(bench.server, b"a")
    assert client.data == b"a"
    bench.wait(11)
    bench.say(bench.server, b"b")
    assert client.data == b"a"
    bench.wait(20)
    assert client.data == b"ab"


def test_rules_come_and_go_by_name_while_connections_live() -> None:
    bench = Bench()
    client = bench.client()
    bench.device.add({"fault": "stall", "name": "freeze"})
    bench.say(bench.server, b"a")
    assert client.data == b""
    assert bench.device.remove("freeze")
    bench.settle()
    assert client.data == b"a"
    assert not bench.device.remove("freeze")
    bench.device.add(rule(Latency(5.0)))
    bench.device.reset()
    bench.say(bench.server, b"b")
    assert client.data == b"ab"


def test_a_black_hole_with_a_timeout_begins_at_once_on_a_living_connection() -> None:
    bench = Bench()
    client = bench.client()
    bench.device.add({"fault": "black_hole", "timeout": "3s"})
    bench.wait(2.9)
    assert client.end == ""
    bench.wait(0.3)
    assert (client.end, bench.server.end) == ("ConnectionDone", "ConnectionDone")


def test_resets_before_there_is_a_server() -> None:
    bench = Bench(rules=[{"fault": "reset", "phase": "connect"}])
    client = bench.client()
    assert client.end == "ConnectionLost"
    assert bench.servers == [[]]
    assert bench.device.counters.open == 0


def test_a_late_connect_loses_nothing() -> None:
    bench = Bench(rules=[{"fault": "latency", "delay": "2s", "phase": "connect"}])
    client = bench.client()
    bench.say(client, b"early")
    assert bench.servers == [[]]
    bench.wait(2.1)
    assert bench.server.data == b"early"


def test_more_dials_than_one() -> None:
    bench = Bench(rules=[{"fault": "duplicate_dials", "times": 2}])
    bench.say(bench.client(), b"x")
    assert sorted((peer.data, peer.end) for peer in bench.servers[0]) == [(b"", "ConnectionDone")] * 2 + [(b"x", "")]


def test_a_server_that_is_not_there_is_told() -> None:
    bench = Bench()
    bench.reactor.listening.pop(bench.to[0][1])
    client = bench.client()
    assert client.end == "ConnectionLost"
    assert bench.device.counters.refused == 1
    assert bench.told[-1].outcome == "refused"
    assert bench.told[-1].detail.startswith("connection 1: server 1: ")


def test_half_close_is_passed_on() -> None:
    bench = Bench()
    client = bench.client()
    bench.say(client, b"last")
    client.transport.loseWriteConnection()
    bench.settle()
    # The server's end is not half-closeable: it closes when it hears FIN, and what it said before arrives.
    assert (bench.server.data, bench.server.end) == (b"last", "ConnectionDone")
    assert client.end == "ConnectionDone"


def test_selectors_of_mapi_cannot_be_used_where_tls_passes_unread() -> None:
    bench = Bench(tls=PASS_THROUGH)
    with pytest.raises(BadRule, match="passes TLS unread"):
        bench.device.add({"fault": "latency", "delay": "1s", "request_type": "Execute"})
    with pytest.raises(BadRule, match="does not end TLS"):
        bench.device.add({"fault": "latency", "delay": "1s", "phase": "tls"})
    bench.device.add({"fault": "latency", "delay": "1s"})


def test_tls_that_comes_although_rules_want_to_see_is_refused_and_told() -> None:
    bench = Bench(rules=[{"fault": "latency", "delay": "1s", "request_type": "Execute"}])
    client = bench.client()
    bench.say(client, b"\x16\x03\x01\x00\x05hello")
    assert client.end == "ConnectionLost"
    assert "rules about MAPI cannot see into" in bench.told[-1].detail


def test_tls_passes_where_no_rule_wants_to_see() -> None:
    bench = Bench(rules=[{"fault": "slicer", "average": 2, "direction": "both"}])
    client = bench.client()
    bench.say(client, b"\x16\x03\x01\x00\x05hello")
    assert bench.server.data == b"\x16\x03\x01\x00\x05hello"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "lab.example.test"])
def test_it_listens_on_loopback_unless_told(host: str) -> None:
    def make(anywhere: bool) -> Device:
        to = [("127.0.0.1", 1)]
        return Device("box", MemoryReactor(), Random(1), to=to, listen=(host, 0), anywhere=anywhere)

    with pytest.raises(BadRule, match="not a loopback address"):
        make(anywhere=False)
    assert make(anywhere=True)


def test_it_needs_a_server() -> None:
    with pytest.raises(BadRule, match="to:"):
        Device("box", MemoryReactor(), Random(1), to=[])


def test_stopping_drops_everybody() -> None:
    bench = Bench(rules=[{"fault": "stall"}])
    client = bench.client()
    bench.say(bench.server, b"held")
    done: list[object] = []
    bench.device.stop().addCallback(done.append)
    bench.settle()
    assert done == [None]
    assert (client.end, bench.server.end) == ("ConnectionLost", "ConnectionLost")
    assert bench.reactor.getDelayedCalls() == []
    assert bench.port not in bench.reactor.listening


def test_two_runs_with_one_seed_tell_the_same() -> None:
    def run(seed: int) -> list[str]:
        rules = [{"fault": "latency", "delay": "1s", "jitter": "500ms", "probability": 0.5, "direction": "both"}]
        bench = Bench(seed=seed, rules=rules)
        for _ in range(6):
            client = bench.client()
            bench.say(client, b"x")
            bench.wait(2)
        return [str(each) for each in bench.told]

    assert run(1) == run(1)
    assert len({str(run(seed)) for seed in range(5)}) > 1
