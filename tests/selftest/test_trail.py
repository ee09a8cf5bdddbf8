"""The stages of a probe, on a clock that is told."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from mapiproxy.lab.errors import DialFailed
from mapiproxy.selftest.trail import Grade, Trail, Trouble


class Watched:
    def __init__(self, patience: float = 10.0) -> None:
        self.clock = Clock()
        self.seen: list[tuple[str, bool]] = []
        self.trail = Trail(self.clock, patience, lambda stage, over: self.seen.append((stage.name, over)))


def test_a_stage_is_told_when_it_begins_and_when_it_is_over_with_its_time():
    watched = Watched()
    with watched.trail.stage("TCP") as stage:
        watched.clock.advance(1.5)
        stage.text = "connected"
    assert watched.seen == [("TCP", False), ("TCP", True)]
    assert (stage.seconds, stage.grade, watched.trail.grade) == (1.5, Grade.OK, Grade.OK)
    assert watched.trail.complaints == []


def test_trouble_ends_the_stage_and_keeps_its_grade_and_its_cause():
    trail = Watched().trail
    with pytest.raises(Trouble), trail.stage("DNS"):
        raise Trouble("no such name", Grade.UNKNOWN) from OSError("-2")
    assert trail.grade is Grade.UNKNOWN
    assert trail.complaints == ["DNS: no such name"]
    assert isinstance(trail.cause, OSError)


def test_a_judgement_of_our_own_has_no_cause_even_through_another():
    trail = Watched().trail
    with pytest.raises(Trouble), trail.stage("Wait"):
        raise Trouble("outer") from Trouble("inner")
    assert trail.cause is None


def test_what_the_client_raises_becomes_trouble():
    trail = Watched().trail
    with pytest.raises(Trouble, match="refused"), trail.stage("Connect"):
        raise DialFailed("refused")
    assert trail.complaints == ["Connect: refused"]
    assert isinstance(trail.cause, DialFailed)


def test_a_fault_of_the_test_itself_says_nothing_about_the_server():
    trail = Watched().trail
    with pytest.raises(ZeroDivisionError), trail.stage("Wait"):
        _ = 1 / 0
    assert trail.grade is Grade.UNKNOWN
    assert trail.complaints == ["Wait: the test itself failed (ZeroDivisionError), and says nothing about the server"]


def test_warnings_do_not_end_anything_and_come_after_failures():
    trail = Watched().trail
    with trail.stage("TLS") as stage:
        stage.warn("expires soon")
    assert trail.grade is Grade.WARNING
    with pytest.raises(Trouble), trail.stage("HTTP"):
        raise Trouble("404")
    assert trail.complaints == ["HTTP: 404", "TLS: expires soon"]


def test_a_slow_stage_is_a_warning_unless_it_is_its_nature():
    watched = Watched()
    with watched.trail.stage("Wait", unhurried=True):
        watched.clock.advance(60)
    assert watched.trail.grade is Grade.OK
    with watched.trail.stage("Logon"):
        watched.clock.advance(6.25)
    assert watched.trail.complaints == ["Logon: took 6.2 s, which users feel"]


def test_work_has_so_much_time_and_no_more():
    watched = Watched(patience=2.0)

    async def never() -> None:
        await Deferred()

    failures = []
    Deferred.fromCoroutine(watched.trail.within(never(), "the answer")).addErrback(failures.append)
    watched.clock.advance(1.9)
    assert failures == []
    watched.clock.advance(0.2)
    assert failures[0].value.text == "the answer did not come within 2 s"


def test_work_in_time_has_its_result():
    watched = Watched()

    async def quick() -> int:
        return 7

    results = []
    Deferred.fromCoroutine(watched.trail.within(quick(), "it", 1.0)).addCallback(results.append)
    assert results == [7]
    assert watched.clock.getDelayedCalls() == []
