"""idle_firewall: who is silent for too long is forgotten."""

from __future__ import annotations

import pytest
from support.network import Bench

from mapiproxy.lab.network.devices.idle_firewall import IdleFirewall


def idle(mode: str = "drop", keep_alive: float | None = None) -> Bench:
    return Bench(IdleFirewall, timeout=60.0, mode=mode, keep_alive=keep_alive)


def test_traffic_in_either_direction_keeps_a_flow() -> None:
    bench = idle()
    client = bench.client()
    for turn in range(4):
        bench.wait(50)
        bench.say((client, bench.server)[turn % 2], b"x")
    assert (bench.server.data, client.data) == (b"xx", b"xx")
    assert bench.device.counters.forgotten == 0


def test_dropped_flows_swallow_everything_and_tell_nobody() -> None:
    bench = idle()
    client = bench.client()
    bench.wait(61)
    assert (client.end, bench.server.end) == ("", "")
    bench.say(client, b"hello?")
    bench.say(bench.server, b"pending")
    client.transport.loseConnection()
    bench.settle()
    assert (bench.server.data, bench.server.end, client.data) == (b"", "", b"")
    assert bench.labels("fault") == ["forgets"]
    bench.say(bench.client(), b"new flow")
    assert bench.server.data == b"new flow"


@pytest.mark.parametrize("from_client", [True, False])
def test_rst_answers_whoever_speaks_and_not_the_other(from_client: bool) -> None:
    bench = idle("rst")
    client = bench.client()
    server = bench.server
    bench.wait(61)
    assert (client.end, server.end) == ("", "")
    bench.say(client if from_client else server, b"x")
    assert (client.end, server.end) == (("ConnectionLost", "") if from_client else ("", "ConnectionLost"))


def test_rst_both_does_not_wait() -> None:
    bench = idle("rst_both")
    client = bench.client()
    bench.wait(61)
    assert (client.end, bench.server.end) == ("ConnectionLost", "ConnectionLost")


@pytest.mark.parametrize(("interval", "forgotten"), [(30.0, 0), (90.0, 1)])
def test_keep_alives_count_where_they_are_asked_for(interval: float, forgotten: int) -> None:
    bench = idle(keep_alive=interval)
    bench.client()
    bench.wait(200)
    assert bench.device.counters.forgotten == forgotten


def test_no_timer_outlives_its_flow() -> None:
    bench = idle()
    client = bench.client()
    client.transport.loseConnection()
    bench.settle()
    assert bench.reactor.getDelayedCalls() == []


def test_a_forgotten_flow_whose_ends_have_left_costs_nothing() -> None:
    bench = idle()
    client = bench.client()
    bench.wait(61)
    client.transport.loseConnection()
    bench.settle()
    assert (bench.server.end, bench.device.counters.open) == ("", 1)
    bench.server.transport.loseConnection()
    bench.settle()
    assert bench.device.counters.open == 0
