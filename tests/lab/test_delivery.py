"""A long answer on a clock: pulses, its end, and a client that goes away."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock

from mapiproxy.lab.delivery import Delivery
from mapiproxy.lab.streaming import Streaming


class Stage:
    """One delivery with everything it does written down."""

    def __init__(self, **given: object) -> None:
        self.clock = Clock()
        self.log: list[object] = []
        given = {"first": b"first", "pulse": b"pulse", "period": 30, "lasts": 61, **given}
        self.streaming = Streaming(finish=self.finish, **given)  # type: ignore[arg-type]
        self.delivery = Delivery(
            self.streaming, self.clock, self.log.append, lambda: self.log.append("over")
        )
        self.delivery.start()

    def finish(self, now: float) -> bytes:
        self.log.append(now)
        return b"last"

    def at(self, moment: float) -> list[object]:
        """What happened up to a moment, since last asked."""
        while self.clock.seconds() < moment:
            self.clock.advance(1)
        happened, self.log[:] = list(self.log), []
        return happened


def test_pulses_come_each_period_until_it_ends_by_itself() -> None:
    stage = Stage()
    assert stage.at(0) == [b"first"]
    assert stage.at(30) == [b"pulse"]
    assert stage.at(60) == [b"pulse"]
    assert stage.at(61) == [61, b"last", "over"]
    assert stage.clock.getDelayedCalls() == []


def test_waking_ends_it_at_once_and_only_once() -> None:
    stage = Stage()
    stage.at(5)
    assert stage.streaming.wake is not None
    stage.streaming.wake()
    stage.streaming.wake()
    assert stage.at(100) == [5, b"last", "over"]


@pytest.mark.parametrize(
    ("manner", "ends"),
    [({}, 10), ({"holds_until_pulse": True}, 30), ({"survives": True}, 61)],
    ids=["ends at once", "noticed at the next pulse", "goes on silently"],
)
def test_a_lost_client(manner: dict[str, bool], ends: float) -> None:
    stage = Stage(**manner)
    stage.at(10)
    stage.delivery.lost()
    assert stage.at(200) == [ends, "over"]
    assert stage.clock.getDelayedCalls() == []


def test_without_first_and_pulse_only_the_end_is_sent() -> None:
    assert Stage(first=b"", pulse=b"").at(100) == [61, b"last", "over"]


def test_cancelling_leaves_nothing_behind() -> None:
    stage = Stage()
    stage.delivery.cancel()
    assert stage.clock.getDelayedCalls() == []
    assert stage.at(100) == [b"first"]
