"""HTTP/2, refused frame by frame."""

from __future__ import annotations

from support.splits import splits

from mapiproxy.lab.network.devices.h2_refusing import (
    ACK,
    GOAWAY,
    HEADERS,
    PING,
    PREFACE,
    RST_STREAM,
    SETTINGS,
    Refuser,
    frame,
)

TALK = PREFACE + frame(SETTINGS, 0, 0) + frame(PING, 0, 0, b"12345678") + frame(HEADERS, 5, 1, b"\x82") + frame(HEADERS, 5, 3, b"\x82")


def test_each_request_is_refused_however_the_stream_is_cut() -> None:
    wanted = (
        frame(SETTINGS, 0, 0)
        + frame(SETTINGS, ACK, 0)
        + frame(PING, ACK, 0, b"12345678")
        + frame(RST_STREAM, 0, 1, b"\0\0\0\x0d")
        + frame(RST_STREAM, 0, 3, b"\0\0\0\x0d")
    )
    for pieces in splits(TALK):
        refuser = Refuser(whole=False)
        assert b"".join(map(refuser.hear, pieces)) == wanted
        assert (refuser.refused, refuser.over) == (2, False)


def test_the_connection_is_refused_with_the_first_request() -> None:
    refuser = Refuser(whole=True)
    assert refuser.hear(TALK).endswith(frame(GOAWAY, 0, 0, b"\0\0\0\x01\0\0\0\x0d"))
    assert (refuser.refused, refuser.over) == (1, True)
    assert refuser.hear(b"more") == b""


def test_what_is_not_h2_is_sent_away() -> None:
    for raw in (b"GET / HTTP/1.1\r\n", PREFACE + b"\xff\xff\xff\x00\x00\x00\x00\x00\x00"):
        refuser = Refuser(whole=False)
        assert refuser.hear(raw)[-17:][3] == GOAWAY
        assert refuser.over
