"""Which fault is each toxic, in which units?

Differences from Toxiproxy: what waits is bounded by bytes, not by 1024 chunks; and a *timeout* that is
changed closes the connections it strikes, as one that is removed does there, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import evolve, field, frozen

from mapiproxy.lab.network.faults.bandwidth import Bandwidth
from mapiproxy.lab.network.faults.base import Fault
from mapiproxy.lab.network.faults.black_hole import BlackHole
from mapiproxy.lab.network.faults.latency import Latency
from mapiproxy.lab.network.faults.limit_data import LimitData
from mapiproxy.lab.network.faults.reset import Reset
from mapiproxy.lab.network.faults.slicer import Slicer
from mapiproxy.lab.network.faults.slow_close import SlowClose
from mapiproxy.lab.network.pieces import Direction
from mapiproxy.lab.network.rule import Rule
from mapiproxy.lab.network.selector import Selector
from mapiproxy.lab.network.toxiproxy.errors import bad_body, bad_stream, bad_type

Numbers = Mapping[str, int]

_MILLI = 0.001
_MICRO = 0.000001


def _latency(given: Numbers) -> Fault | None:
    return Latency(given["latency"] * _MILLI, given["jitter"] * _MILLI)


def _bandwidth(given: Numbers) -> Fault | None:
    # Kilobytes of 1000 bytes; 0 is no limit.
    return Bandwidth(given["rate"] * 1000) if given["rate"] > 0 else None


def _slow_close(given: Numbers) -> Fault | None:
    return SlowClose(given["delay"] * _MILLI)


def _timeout(given: Numbers) -> Fault | None:
    return BlackHole(given["timeout"] * _MILLI if given["timeout"] > 0 else None)


def _reset_peer(given: Numbers) -> Fault | None:
    return Reset(delay=given["timeout"] * _MILLI)


def _slicer(given: Numbers) -> Fault | None:
    average = given["average_size"]
    if average <= 0:
        return None
    return Slicer(average, min(given["size_variation"], average - 1), given["delay"] * _MICRO)


def _limit_data(given: Numbers) -> Fault | None:
    return LimitData(given["bytes"])


#: Type → its attributes, and how they become a fault (``None``: they do nothing).
TOXICS: Mapping[str, tuple[tuple[str, ...], Callable[[Numbers], Fault | None]]] = {
    "latency": (("latency", "jitter"), _latency),
    "bandwidth": (("rate",), _bandwidth),
    "slow_close": (("delay",), _slow_close),
    "timeout": (("timeout",), _timeout),
    "reset_peer": (("timeout",), _reset_peer),
    "slicer": (("average_size", "size_variation", "delay"), _slicer),
    "limit_data": (("bytes",), _limit_data),
}
_KINDS: Mapping[str, str] = {"timeout": "black_hole", "reset_peer": "reset"}
_STREAMS = {"upstream": Direction.TO_SERVER, "downstream": Direction.TO_CLIENT}


@frozen
class Toxic:
    """One toxic of one proxy."""

    name: str
    type: str
    stream: str = "downstream"
    toxicity: float = 1.0
    attributes: Mapping[str, int] = field(factory=dict)

    def plain(self) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "attributes": dict(self.attributes), "name": self.name, "type": self.type, "stream": self.stream,
            "toxicity": self.toxicity,
        }  # fmt: skip

    def rule(self) -> Rule | None:
        """The rule for the device; ``None`` where it does nothing."""
        fault = TOXICS[self.type][1](self.attributes)
        if fault is None:
            return None
        selector = Selector(probability=self.toxicity)
        kind = _KINDS.get(self.type, self.type)
        return Rule(fault, kind, selector, _STREAMS[self.stream], name=self.name)

    def changed(self, given: Mapping[str, Any]) -> Toxic:
        """With other attributes and toxicity; what is not given stays.

        :raise ApiError: a value is of the wrong type.
        """
        attributes = dict(self.attributes)
        for name, value in _table(given, "attributes").items():
            if name in attributes:
                attributes[name] = _number(name, value)
        return evolve(self, attributes=attributes, toxicity=_toxicity(given, self.toxicity))


def make_toxic(given: Mapping[str, Any]) -> Toxic:
    """A toxic from what a client sent.

    :raise ApiError: in Toxiproxy's words.
    """
    kind = _text(given, "type")
    stream = _text(given, "stream") or "downstream"
    if stream not in _STREAMS:
        raise bad_stream()
    if kind not in TOXICS:
        raise bad_type()
    name = _text(given, "name") or f"{kind}_{stream}"
    return Toxic(name, kind, stream, 1.0, dict.fromkeys(TOXICS[kind][0], 0)).changed(given)


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name) or ""
    if not isinstance(value, str):
        raise bad_body(f"{name} is not a text")
    return value


def _table(given: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = given.get(name) or {}
    if not isinstance(value, dict):
        raise bad_body(f"{name} is not an object")
    return value


def _number(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**53:
        raise bad_body(f"{name} is not a whole number of 0 or more")
    return value


def _toxicity(given: Mapping[str, Any], before: float) -> float:
    value = given.get("toxicity", before)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise bad_body("toxicity is not a number from 0 to 1")
    return float(value)
