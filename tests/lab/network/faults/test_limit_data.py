"""limit_data: so many bytes, then the end."""

from __future__ import annotations

import pytest
from support.network import LaneUnderTest, stream

from mapiproxy.lab.network.pieces import Cut


@pytest.mark.parametrize("parts", [[b"0123456789"], [b"01", b"234", b"56"], [b"01234"]])
def test_so_many_bytes_pass_and_no_more(parts: list[bytes]) -> None:
    lane = LaneUnderTest({"fault": "limit_data", "size": 5})
    lane.put(*map(stream, parts))
    assert lane.data == b"01234"
    assert lane.cuts == [(0.0, Cut("close", "both"))]
