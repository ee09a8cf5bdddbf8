"""Rules as they stand in tables: what they become, and what is refused with which words."""

from __future__ import annotations

from typing import Any

import pytest

from mapiproxy.lab.network.faults.latency import Latency
from mapiproxy.lab.network.faults.reset import Reset
from mapiproxy.lab.network.pieces import Direction
from mapiproxy.lab.network.reading import BadRule
from mapiproxy.lab.network.rule import parse_rule, rule


def test_a_table_with_everything() -> None:
    parsed = parse_rule(
        {
            "fault": "latency", "delay": "200ms", "jitter": "50ms", "direction": "to_client", "probability": 0.5,
            "after": "10s", "lasts": "20s", "request_type": "NotificationWait", "phase": "pending", "pending": 2,
            "name": "slow wait",
        }
    )  # fmt: skip
    assert parsed.fault == Latency(0.2, 0.05)
    assert (parsed.kind, parsed.name, parsed.direction) == ("latency", "slow wait", Direction.TO_CLIENT)
    assert (parsed.after, parsed.lasts) == (10.0, 20.0)
    selector = parsed.selector
    assert (selector.request_type, selector.phase, selector.pending, selector.probability) == ("NotificationWait", "pending", 2, 0.5)
    assert parsed.per_request


def test_a_rule_from_a_fault_in_hand_is_the_same() -> None:
    table = {"phase": "pending", "pending": 2, "after": "10s"}
    assert rule(Reset(side="client"), **table) == parse_rule({"fault": "reset", "side": "client", **table})
    assert rule(Latency(1.0), direction=Direction.BOTH).direction is Direction.BOTH


@pytest.mark.parametrize(
    ("table", "direction"),
    [
        ({"fault": "latency", "delay": "1s"}, "to_client"),
        ({"fault": "latency", "delay": "1s", "direction": "both"}, "both"),
        ({"fault": "latency", "delay": "1s", "phase": "request_body"}, "to_server"),
        ({"fault": "latency", "delay": "1s", "phase": "connect"}, "to_server"),
        ({"fault": "stall", "phase": "pending", "direction": "both"}, "to_client"),
        ({"fault": "black_hole"}, "both"),
        ({"fault": "response_code", "code": 10}, "to_server"),
        ({"fault": "strip_headers", "names": "X-*"}, "both"),
    ],
)
def test_directions(table: dict[str, Any], direction: str) -> None:
    assert parse_rule(table).direction == direction


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ({"delay": "1s"}, "fault is needed; there are bandwidth, black_hole"),
        ({"fault": "latncy"}, 'fault: "latncy" is unknown; did you mean latency?'),
        ({"fault": 5}, "fault: 5 is unknown"),
        ({"fault": "latency"}, "latency: delay is needed"),
        ({"fault": "latency", "delay": 200}, 'latency: delay: a duration needs a unit (ms, s, m, h, d): write "200s"'),
        ({"fault": "latency", "delay": "1s", "dely": "1s"}, "latency: unknown key dely; did you mean delay?"),
        ({"fault": "bandwidth", "rate": "fast"}, 'bandwidth: rate: "fast" is not a size'),
        ({"fault": "latency", "delay": "1s", "direction": "up"}, 'latency: direction: "up" is not one of to_server, to_client, both'),
        ({"fault": "truncate", "direction": "to_server"}, 'truncate: direction: "to_server" makes no sense for it; allowed are to_client'),
        ({"fault": "latency", "delay": "1s", "phase": "pending", "direction": "to_server"}, 'latency: direction: phase "pending" comes to_client only'),
        ({"fault": "mute_pending", "phase": "pending"}, "mute_pending: phase: this fault is about whole messages or connections"),
        ({"fault": "reset", "side": "left"}, 'reset: side: "left" is not one of client, server, both'),
        ({"fault": "stall", "lasts": "0s"}, "stall: lasts: a duration must be more than zero"),
        ({"fault": "strip_headers", "names": []}, "strip_headers: names: a list is neither a text nor a list of them"),
        ({"fault": "black_hole", "name": 5}, "black_hole: name: 5 is not a line"),
        ({"fault": "truncate", "size": 5, "proper_end": "yes"}, 'truncate: proper_end: "yes" is neither true nor false'),
    ],
)
def test_mistakes_are_named(table: dict[str, Any], text: str) -> None:
    with pytest.raises(BadRule) as caught:
        parse_rule(table)
    assert str(caught.value).startswith(text)
