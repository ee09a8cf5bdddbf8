"""Payload and framing of a body, however it is cut."""

from __future__ import annotations

import pytest
from support.splits import splits

from mapiproxy.lab.network.body import BodyBroken, BodyWalker
from mapiproxy.wire.framing import CHUNKED, NOTHING, UNTIL_CLOSE, Length

CHUNKS = b"3\r\nabc\r\n5;name=value\r\ndefgh\r\n0\r\nTrailer: x\r\n\r\n"


def walk(walker: BodyWalker, pieces: list[bytes]) -> tuple[bytes, bytes, int]:
    """Payload, framing, and how many bytes were walked."""
    payload = framing = b""
    for piece in pieces:
        at = 0
        while at < len(piece) and not walker.done:
            end, is_payload = walker.step(piece, at)
            assert end > at
            if is_payload:
                payload += piece[at:end]
            else:
                framing += piece[at:end]
            at = end
    return payload, framing, len(payload) + len(framing)


def test_chunks() -> None:
    for pieces in splits(CHUNKS):
        walker = BodyWalker(CHUNKED)
        payload, framing, walked = walk(walker, pieces)
        assert (payload, walked, walker.done) == (b"abcdefgh", len(CHUNKS), True)
        assert framing == CHUNKS.replace(b"abc", b"").replace(b"defgh", b"")


def test_a_length() -> None:
    walker = BodyWalker(Length(5))
    assert walk(walker, [b"abc", b"defgh"]) == (b"abcde", b"", 5)
    assert walker.done


def test_none_and_until_close() -> None:
    assert BodyWalker(NOTHING).done
    assert BodyWalker(Length(0)).done
    walker = BodyWalker(UNTIL_CLOSE)
    assert walk(walker, [b"abc", b"d"]) == (b"abcd", b"", 4)
    assert not walker.done


@pytest.mark.parametrize("raw", [b"xyz\r\n", b"3\r\nabcdef\r\n", b"1" * 5000])
def test_what_nobody_can_read(raw: bytes) -> None:
    with pytest.raises(BodyBroken):
        walk(BodyWalker(CHUNKED), [raw])
