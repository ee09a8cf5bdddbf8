"""lower_case_headers: names only."""

from __future__ import annotations

from support.network import LaneUnderTest, conversation, request


def test_names_are_in_lower_case_and_values_are_not() -> None:
    lane = LaneUnderTest({"fault": "lower_case_headers"}, direction="to_server")
    lane.put(*conversation(request("Execute"), b"")[0])
    assert b"\r\nx-requesttype: Execute\r\ncontent-type: application/mapi-http\r\n" in lane.data
    assert lane.data.startswith(b"POST /mapi/emsmdb/?MailboxId=")
