"""What the sessions of one Outlook share."""

from __future__ import annotations

import random
import re

from support.outlooks import Place, own

from mapiproxy.lab.happening import tell_nobody
from mapiproxy.lab.outlook.desk import guid_of


def test_guids_come_from_the_chance_that_is_given() -> None:
    first, second = guid_of(random.Random(1)), guid_of(random.Random(1))
    assert first == second != guid_of(random.Random(2))
    assert re.fullmatch(r"\{[0-9A-F]{8}-[0-9A-F]{4}-4[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}\}", first)


def test_nothing_is_made_for_nobody_to_hear() -> None:
    place = Place()
    desk = own(place.started()).desk
    told = len(place.told)
    desk.happened(1.0, "u00001", "state", "starts")
    assert len(place.told) == told + 1
    desk.tell = tell_nobody
    desk.happened(1.0, "u00001", "state", "starts")
    assert len(place.told) == told + 1


def test_a_desk_shows_no_secret() -> None:
    place = Place()
    desk = own(place.started()).desk
    assert "Basic" not in repr(desk)
    assert desk.who == "u00001"
    times = [desk.mean(10.0) for _ in range(500)]
    assert 8.0 < sum(times) / len(times) < 12.0
    assert {desk.count((2, 4)) for _ in range(100)} == {2, 3, 4}
