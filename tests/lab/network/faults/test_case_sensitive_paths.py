"""case_sensitive_paths: the right case or 404."""

from __future__ import annotations

import pytest
from support.network import LaneUnderTest, conversation, request


@pytest.mark.parametrize(("target", "refused"), [("/mapi/emsmdb/", False), ("/MAPI/emsmdb/", True), ("/Other/", False)])
def test_only_the_case_counts(target: str, refused: bool) -> None:
    lane = LaneUnderTest({"fault": "case_sensitive_paths"}, direction="to_server")
    lane.put(*conversation(request(target=target), b"")[0])
    assert (lane.data == b"") == refused
