"""Each toxic is a fault with its units; what a client may send wrong is said in Toxiproxy's words."""

from __future__ import annotations

from typing import Any

import pytest

from mapiproxy.lab.network.faults.bandwidth import Bandwidth
from mapiproxy.lab.network.faults.black_hole import BlackHole
from mapiproxy.lab.network.faults.latency import Latency
from mapiproxy.lab.network.faults.limit_data import LimitData
from mapiproxy.lab.network.faults.reset import Reset
from mapiproxy.lab.network.faults.slicer import Slicer
from mapiproxy.lab.network.faults.slow_close import SlowClose
from mapiproxy.lab.network.pieces import Direction
from mapiproxy.lab.network.toxiproxy.errors import ApiError
from mapiproxy.lab.network.toxiproxy.toxics import TOXICS, make_toxic


@pytest.mark.parametrize(
    ("kind", "attributes", "fault"),
    [
        ("latency", {"latency": 1500, "jitter": 250}, Latency(1.5, 0.25)),
        ("bandwidth", {"rate": 32}, Bandwidth(32000)),
        ("bandwidth", {}, None),
        ("slow_close", {"delay": 500}, SlowClose(0.5)),
        ("timeout", {"timeout": 2000}, BlackHole(2.0)),
        ("timeout", {}, BlackHole(None)),
        ("reset_peer", {"timeout": 2000}, Reset(delay=2.0)),
        ("slicer", {"average_size": 10, "size_variation": 50, "delay": 10}, Slicer(10, 9, 0.00001)),
        ("slicer", {}, None),
        ("limit_data", {"bytes": 5}, LimitData(5)),
    ],
)
def test_units(kind: str, attributes: dict[str, int], fault: object) -> None:
    rule = make_toxic({"type": kind, "attributes": attributes, "toxicity": 0.5, "stream": "upstream"}).rule()
    if fault is None:
        assert rule is None
        return
    if kind == "slicer":
        assert (rule.fault.average, rule.fault.variation) == (10, 9)
        assert rule.fault.delay == pytest.approx(0.00001)
    else:
        assert rule.fault == fault
    assert rule.direction is Direction.TO_SERVER
    assert rule.selector.probability == 0.5


def test_what_is_left_out_has_toxiproxys_defaults() -> None:
    assert make_toxic({"type": "latency"}).plain() == {
        "name": "latency_downstream", "type": "latency", "stream": "downstream", "toxicity": 1.0,
        "attributes": {"latency": 0, "jitter": 0},
    }  # fmt: skip
    for kind in TOXICS:
        assert make_toxic({"type": kind, "stream": "upstream"}).name == f"{kind}_upstream"


def test_changing_keeps_the_rest() -> None:
    toxic = make_toxic({"type": "latency", "attributes": {"latency": 100, "jitter": 5}, "toxicity": 0.25})
    changed = toxic.changed({"attributes": {"jitter": 6, "unknown": 1}})
    assert changed.attributes == {"latency": 100, "jitter": 6}
    assert changed.toxicity == 0.25


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"type": "latency", "stream": "sideways"}, "stream was invalid, can be either upstream or downstream"),
        ({"type": "packet_loss"}, "invalid toxic type"),
        ({}, "invalid toxic type"),
        ({"type": "latency", "toxicity": 2}, "bad request body: toxicity"),
        ({"type": "latency", "attributes": {"latency": "1s"}}, "bad request body: latency"),
        ({"type": "latency", "attributes": {"latency": -1}}, "bad request body: latency"),
        ({"type": "latency", "attributes": []}, None),
        ({"type": "latency", "attributes": [1]}, "bad request body: attributes"),
        ({"type": 5}, "bad request body: type"),
    ],
)
def test_mistakes(given: dict[str, Any], text: str | None) -> None:
    if text is None:
        assert make_toxic(given)
        return
    with pytest.raises(ApiError) as caught:
        make_toxic(given)
    assert caught.value.text.startswith(text)
    assert caught.value.plain()["status"] == 400
