"""RTS PDUs: sizes as MS-RPCH and the reference give them, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapiproxy.lab.rts import (
    A1,
    A3,
    B1,
    C2,
    ECHO,
    ECHO_BODY,
    BadPdu,
    Pdu,
    conn_a1,
    conn_a3,
    conn_b1,
    conn_c2,
    take_pdu,
)

ONE, TWO, THREE = (bytes([each]) * 16 for each in (1, 2, 3))


@pytest.mark.parametrize(
    ("pdu", "size", "shape"),
    [
        (conn_a1(ONE, TWO), 76, A1),
        (conn_b1(ONE, TWO, THREE), 104, B1),
        (conn_a3(120_000), 28, A3),
        (conn_c2(120_000), 44, C2),
        (ECHO, 20, ()),
    ],
)
def test_sizes_are_those_of_windows_and_reading_gives_back_what_was_written(
    pdu: Pdu, size: int, shape: tuple[int, ...]
) -> None:
    assert len(pdu.raw) == size
    assert pdu.shape == shape
    buffer = bytearray(pdu.raw + b"rest")
    assert take_pdu(buffer) == pdu
    assert buffer == b"rest"


def test_the_first_pdu_byte_for_byte() -> None:
    assert conn_a1(ONE, TWO).raw == bytes.fromhex(
        "05001403 10000000 4c000000 00000000 00000400"
        "06000000 01000000"
        "03000000 01010101010101010101010101010101"
        "03000000 02020202020202020202020202020202"
        "00000000 00000100"
    )
    assert ECHO.raw.hex() == "0500140310000000140000000000000040000000"
    assert len(ECHO_BODY) == 4


def test_a_pdu_that_is_not_complete_is_left() -> None:
    raw = conn_b1(ONE, TWO, THREE).raw
    for size in range(len(raw)):
        buffer = bytearray(raw[:size])
        assert take_pdu(buffer) is None
        assert buffer == raw[:size]


@pytest.mark.parametrize(
    "raw",
    [
        b"\x05\x00\x0b" + ECHO.raw[3:],  # a bind
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        ECHO.raw[:8] + b"\x13\x00" + ECHO.raw[10:],
        ECHO.raw[:8] + b"\xff\xff" + ECHO.raw[10:],
        ECHO.raw[:18] + b"\x01\x00",
        ECHO.raw[:8] + b"\x18\x00" + ECHO.raw[10:] + b"\0\0\0\0",
        Pdu(0, ((8, b"\0\0\0\0"),)).raw,
        Pdu(0, ((3, b"\0" * 15),)).raw,
    ],
)
def test_other_bytes_are_refused(raw: bytes) -> None:
    with pytest.raises(BadPdu):
        take_pdu(bytearray(raw))


@given(st.binary(max_size=120), st.integers(0, 75))
def test_noise_is_a_pdu_or_refused(noise: bytes, at: int) -> None:
    raw = conn_a1(ONE, TWO).raw
    buffer = bytearray(raw[:at] + noise)
    before = len(buffer)
    try:
        pdu = take_pdu(buffer)
    except BadPdu:
        return
    assert pdu is None or len(pdu.raw) == before - len(buffer)
