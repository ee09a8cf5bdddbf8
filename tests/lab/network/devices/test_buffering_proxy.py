"""buffering_proxy: late, but whole."""

from __future__ import annotations

from support.network import Bench, answer, request

from mapiproxy.lab.network.devices.buffering_proxy import BufferingProxy


def test_pendings_come_with_the_end() -> None:
    bench = Bench(BufferingProxy)
    client = bench.client()
    bench.say(client, request("NotificationWait"))
    raw = answer(pendings=2)
    bench.say(bench.server, raw[:-10])
    assert client.data == b""
    bench.say(bench.server, raw[-10:])
    assert client.data == raw


def test_its_nature_is_not_a_rule_that_reset_removes() -> None:
    bench = Bench(BufferingProxy, size=100)
    client = bench.client()
    bench.device.reset()
    bench.say(client, request())
    bench.say(bench.server, answer(b"x" * 500)[:300])
    assert client.data != b""
    assert bench.device.counters.injected == {"buffer_until_complete": 1}
