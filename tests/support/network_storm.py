"""A storm for devices: random rules, clients and servers that speak, cut, leave and die in any order."""

from __future__ import annotations

from random import Random
from typing import Any

from support.network import Bench, answer, gromox_answer, plain_answer, request

from mapiproxy.lab.network.device import Device
from mapiproxy.lab.network.devices.idle_firewall import IdleFirewall
from mapiproxy.lab.network.devices.least_connections import LeastConnections
from mapiproxy.lab.network.devices.multiplexer import Multiplexer
from mapiproxy.lab.network.devices.nat import Nat

RULES: list[dict[str, Any]] = [
    {"fault": "latency", "delay": "1s", "jitter": "1s"},
    {"fault": "latency", "delay": "1s", "phase": "connect"},
    {"fault": "bandwidth", "rate": 100},
    {"fault": "slicer", "average": 5, "variation": 4, "delay": "10ms"},
    {"fault": "slicer", "average": 9, "direction": "both"},
    {"fault": "stall", "delay": "1s"},
    {"fault": "stall"},
    {"fault": "black_hole", "timeout": "2s"},
    {"fault": "half_open"},
    {"fault": "reset", "after_bytes": 100},
    {"fault": "reset", "phase": "pending"},
    {"fault": "slow_close", "delay": "1s"},
    {"fault": "limit_data", "size": 300},
    {"fault": "duplicate_dials", "times": 2},
    {"fault": "truncate", "size": 30},
    {"fault": "truncate", "size": 30, "proper_end": True},
    {"fault": "mute_pending"},
    {"fault": "buffer_until_complete", "size": 100},
    {"fault": "strip_headers", "names": ["X-*"]},
    {"fault": "path_filter", "deny": ["/mapi/nspi"]},
    {"fault": "body_limit", "size": 5},
    {"fault": "response_code", "code": 10},
    {"fault": "response_code", "code": 10, "direction": "to_client"},
    {"fault": "clock_skew", "skew": "1h"},
]
SELECTORS: list[dict[str, Any]] = [
    {}, {"probability": 0.5}, {"request_type": "PING"}, {"nth": 2}, {"every": 2}, {"limit": 1},
    {"after": "1s", "lasts": "2s"}, {"client": "127.0.0.0/8"},
]  # fmt: skip
DEVICES: list[tuple[type[Device], dict[str, Any]]] = [
    (Device, {}),
    (LeastConnections, {"per_request": True, "servers": 2}),
    (LeastConnections, {"servers": 2}),
    (Multiplexer, {"servers": 2}),
    (IdleFirewall, {"timeout": 3.0, "mode": "drop"}),
    (IdleFirewall, {"timeout": 3.0, "mode": "rst_both"}),
    (Nat, {"every": 2.0, "mode": "rst"}),
]


def storm(seed: int) -> Bench:
    """A bench after its storm, with the device stopped."""
    chance = Random(seed)
    rules = []
    for _ in range(chance.randint(0, 3)):
        rule = chance.choice(RULES)
        of_connecting = rule.get("phase") == "connect" or rule["fault"] == "duplicate_dials"
        rules.append({**rule, **({} if of_connecting else chance.choice(SELECTORS))})
    cls, more = chance.choice(DEVICES)
    bench = Bench(cls, rules=rules, **more)
    clients = [client for client in (bench.client() for _ in range(2)) if client is not None]
    for _ in range(chance.randint(1, 25)):
        gust(bench, chance, chance.choice(clients))
    stopped: list[object] = []
    bench.device.stop().addCallback(stopped.append)
    bench.settle()
    assert stopped == [None]
    return bench


def gust(bench: Bench, chance: Random, client: Any) -> None:
    """One thing that happens."""
    servers = [peer for made in bench.servers for peer in made if not peer.end]
    what = chance.random()
    if what < 0.4:
        kind = chance.choice(["PING", "Execute", "NotificationWait"])
        in_two(bench, chance, client, request(kind, body=b"z" * chance.randint(0, 20)))
    elif what < 0.75 and servers:
        raw = chance.choice([answer(pendings=2), gromox_answer(), plain_answer()])
        in_two(bench, chance, chance.choice(servers), raw)
    elif what < 0.85:
        bench.wait(chance.random() * 3)
    elif what < 0.9 and bench.device.rulebook.in_play:
        bench.device.remove(chance.choice(bench.device.rulebook.in_play))
    else:
        peer = chance.choice([client, *servers])
        chance.choice([peer.transport.abortConnection, peer.transport.loseConnection])()
    bench.settle()


def in_two(bench: Bench, chance: Random, peer: Any, raw: bytes) -> None:
    cut = chance.randint(0, len(raw))
    bench.say(peer, raw[:cut])
    if chance.random() < 0.3:
        bench.wait(chance.random())
    bench.say(peer, raw[cut:])
