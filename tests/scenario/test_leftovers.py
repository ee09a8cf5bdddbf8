"""A scenario leaves nothing behind, and would be found out if it did."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.scenarios import FRAME, play, scenario, step
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import LoopingCall

from mapiproxy.lab.virtual import VirtualReactor
from mapiproxy.scenario.playing import play as play_on
from mapiproxy.scenario.stage import Stage

BAD = FRAME + '[[device]]\nname = "wan"\nplace = "client-side"\n[[device]]\nname = "core"\nplace = "server-side"\n'


def test_everything_is_reverted_whatever_was_going_on() -> None:
    """Frozen servers, holes in the network, sleeping people, steps that wait: all at the end at once."""
    steps = (
        step("10s", "fault", device='"wan"', rule='{fault = "half_open"}', lasting='"10m"')
        + step("20s", "fault", device='"core"', rule='{fault = "stall"}')
        + step("30s", "freeze", server='"all"', lasting='"10m"')
        + step("40s", "hibernate", lasting='"10m"')
        + step("50s", "crash", server='"mbx2"', lasting='"10m"')
        + step("55s", "drain", server='"mbx1"', deadline='"1h"')
    )
    for kind in ("exchange", "grommunio"):
        played = play(steps, kind, BAD)
        assert played.error is None
        assert played.facts["left"] == []
        assert played.facts["left_open"] == 0


def test_after_an_error_as_well() -> None:
    played = play(step("10s", "lose_proxy"))

    assert played.error is not None
    assert played.facts["left"] == []


def test_what_is_left_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    reactor = VirtualReactor()
    plain = Stage.set_up

    def set_up(self: Stage) -> None:
        plain(self)
        reactor.listenTCP(4711, Factory.forProtocol(Protocol), interface="127.0.0.1")
        forgotten = LoopingCall(lambda: None)
        forgotten.clock = reactor
        forgotten.start(1.0)

    monkeypatch.setattr(Stage, "set_up", set_up)
    played = reactor.run(
        play_on(scenario(), "exchange", reactor, tmp_path, wall=reactor.seconds, free_port=reactor.free_port,
                mode="virtual"),
        limit=20_000,
    )  # fmt: skip

    assert "somebody listens on 127.0.0.1:4711" in played.facts["left"]
    assert any("LoopingCall" in each for each in played.facts["left"])
    assert not played.ok
    assert "left_open" in [finding.name for finding in played.failed]
