"""One leg alone: what it keeps of an answer that comes in pieces, and when nothing good will come."""

from __future__ import annotations

import pytest
from twisted.internet.error import ConnectionDone
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from mapiproxy.lab.errors import AnswerLost, BadAnswer
from mapiproxy.lab.leg import Leg


class Plain(StringTransport):
    def setTcpNoDelay(self, wanted: bool) -> None:
        assert wanted


@pytest.fixture
def happened() -> list[int]:
    return []


@pytest.fixture
def leg(happened: list[int]) -> Leg:
    leg = Leg(lambda: happened.append(1))
    leg.makeConnection(Plain())
    leg.ask("RPC_OUT_DATA", b"request")
    return leg


def test_an_answer_in_pieces(leg: Leg, happened: list[int]) -> None:
    assert leg.transport.value() == b"request"
    leg.dataReceived(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 Succ")
    assert leg.head is None
    leg.dataReceived(b"ess\r\nContent-Length: 5\r\n\r\nab")
    assert leg.head is not None
    assert (leg.head.status, leg.body, leg.ended) == (200, b"ab", False)
    leg.sound("it")
    leg.dataReceived(b"cde")
    assert (leg.body, leg.ended) == (b"abcde", True)
    assert len(happened) == 3


def test_lost_before_its_end(leg: Leg, happened: list[int]) -> None:
    leg.dataReceived(b"HTTP/1.1 200 Success\r\nContent-Length: 5\r\n\r\nab")
    leg.connectionLost(Failure(ConnectionDone()))
    assert leg.closed
    assert len(happened) == 2
    with pytest.raises(AnswerLost, match="it was closed") as lost:
        leg.sound("it")
    assert lost.value.begun


def test_lost_after_a_refusal_is_no_loss(leg: Leg) -> None:
    leg.dataReceived(b"HTTP/1.1 503 RPC Error: 5\r\nContent-Length: 5\r\n\r\n")
    leg.connectionLost(Failure(ConnectionDone()))
    leg.sound("it")


def test_nonsense(leg: Leg) -> None:
    leg.dataReceived(b"SMTP ready\r\n\r\n")
    with pytest.raises(BadAnswer, match="it: "):
        leg.sound("it")
