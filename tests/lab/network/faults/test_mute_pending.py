"""mute_pending: all but PENDING."""

from __future__ import annotations

import pytest
from support.network import (
    LaneUnderTest,
    answer,
    conversation,
    gromox_answer,
    payload_of,
    plain_answer,
    request,
)


@pytest.mark.parametrize(("raw", "word"), [(answer(pendings=3), b"PENDING\r\n"), (gromox_answer(pendings=3), b"PENDING")])
def test_the_rest_is_a_well_formed_answer(raw: bytes, word: bytes) -> None:
    lane = LaneUnderTest({"fault": "mute_pending"})
    lane.put(*conversation(request("NotificationWait"), raw)[1])
    assert payload_of(lane.data) == payload_of(raw).replace(word, b"")


def test_from_the_second_on() -> None:
    lane = LaneUnderTest({"fault": "mute_pending", "first": 2})
    lane.put(*conversation(request("NotificationWait"), answer(pendings=3))[1])
    assert payload_of(lane.data).count(b"PENDING") == 1


def test_an_answer_with_a_length_is_left_alone() -> None:
    lane = LaneUnderTest({"fault": "mute_pending"})
    lane.put(*conversation(request(), plain_answer())[1])
    assert lane.data == plain_answer()
