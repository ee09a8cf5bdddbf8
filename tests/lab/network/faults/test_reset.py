"""reset: at a byte, or at a phase."""

from __future__ import annotations

import pytest
from support.network import LaneUnderTest, answer, conversation, request, stream

from mapiproxy.lab.network.pieces import Cut


@pytest.mark.parametrize("parts", [[b"0123456789"], [b"012", b"3456789"], [b"0123", b"456789"], [b"01234", b"56789"]])
def test_so_many_bytes_pass(parts: list[bytes]) -> None:
    lane = LaneUnderTest({"fault": "reset", "after_bytes": 4})
    lane.put(*map(stream, parts))
    assert lane.data == b"0123"
    assert lane.cuts == [(0.0, Cut("reset", "both"))]


def test_it_comes_after_its_delay_and_nothing_passes_meanwhile() -> None:
    lane = LaneUnderTest({"fault": "reset", "delay": "1s", "side": "client"})
    lane.put(stream(b"a"), stream(b"b"))
    assert lane.at(9.0).left == [(1.0, Cut("reset", "client"))]


@pytest.mark.parametrize(
    ("where", "last"),
    [
        ({"phase": "before_answer"}, b""),
        ({"phase": "after_processing"}, b"PROCESSING\r\n\r\n"),
        ({"phase": "pending", "pending": 2}, b"PENDING\r\n\r\n9\r\n"),
        ({"phase": "in_binary", "at": 4}, b"0123"),
        ({"phase": "idle"}, b"0\r\n\r\n"),
    ],
)
def test_the_last_byte_before_each_phase(where: dict[str, object], last: bytes) -> None:
    lane = LaneUnderTest({"fault": "reset", **where})
    lane.put(*conversation(request(), answer(pendings=2))[1])
    assert lane.data[-len(last) :] == last if last else lane.data == b""
    assert lane.cuts == [(0.0, Cut("reset", "both"))]


def test_within_a_request_body() -> None:
    lane = LaneUnderTest({"fault": "reset", "phase": "request_body", "at": 3}, direction="to_server")
    lane.put(*conversation(request(body=b"abcdef"), b"")[0])
    assert lane.data.endswith(b"\r\n\r\nabc")
