"""path_filter: which paths get through."""

from __future__ import annotations

import pytest
from support.network import LaneUnderTest, conversation, request

from mapiproxy.lab.network.pieces import Reply


@pytest.mark.parametrize(
    ("settings", "target", "refused"),
    [
        ({"deny": ["/mapi"]}, "/MAPI/emsmdb/?MailboxId=a", True),
        ({"deny": ["/mapi"]}, "/rpc/rpcproxy.dll", False),
        ({"allow": ["/owa/", "/autodiscover/"]}, "/Autodiscover/Autodiscover.xml", False),
        ({"allow": ["/owa/"]}, "/mapi/nspi/", True),
    ],
)
def test_by_their_beginning(settings: dict[str, object], target: str, refused: bool) -> None:
    lane = LaneUnderTest({"fault": "path_filter", **settings}, direction="to_server")
    raw = request(target=target)
    lane.put(*conversation(raw, b"")[0])
    replies = [item for _, item in lane.left if isinstance(item, Reply)]
    assert (len(replies) == 1) == refused
    assert lane.data == (b"" if refused else raw)
    if refused:
        assert replies[0].raw.startswith(b"HTTP/1.1 403 Forbidden\r\n")
