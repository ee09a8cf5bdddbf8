"""Of all faults at once: nothing is lost when one is removed, the same seed gives the same, all are named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.network import FIN, LaneUnderTest, answer, conversation, payload_of, request, stream

import mapiproxy.lab.network.faults as package
from mapiproxy.lab.network.faults import FAULTS
from mapiproxy.lab.network.faults.base import Fault
from mapiproxy.lab.network.pieces import Cut, Fin, Piece, Rst

#: Faults that keep or change bytes without throwing any away: table, direction.
HARMLESS: list[dict[str, Any]] = [
    {"fault": "latency", "delay": "2s", "jitter": "1s"},
    {"fault": "bandwidth", "rate": 10},
    {"fault": "slicer", "average": 7, "variation": 3, "delay": "1s"},
    {"fault": "stall"},
    {"fault": "stall", "delay": "5s"},
    {"fault": "slow_close", "delay": "5s"},
    {"fault": "buffer_until_complete", "size": "1KiB"},
    {"fault": "reset", "delay": "5s", "after_bytes": 10000},
    {"fault": "limit_data", "size": 10000},
]


def test_each_fault_has_a_file_of_its_own() -> None:
    folder = Path(package.__file__).parent
    shared = {"__init__", "base", "answering", "certificates", "editing"}
    assert {path.stem for path in folder.glob("*.py")} - shared == set(FAULTS)
    for name, cls in FAULTS.items():
        assert issubclass(cls, Fault)
        assert cls.__module__.endswith(f".{name}")
        assert cls.direction in cls.directions


@pytest.mark.parametrize("table", HARMLESS, ids=lambda table: table["fault"])
@pytest.mark.parametrize("moment", [0.0, 0.5, 3.0])
def test_nothing_is_lost_when_a_rule_is_removed(table: dict[str, Any], moment: float) -> None:
    lane = LaneUnderTest(table, {"fault": "latency", "delay": "1s", "request_type": "Nobody"})
    parts = [b"one ", b"two ", b"three ", b"four"]
    lane.put(*map(stream, parts[:2]))
    lane.at(moment).put(*map(stream, parts[2:]), FIN)
    lane.remove()
    lane.put(stream(b" five"))
    lane.at(1000.0)
    items = [item for _, item in lane.left]
    assert lane.data == b"one two three four five"
    assert lane.cuts == []
    assert sum(isinstance(item, Fin) for item in items) == 1


@pytest.mark.parametrize("table", HARMLESS, ids=lambda table: table["fault"])
def test_an_answer_is_whole_and_its_pieces_are_in_order(table: dict[str, Any]) -> None:
    lane = LaneUnderTest(table)
    _, items = conversation(request(), answer(b"x" * 100, pendings=1))
    lane.put(*items)
    lane.at(10.0)
    lane.remove()
    assert lane.data == answer(b"x" * 100, pendings=1)
    ends = [index for index, (_, item) in enumerate(lane.left) if isinstance(item, Piece) and item.place.last]
    assert ends == [len(lane.left) - 1]


@pytest.mark.parametrize("cut", range(0, 150, 7))
@pytest.mark.parametrize("table", [{"fault": "mute_pending"}, {"fault": "truncate", "size": 60, "proper_end": True}], ids=["mute", "truncate"])
def test_a_fault_that_has_begun_an_answer_ends_it(table: dict[str, Any], cut: int) -> None:
    """Removed in the middle it goes on to the answer's end: its chunks are not the server's."""
    from support.network import CONNECTION

    from mapiproxy.lab.network.observer import Observer

    observer = Observer(CONNECTION)
    observer.request(request())
    lane = LaneUnderTest(table)
    raw = answer(b"y" * 50, pendings=2)
    lane.put(*observer.answer(raw[:cut]))
    lane.remove()
    lane.put(*observer.answer(raw[cut:]))
    whole = payload_of(raw)
    assert payload_of(lane.data) in (whole, whole.replace(b"PENDING\r\n", b""), whole[:60])
    assert lane.cuts == []


def moments(seed: int) -> list[tuple[float, bytes]]:
    lane = LaneUnderTest(
        {"fault": "slicer", "average": 9, "variation": 8},
        {"fault": "latency", "delay": "1s", "jitter": "1s", "probability": 0.5},
        seed=seed,
    )
    lane.put(*(stream(b"z" * 40) for _ in range(5)))
    return lane.at(100.0).moments


def test_the_same_seed_gives_the_same_deliveries() -> None:
    assert moments(3) == moments(3)
    assert len({str(moments(seed)) for seed in range(8)}) > 4


@pytest.mark.parametrize("name", ["black_hole", "half_open"])
def test_what_swallows_ends_the_connection_when_it_is_removed(name: str) -> None:
    lane = LaneUnderTest({"fault": name})
    lane.put(stream(b"gone"), FIN)
    assert lane.left == []
    lane.remove()
    (cut,) = lane.cuts
    assert cut[1].side == "both"
    assert lane.data == b""


def test_an_order_that_waits_is_not_carried_out_when_its_rule_is_removed() -> None:
    lane = LaneUnderTest({"fault": "reset", "delay": "10s"})
    lane.put(stream(b"doomed"))
    lane.remove()
    lane.at(20.0)
    assert not any(isinstance(item, Cut | Rst) for _, item in lane.left)
