"""Pieces are cut where somebody wants, and chunks made anew where somebody must."""

from __future__ import annotations

from support.network import CONNECTION, answer, conversation, payload_of, request, stream

from mapiproxy.lab.network.pieces import Piece, Place, rechunked


def test_cut_payload_counts_its_offset() -> None:
    first, rest = Piece(b"abcdef", Place(CONNECTION, "in_binary", offset=10), b"abcdef").split(4)
    assert (first.data, first.place.offset, rest.data, rest.place.offset) == (b"abcd", 10, b"ef", 14)
    assert stream(b"ab").split(9)[1].data == b""


def test_framing_keeps_its_payload_in_one_piece() -> None:
    first, rest = Piece(b"PEN\r\n4\r\nDING", Place(CONNECTION, "pending"), b"PENDING").split(3)
    assert (first.payload, rest.payload, first.data + rest.data) == (b"PENDING", b"", b"PEN\r\n4\r\nDING")


def test_other_chunks_with_the_same_payload() -> None:
    _, items = conversation(request(), answer(pendings=2))
    again = b"".join(rechunked(item).data for item in items)
    assert payload_of(again) == payload_of(answer(pendings=2))
