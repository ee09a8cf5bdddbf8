"""Forgetting a flow: once, with what was under way."""

from __future__ import annotations

from support.network import Bench

from mapiproxy.lab.network.devices.forgetting import ForgettingDevice


def test_what_was_under_way_is_lost_and_a_flow_is_forgotten_once() -> None:
    bench = Bench(ForgettingDevice, rules=[{"fault": "latency", "delay": "5s"}])
    client = bench.client()
    bench.say(bench.server, b"late")
    (flow,) = bench.device.flows
    bench.device.forget(flow, "drop")
    bench.device.forget(flow, "rst_both")
    bench.wait(6)
    assert (client.data, client.end) == (b"", "")
    assert bench.device.counters.forgotten == 1
