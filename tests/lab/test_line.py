"""One connection of the client over a fake transport: pieces, and how far a request had got."""

from __future__ import annotations

import pytest
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransportWithDisconnection
from twisted.python.failure import Failure

from mapiproxy.lab.errors import AnswerLost, BadAnswer, NotSent
from mapiproxy.lab.line import LARGEST, ClientLine, Received

HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/mapi-http\r\nTransfer-Encoding: chunked\r\n\r\n"
)
ANSWER = HEAD + b"12\r\nPROCESSING\r\nDONE\r\n\r\n2\r\n\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
LARGE = bytes(200_000)


class Transport(StringTransportWithDisconnection):
    def setTcpNoDelay(self, on: bool) -> None: ...

    def abortConnection(self) -> None:
        self.loseConnection()


class Play:
    """A line, its clock and what came of the last request."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.line = ClientLine(1, self.clock, 60)
        self.transport = Transport()
        self.transport.protocol = self.line
        self.line.makeConnection(self.transport)
        self.results: list[object] = []

    def ask(self, raw: bytes = b"request") -> None:
        self.line.ask(b"POST", raw).addBoth(
            lambda result: self.results.append(
                result.value if isinstance(result, Failure) else result
            )
        )


def test_an_answer_is_read_at_every_cut_and_timed() -> None:
    for cut in range(1, len(ANSWER)):
        play = Play()
        play.ask()
        play.clock.advance(1)
        play.line.dataReceived(ANSWER[:cut])
        play.clock.advance(1)
        play.line.dataReceived(ANSWER[cut:])
        (received,) = play.results
        assert isinstance(received, Received)
        assert received.inner is not None
        assert bytes(received.inner.binary) == b"abc"
        assert (received.first_at, received.ended_at) == (1, 2)
        assert play.line.idle


@pytest.mark.parametrize(
    ("came", "begun"), [(b"", False), (HEAD[:20], False), (HEAD + b"c\r\nPROC", True)]
)
def test_a_loss_after_the_request_was_handed_over_leaves_the_outcome_unknown(
    came: bytes, begun: bool
) -> None:
    play = Play()
    play.ask()
    if came:
        play.line.dataReceived(came)
    play.line.connectionLost(Failure(ConnectionLost()))
    (error,) = play.results
    assert isinstance(error, AnswerLost)
    assert error.begun == begun


def test_a_loss_while_a_large_request_waits_for_room_is_not_sent() -> None:
    play = Play()
    play.transport.write = lambda data: play.line.pauseProducing()  # type: ignore[method-assign]
    play.ask(LARGE)
    play.line.connectionLost(Failure(ConnectionLost()))
    assert isinstance(play.results[0], NotSent)


def test_a_large_request_goes_out_whole_in_pieces() -> None:
    play = Play()
    play.ask(LARGE)
    assert play.transport.value() == LARGE
    assert play.transport.producer is None


def test_silence_and_garbage_end_the_connection() -> None:
    play = Play()
    play.ask()
    play.clock.advance(61)
    assert isinstance(play.results[0], AnswerLost)
    assert not play.line.alive
    play = Play()
    play.ask()
    play.line.dataReceived(b"no answer\r\n\r\n")
    assert isinstance(play.results[0], BadAnswer)
    assert not play.line.alive


def test_an_answer_without_an_end_is_not_kept_in_memory_for_ever() -> None:
    play = Play()
    play.ask()
    play.line.dataReceived(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
    for _ in range((LARGEST >> 20) + 1):
        play.line.dataReceived(bytes(1 << 20))
        if not play.line.alive:
            break
    (error,) = play.results
    assert isinstance(error, BadAnswer)
    assert str(error) == f"connection 1: an answer is longer than {LARGEST} bytes"


def test_bytes_that_nobody_asked_for_end_the_connection() -> None:
    play = Play()
    play.line.dataReceived(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
    assert not play.line.alive


def test_a_line_that_is_gone_says_not_sent() -> None:
    play = Play()
    play.line.close()
    play.ask()
    assert isinstance(play.results[0], NotSent)


@pytest.mark.parametrize(
    ("came", "what"),
    [(b"\0\0\x12\x04\0\0\0\0\0" + bytes(18), "what came is HTTP/2"), (b"220 mail ESMTP\r\n", "what came is no HTTP")],
)
def test_another_protocol_is_given_up_at_its_first_bytes(came: bytes, what: str) -> None:
    play = Play()
    play.ask()
    play.line.dataReceived(came)
    (error,) = play.results
    assert isinstance(error, BadAnswer)
    assert what in str(error)
    assert play.clock.getDelayedCalls() == []


def test_how_the_tls_handshake_ended_is_told_once() -> None:
    play = Play()
    told: list[object] = []
    play.line.secured.addCallback(told.append)
    play.line.handshakeCompleted()
    play.line.connectionLost(Failure(ConnectionLost()))
    assert told == [None]

    play = Play()
    play.line.secured.addCallback(told.append)
    play.line.connectionLost(Failure(ConnectionLost()))
    assert isinstance(told[1], ConnectionLost)
    assert play.line.certificate is None
