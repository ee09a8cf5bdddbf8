"""Time that passes faster, on a clock that a test moves."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.error import AlreadyCancelled
from twisted.internet.interfaces import IReactorTCP, IReactorTime
from twisted.internet.protocol import ClientFactory
from twisted.internet.testing import MemoryReactorClock

from mapiproxy.lab.faster import FasterReactor


def test_time_passes_faster_and_calls_come_when_they_are_due() -> None:
    real = MemoryReactorClock()
    real.advance(100.0)
    lab = FasterReactor(real, 20.0)
    heard: list[float] = []
    call = lab.callLater(60.0, lambda: heard.append(lab.seconds()))
    assert call.getTime() == pytest.approx(160.0)
    real.advance(2.9)
    assert heard == []
    real.advance(0.1)
    assert heard == [pytest.approx(160.0)]
    assert not call.active()


def test_calls_are_moved_in_the_labs_time() -> None:
    real = MemoryReactorClock()
    lab = FasterReactor(real, 10.0)
    heard: list[str] = []
    put_off = lab.callLater(10.0, heard.append, "put off")
    delayed = lab.callLater(10.0, heard.append, "delayed")
    never = lab.callLater(10.0, heard.append, "never")
    put_off.reset(30.0)
    delayed.delay(10.0)
    never.cancel()
    real.advance(2.0)
    assert heard == ["delayed"]
    real.advance(1.0)
    assert heard == ["delayed", "put off"]
    with pytest.raises(AlreadyCancelled):
        never.cancel()


def test_attempts_to_connect_get_real_time_enough() -> None:
    real = MemoryReactorClock()
    lab = FasterReactor(real, 20.0)
    for timeout in (10.0, 100.0):
        lab.connectTCP("127.0.0.1", 1, ClientFactory(), timeout=timeout)
    assert [client[3] for client in real.tcpClients] == [1.0, 5.0]


def test_the_rest_is_the_real_ones() -> None:
    real = MemoryReactorClock()
    lab: Any = FasterReactor(real, 2.0)
    assert IReactorTCP.providedBy(lab)
    assert IReactorTime.providedBy(lab)
    lab.listenTCP(8443, object(), interface="127.0.0.1")
    assert real.tcpServers[0][0] == 8443


def test_time_does_not_stand_still() -> None:
    with pytest.raises(ValueError, match="0 times"):
        FasterReactor(MemoryReactorClock(), 0.0)
