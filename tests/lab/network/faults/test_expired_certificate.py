"""expired_certificate: an order before the handshake; the certificate itself is in test_tls.py."""

from __future__ import annotations

from support.network import CONNECTION, LaneUnderTest

from mapiproxy.lab.network.pieces import Piece, Place, Present


def test_an_expired_one_is_shown() -> None:
    lane = LaneUnderTest({"fault": "expired_certificate"}, direction="to_server")
    tls = Piece(b"", Place(CONNECTION, "tls"))
    lane.put(tls)
    assert [item for _, item in lane.left] == [Present("expired"), tls]
