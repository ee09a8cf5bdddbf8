"""What balancers count."""

from __future__ import annotations

from support.network import Bench

from mapiproxy.lab.network.devices.balancing import BalancingDevice


def test_the_least_is_the_first_of_equals_and_ends_are_counted() -> None:
    bench = Bench(BalancingDevice, servers=2)
    one, two = bench.to
    device = bench.device
    flow = object()
    assert device.least() == one
    device.assign(flow, one)
    assert device.least() == two
    device.free(flow)
    device.free(flow)
    assert device.load == {one: 0}
