"""The rhythm of probes, and who is told what."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.task import Clock
from twisted.logger import Logger
from twisted.python.failure import Failure

from mapiproxy.backends.fleet import Admin, Backend, Pool
from mapiproxy.backends.health import HealthRules
from mapiproxy.backends.kind import Kind
from mapiproxy.net.lag import Lag
from mapiproxy.net.watch import Watch
from mapiproxy.policy.illness import Blame


class Refusing:
    """An endpoint where nobody listens; counts who asked."""

    def __init__(self) -> None:
        self.asked = 0

    def connect(self, factory: Any) -> Deferred:
        self.asked += 1
        refused: Deferred = Deferred()
        refused.errback(Failure(ConnectionRefusedError()))
        return refused


class Scene:
    def __init__(self, **rules: Any) -> None:
        self.clock = Clock()
        self.events: list[tuple[str, bool]] = []
        self.said: list[str] = []
        self.one, self.two = (Backend(name, "h", 80, tls=False) for name in ("one", "two"))
        self.pool = Pool("mapi", Kind.EXCHANGE, (self.one, self.two))
        self.endpoints = {"one": Refusing(), "two": Refusing()}
        log = Logger(observer=lambda event: self.said.append(event["log_format"].format(**event)))
        self.watch = Watch(
            self.pool, self.endpoints, HealthRules(**rules), self.clock, Lag(self.clock.seconds, 1e6), log,
            lambda backend: self.events.append((backend.name, backend.up)),
        )  # type: ignore[arg-type]  # fmt: skip

    def pass_time(self, seconds: float) -> None:
        for _ in range(round(seconds * 10)):
            self.clock.advance(0.1)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_backend_that_refuses_is_down_after_its_count_of_quick_probes(scene):
    scene.watch.start()
    scene.pass_time(2.5)

    assert scene.events == [("one", False), ("two", False)]
    assert not scene.one.up
    assert "backend one DOWN: probe: connect: connection refused" in scene.said


def test_the_same_failure_is_logged_once(scene):
    scene.watch.start()
    scene.pass_time(20.0)

    assert scene.endpoints["one"].asked > 15
    assert scene.said.count("probe one: connect: connection refused") == 1


def test_what_is_in_maintenance_is_left_alone(scene):
    scene.one.admin = Admin.MAINT
    scene.watch.start()
    scene.pass_time(20.0)

    assert scene.endpoints["one"].asked == 0


def test_probes_can_be_switched_off():
    scene = Scene(enabled=False)
    scene.watch.start()
    scene.pass_time(20.0)

    assert scene.endpoints["one"].asked == 0


def test_live_failures_eject_but_never_the_last_that_is_up(scene):
    for backend in (scene.one, scene.two):
        for _ in range(9):
            scene.watch.judge(backend, Blame("status 503", lasting=True))

    assert scene.events == [("one", False)]
    assert scene.two.up


def test_without_probes_an_ejected_backend_comes_back_in_time():
    scene = Scene(enabled=False)
    for _ in range(5):
        scene.watch.judge(scene.one, Blame("status 503", lasting=True))
    scene.watch.tick(29.0)
    scene.watch.tick(31.0)

    assert scene.events == [("one", False), ("one", True)]


def test_a_live_failure_hurries_the_next_probe():
    scene = Scene(fall=99, fast=1.0, interval=60.0)
    scene.watch.start()
    scene.pass_time(0.1)
    scene.watch.health(scene.one).failures = 0
    asked = scene.endpoints["one"].asked
    scene.watch.judge(scene.one, Blame("the backend closed", lasting=True))
    scene.pass_time(1.2)

    assert scene.endpoints["one"].asked > asked


def test_a_change_of_the_fleet_keeps_what_is_known_of_those_that_stay(scene):
    scene.watch.start()
    scene.pass_time(2.5)
    three = Backend("three", "h", 80, tls=False)
    scene.endpoints["three"] = Refusing()
    scene.pool.replace((scene.one, three))
    scene.watch.replace(HealthRules(fall=1))
    scene.pass_time(0.1)

    assert not scene.watch.health(scene.one).up
    assert scene.events[-1] == ("three", False)
    asked = scene.endpoints["two"].asked
    scene.pass_time(9.0)
    assert scene.endpoints["two"].asked == asked


def test_a_stopped_watch_leaves_nothing_behind(scene):
    scene.watch.start()
    scene.pass_time(2.5)
    scene.watch.stop()

    assert scene.clock.getDelayedCalls() == []
