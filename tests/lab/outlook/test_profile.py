"""Profiles: who is busier, and how a pace changes them."""

from __future__ import annotations

import pytest

from mapiproxy.lab.outlook.profile import CACHED, ONLINE, PROFILES


def test_whoever_works_online_asks_more_often_and_synchronises_never() -> None:
    assert ONLINE.think < CACHED.think / 10
    assert (ONLINE.send_receive, CACHED.send_receive) == (0.0, 900.0)
    assert PROFILES == {"cached": CACHED, "online": ONLINE}


def test_a_pace_makes_the_user_faster_and_not_the_program() -> None:
    fast = CACHED.paced(10)
    assert (fast.think, fast.send_receive, fast.look_up) == (6.0, 90.0, 30.0)
    assert (fast.gap, fast.backoff_first, fast.periods) == (CACHED.gap, CACHED.backoff_first, CACHED.periods)
    with pytest.raises(ValueError, match="not positive"):
        CACHED.paced(0)
