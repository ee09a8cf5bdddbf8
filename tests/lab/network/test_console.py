"""Orders that are typed: one line, one answer."""

from __future__ import annotations

import pytest
from support.network import Bench

from mapiproxy.lab.network.console import HELP, obey, read_table
from mapiproxy.lab.network.devices.captive_portal import CaptivePortal
from mapiproxy.lab.network.devices.nat import Nat
from mapiproxy.lab.network.reading import BadRule


def test_rules_are_added_shown_and_removed() -> None:
    device = Bench().device
    assert obey(device, 'add { fault = "latency", delay = "1s", name = "slow" }') == "added slow"
    assert obey(device, 'add fault = "stall"') == "added stall"
    assert obey(device, "rules") == "slow (to_client)\nstall (to_client)"
    assert obey(device, "remove slow") == "removed slow"
    assert obey(device, "remove slow") == "there is no rule slow"
    assert obey(device, "reset\n") == "no rules but the device's own"
    assert obey(device, "rules") == "none"
    assert obey(device, "counters").startswith("connections 0")


def test_what_a_device_can_do_besides() -> None:
    assert obey(Bench(Nat).device, "rebind") == "rebound"
    portal = Bench(CaptivePortal).device
    assert obey(portal, "log in") == "everybody is logged in"
    assert obey(portal, "rebind") == HELP


@pytest.mark.parametrize("order", ["help", "add", "remove", "dance"])
def test_what_is_no_order_is_answered_with_those_there_are(order: str) -> None:
    assert obey(Bench().device, order) == HELP


def test_mistakes_are_told() -> None:
    device = Bench().device
    assert "did you mean latency" in obey(device, 'add fault = "latncy"')
    assert "is not a TOML inline table" in obey(device, "add latency")
    assert obey(device, "  ") == ""
    with pytest.raises(BadRule):
        read_table('a = 1 }\nb = { c = 2')
