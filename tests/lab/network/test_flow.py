"""One connection through a device: back-pressure both ways, and memory that stays bounded."""

from __future__ import annotations

import pytest
from support.memory_network import WINDOW
from support.network import Bench, Peer

from mapiproxy.lab.network.lane import MOST_WAITING

BLOCK = b"x" * 16384


def pour(bench: Bench, peer: Peer, blocks: int) -> int:
    """Say so many blocks, as far as they are taken; the bytes that wait in front of the device."""
    for _ in range(blocks):
        bench.say(peer, BLOCK)
    return peer.transport.flying


@pytest.mark.parametrize("to_server", [True, False])
def test_a_slow_reader_holds_the_writer_back(to_server: bool) -> None:
    bench = Bench()
    client = bench.client()
    writer, reader = (client, bench.server) if to_server else (bench.server, client)
    reader.transport.pauseProducing()
    pour(bench, writer, 40)
    assert writer.transport.other.paused
    assert reader.transport.other.flying <= WINDOW + 2 * len(BLOCK)
    reader.transport.resumeProducing()
    bench.settle()
    assert reader.data == BLOCK * 40
    assert not writer.transport.other.paused


@pytest.mark.parametrize("direction", ["to_server", "to_client"])
def test_what_a_rule_holds_is_bounded_and_nothing_of_it_is_lost(direction: str) -> None:
    bench = Bench(rules=[{"fault": "stall", "direction": direction}])
    client = bench.client()
    bench.device.remove("stall")
    bench.settle()
    bench.device.add({"fault": "stall", "direction": direction})
    writer, reader = (client, bench.server) if direction == "to_server" else (bench.server, client)
    blocks = MOST_WAITING // len(BLOCK) + 20
    waiting = pour(bench, writer, blocks)
    assert waiting >= 19 * len(BLOCK)
    (flow,) = bench.device.flows
    lane = flow.up if direction == "to_server" else flow.down
    assert MOST_WAITING <= lane.waiting <= MOST_WAITING + len(BLOCK)
    bench.device.reset()
    bench.settle()
    assert len(reader.data) == blocks * len(BLOCK)


def test_the_end_comes_after_what_was_held() -> None:
    bench = Bench(rules=[{"fault": "latency", "delay": "1s"}])
    client = bench.client()
    bench.say(bench.server, b"last words")
    bench.server.transport.loseConnection()
    bench.settle()
    assert (client.data, client.end) == (b"", "")
    bench.wait(1.1)
    assert client.data == b"last words"
    client.transport.loseConnection()
    bench.settle()
    assert bench.device.counters.open == 0


def test_a_client_that_has_gone_is_not_spoken_to() -> None:
    bench = Bench(rules=[{"fault": "slow_close", "delay": "5s", "direction": "to_server"}])
    client = bench.client()
    client.transport.abortConnection()
    bench.settle()
    bench.say(bench.server, b"anybody there?")
    bench.settle()
    assert bench.server.end == "ConnectionLost"
    assert bench.device.counters.open == 0


def test_no_timer_is_left_behind() -> None:
    bench = Bench(rules=[{"fault": "latency", "delay": "60s"}])
    client = bench.client()
    bench.say(bench.server, b"late")
    client.transport.abortConnection()
    bench.settle()
    bench.server.transport.abortConnection()
    bench.settle()
    assert bench.reactor.getDelayedCalls() == []
