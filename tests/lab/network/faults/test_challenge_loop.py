"""challenge_loop: 401 again and again."""

from __future__ import annotations

from support.network import LaneUnderTest, conversation, request

from mapiproxy.lab.network.pieces import Reply


def test_credentials_do_not_help() -> None:
    lane = LaneUnderTest({"fault": "challenge_loop", "schemes": ["NTLM", 'Basic realm="x"']}, direction="to_server")
    for headers in ([], ["Authorization: Basic eDp5"]):
        lane.put(*conversation(request(headers=headers), b"")[0])
    replies = [item for _, item in lane.left if isinstance(item, Reply)]
    assert len(replies) == 2
    for reply in replies:
        assert reply.raw.startswith(b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: NTLM\r\nWWW-Authenticate: Basic")
