"""Devices from tables: strict, and each kind has a file of its own."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
from support.memory_network import MemoryReactor
from support.network_storm import storm

import mapiproxy.lab.network.devices as package
from mapiproxy.lab.network.device import Device
from mapiproxy.lab.network.devices import DEVICES, make_device
from mapiproxy.lab.network.devices.idle_firewall import IdleFirewall
from mapiproxy.lab.network.reading import BadRule, keys_of


def made(**table: Any) -> Device:
    return make_device({"to": ["127.0.0.1:1"], **table}, MemoryReactor(), Random(1))


def test_each_device_has_a_file_of_its_own() -> None:
    folder = Path(package.__file__).parent
    shared = {"__init__", "forgetting", "balancing", "h2_refusing"}
    assert {path.stem for path in folder.glob("*.py")} - shared == set(DEVICES) - {"wire"}
    for cls in DEVICES.values():
        keys_of(cls.Settings)


def test_a_table_makes_a_device() -> None:
    device = made(
        device="idle_firewall", timeout="60s", mode="rst", name="fw", listen="127.0.0.1:0",
        rules=[{"fault": "latency", "delay": "200ms"}],
    )  # fmt: skip
    assert isinstance(device, IdleFirewall)
    assert (device.name, device.settings.timeout, device.settings.mode) == ("fw", 60.0, "rst")
    assert [play.rule.name for play in device.rulebook.in_play] == ["latency"]
    assert made(device="waf", strip=["X-*"]).name == "waf"


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ({"device": "firewal"}, "device: \"firewal\" is unknown"),
        ({}, "device is needed; there are buffering_proxy"),
        ({"device": "idle_firewal"}, "did you mean idle_firewall"),
        ({"device": "idle_firewall"}, "idle_firewall: timeout is needed"),
        ({"device": "idle_firewall", "timeout": 60}, 'timeout: a duration needs a unit'),
        ({"device": "idle_firewall", "timeout": "60s", "mode": "explode"}, "mode: \"explode\" is not one of drop, rst, rst_both"),
        ({"device": "nat", "evry": "60s"}, "nat: unknown key evry; did you mean every"),
        ({"device": "nat", "to": ["nowhere"]}, "nat: to:"),
        ({"device": "nat", "to": 5}, 'nat: to: write "HOST:PORT"'),
        ({"device": "nat", "to": []}, "to: a device needs at least one server"),
        ({"device": "nat", "listen": "0.0.0.0:80"}, "0.0.0.0 is not a loopback address"),
        ({"device": "nat", "name": 3}, "nat: name:"),
        ({"device": "nat", "rules": "x"}, "nat: rules: write a list of tables"),
        ({"device": "wire", "rules": [{"fault": "latncy"}]}, "did you mean latency"),
        ({"device": "h2_front"}, "h2 is agreed on in TLS"),
    ],
)  # fmt: skip
def test_mistakes_are_named(table: dict[str, Any], text: str) -> None:
    with pytest.raises(BadRule) as caught:
        made(**table)
    assert text in str(caught.value)


@pytest.mark.parametrize("first", range(0, 200, 20))
def test_whatever_happens_nothing_is_left_and_it_happens_again_in_the_same_way(first: int) -> None:
    for seed in range(first, first + 20):
        bench = storm(seed)
        assert bench.device.counters.open == 0, seed
        assert bench.reactor.getDelayedCalls() == [], seed
        assert sum(getattr(bench.device, "load", {}).values()) == 0, seed
        if seed % 5 == 0:
            assert [str(each) for each in storm(seed).told] == [str(each) for each in bench.told]
