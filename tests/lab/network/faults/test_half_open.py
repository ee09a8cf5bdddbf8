"""half_open: one direction dies."""

from __future__ import annotations

import pytest
from support.network import FIN, LaneUnderTest, answer, conversation, request, stream

from mapiproxy.lab.network.reading import BadRule
from mapiproxy.lab.network.rule import parse_rule


def test_from_its_phase_on_everything_of_the_direction_is_swallowed() -> None:
    lane = LaneUnderTest({"fault": "half_open", "phase": "pending", "pending": 2})
    lane.put(*conversation(request("NotificationWait"), answer(pendings=3))[1])
    lane.put(stream(b"more"), FIN)
    assert lane.data.count(b"PENDING") == 1
    assert b"DONE" not in lane.data
    assert lane.data.endswith(b"9\r\n")


def test_it_has_one_direction() -> None:
    with pytest.raises(BadRule, match="half_open: direction"):
        parse_rule({"fault": "half_open", "direction": "both"})
