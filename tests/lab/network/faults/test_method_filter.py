"""method_filter: which methods get through."""

from __future__ import annotations

import pytest
from support.network import LaneUnderTest, conversation, request

from mapiproxy.lab.network.pieces import Reply


@pytest.mark.parametrize(("method", "refused"), [("POST", False), ("GET", False), ("RPC_IN_DATA", True), ("OPTIONS", True)])
def test_outlook_anywhere_suffers(method: str, refused: bool) -> None:
    lane = LaneUnderTest({"fault": "method_filter", "status": 405}, direction="to_server")
    lane.put(*conversation(request(method=method), b"")[0])
    replies = [item for _, item in lane.left if isinstance(item, Reply)]
    assert bool(replies) == refused
    if refused:
        assert replies[0].raw.startswith(b"HTTP/1.1 405 ")
