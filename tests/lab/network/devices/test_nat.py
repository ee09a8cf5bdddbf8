"""nat: another address, and old flows forgotten."""

from __future__ import annotations

from support.network import Bench

from mapiproxy.lab.network.devices.nat import Nat


def test_servers_see_one_address_until_it_rebinds() -> None:
    bench = Bench(Nat, sources=("127.0.0.8", "127.0.0.9"))
    client = bench.client()
    bench.client()
    bench.device.rebind()
    bench.say(client, b"lost")
    bench.client()
    bench.device.rebind()
    bench.client()
    assert [peer.addr.host for peer in bench.servers[0]] == ["127.0.0.8", "127.0.0.8", "127.0.0.9", "127.0.0.8"]
    assert bench.servers[0][0].data == b""
    assert bench.labels("fault").count("forgets") == 3


def test_it_rebinds_by_the_clock() -> None:
    bench = Bench(Nat, every=30.0, mode="rst_both")
    client = bench.client()
    bench.wait(31)
    assert client.end == "ConnectionLost"
    bench.client()
    bench.wait(30)
    assert bench.labels("fault").count("rebinds") == 2
    bench.device.stop()
    bench.settle()
    assert bench.reactor.getDelayedCalls() == []
