"""The preamble of an answer, in the shapes that real servers send (reference 5.2)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapiproxy.backends.kind import Kind
from mapiproxy.mapi.pulse import Pulse

TIMES = b"X-ElapsedTime: 12\r\nX-StartTime: Mon, 05 Jan 2026 08:00:00 GMT\r\n"
BINARY = bytes.fromhex("00000000 00000000 01000000 00000000")
#: Name -> payload, PENDINGs, late code, elapsed, done.
SHAPES = {
    "A PING": (b"PROCESSING\r\nDONE\r\n" + TIMES + b"\r\n", 0, None, 12, True),
    "B Connect": (b"PROCESSING\r\nDONE\r\n" + TIMES + b"\r\n" + BINARY, 0, None, 12, True),
    "C wait": (b"PROCESSING\r\nPENDING\r\nPENDING\r\nDONE\r\n" + TIMES + b"\r\n" + BINARY, 2, None, 12, True),
    "D late failure": (b"PROCESSING\r\nDONE\r\nX-ResponseCode: 1\r\nContent-Type: text/html\r\n" + TIMES
                       + b"\r\n<p>made up</p>", 0, 1, 12, True),
    "E grommunio wait": (b"PROCESSING\r\nPENDINGPENDINGPROCESSING\r\nDONE\r\n" + TIMES + b"\r\n" + BINARY, 2, None, 12,
                         True),
    "spec sample": (b"processing\r\nDone\r\nx-responsecode: 0\r\n" + TIMES + b"\r\n", 0, 0, 12, True),
    "nothing after DONE": (b"PROCESSING\r\nDONE\r\n\r\n" + BINARY, 0, None, None, True),
    "words in the binary": (b"PROCESSING\r\nDONE\r\n\r\nPENDING\r\nDONE\r\nX-ResponseCode: 9\r\n\r\n", 0, None, None, True),
    "cut": (b"PROCESSING\r\nPENDING\r\n", 1, None, None, False),
    "html": (b"<!DOCTYPE HTML>\r\nPENDING\r\n", 0, None, None, False),
    "binary": (BINARY + b"\r\nPENDING\r\n", 0, None, None, False),
    "empty": (b"", 0, None, None, False),
}  # fmt: skip


def watch(pieces) -> tuple:
    pulse = Pulse()
    for piece in pieces:
        pulse.feed(piece)
    return pulse.beats, pulse.code, pulse.elapsed, pulse.done


@pytest.mark.parametrize("name", SHAPES)
def test_each_shape_is_read_whole_byte_by_byte_and_at_each_cut(name):
    payload, *expected = SHAPES[name]

    assert watch([payload]) == tuple(expected)
    assert watch(payload[at : at + 1] for at in range(len(payload))) == tuple(expected)
    for cut in range(1, len(payload)):
        assert watch([payload[:cut], payload[cut:]]) == tuple(expected), cut


def test_grommunios_bare_pendings_are_counted_as_they_come():
    """It sends 7 bytes and no line end; the operator wants to see them now."""
    pulse = Pulse()
    pulse.feed(b"PROCESSING\r\n")
    for number in range(1, 4):
        pulse.feed(b"PENDING")
        assert pulse.beats == number


def test_after_done_nothing_more_is_wanted():
    pulse = Pulse()
    pulse.feed(b"PROCESSING\r\nDONE\r\n\r\n")

    assert pulse.over
    pulse.feed(b"PENDING\r\n")
    assert pulse.beats == 0


def test_what_is_no_preamble_is_given_up_soon():
    for junk in (b"x" * 20_000, b"PENDIN" * 4000):
        pulse = Pulse()
        for at in range(0, len(junk), 1000):
            pulse.feed(junk[at : at + 1000])
        assert pulse.over
        assert not pulse.done


def test_elapsed_time_is_in_milliseconds_whatever_the_server_counts_in():
    pulse = Pulse()
    pulse.feed(b"DONE\r\nX-ElapsedTime: 61\r\n\r\n")

    assert pulse.elapsed_ms(Kind.EXCHANGE) == 61
    assert pulse.elapsed_ms(Kind.GROMMUNIO) == 61_000
    assert Pulse().elapsed_ms(Kind.EXCHANGE) is None


@given(
    st.lists(st.sampled_from([b"PROCESSING\r\n", b"PENDING\r\n", b"PENDING", b"PROCESSING"]), max_size=8),
    st.sampled_from([b"", b"X-ResponseCode: 10\r\n", TIMES]),
    st.binary(max_size=20),
    st.lists(st.integers(1, 60), max_size=6),
)
def test_the_short_cut_and_the_long_way_agree(words, after, binary, cuts):
    payload = b"".join(words) + b"DONE\r\n" + after + b"\r\n" + binary
    places = sorted({min(cut, len(payload)) for cut in cuts})
    pieces = [payload[a:b] for a, b in zip([0, *places], [*places, len(payload)], strict=True)]

    assert watch([payload]) == watch(pieces)
    assert watch([payload])[0] == sum(word.count(b"PENDING") for word in words)
