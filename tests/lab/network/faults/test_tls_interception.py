"""tls_interception: an order before the handshake; the certificate itself is in test_tls.py."""

from __future__ import annotations

from support.network import CONNECTION, LaneUnderTest

from mapiproxy.lab.network.pieces import Piece, Place, Present


def test_a_stranger_is_shown() -> None:
    lane = LaneUnderTest({"fault": "tls_interception"}, direction="to_server")
    tls = Piece(b"", Place(CONNECTION, "tls"))
    lane.put(Piece(b"", Place(CONNECTION, "connect")), tls)
    assert [item for _, item in lane.left][1:] == [Present("stranger"), tls]
