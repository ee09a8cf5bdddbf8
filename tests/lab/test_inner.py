"""The text before an answer's binary, whole and cut everywhere; the shapes of reference 5.2."""

from __future__ import annotations

import pytest

from mapiproxy.lab.errors import BadAnswer
from mapiproxy.lab.inner import InnerReader

TIMES = b"X-ElapsedTime: 61\r\nX-StartTime: Mon, 05 Jan 2026 08:00:00 GMT\r\n"
BINARY = b"DONE\r\n\r\nPENDING\x00"

CASES = {
    "exchange wait": (
        b"PROCESSING\r\nPENDING\r\nPENDING\r\nDONE\r\n" + TIMES + b"\r\n" + BINARY,
        (2, None, BINARY),
    ),
    "grommunio wait": (
        b"PROCESSING\r\nPENDINGPENDINGPROCESSING\r\nDONE\r\n" + TIMES + b"\r\n" + BINARY,
        (2, None, BINARY),
    ),
    "late failure": (
        b"PROCESSING\r\nDONE\r\nX-ResponseCode: 1\r\n" + TIMES + b"\r\n<p>made up</p>\r\n",
        (0, 1, b"<p>made up</p>\r\n"),
    ),
    "no headers, no binary, small letters": (b"processing\r\ndone\r\n\r\n", (0, None, b"")),
}


def read(pieces: list[bytes]) -> tuple[int, int | None, bytes]:
    reader = InnerReader()
    for piece in pieces:
        reader.feed(piece)
    assert reader.done
    return reader.pulses, reader.late_code, bytes(reader.binary)


@pytest.mark.parametrize("name", CASES)
def test_whole_byte_by_byte_and_cut_everywhere(name: str) -> None:
    data, expected = CASES[name]
    assert read([data]) == expected
    assert read([data[at : at + 1] for at in range(len(data))]) == expected
    for cut in range(len(data)):
        assert read([data[:cut], data[cut:]]) == expected


def test_each_word_is_told_when_it_comes() -> None:
    words: list[str] = []
    reader = InnerReader(words.append)
    reader.feed(b"PROCESSING\r\nPEND")
    assert words == ["PROCESSING"]
    reader.feed(b"ING")
    assert words == ["PROCESSING", "PENDING"]


@pytest.mark.parametrize("data", [b"<html>", b"PROCESSING\r\nX", b"DONT\r\n"])
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(BadAnswer):
        InnerReader().feed(data)
