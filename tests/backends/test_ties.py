"""Session to backend: bounded, expiring, refreshed by use, held while a call runs (M6)."""

from __future__ import annotations

from mapiproxy.backends.ties import Ties


def test_a_tie_is_found_until_its_time_is_up():
    ties = Ties()
    ties.tie(b"s", "one", 10.0)

    assert ties.find(b"s", 10.0) == "one"
    assert ties.find(b"s", 10.1) is None
    assert len(ties) == 0
    assert ties.find(b"other", 0.0) is None


def test_an_answer_refreshes_and_never_shortens():
    """X-ExpirationInfo of a Connect is shorter than what the server really allows."""
    ties = Ties()
    ties.tie(b"s", "one", 100.0)
    ties.tie(b"s", "one", 50.0)

    assert ties.find(b"s", 90.0) == "one"


def test_a_session_that_shows_up_elsewhere_lives_there_from_then_on():
    ties = Ties()
    ties.tie(b"s", "one", 100.0)
    ties.begin(b"s")
    ties.tie(b"s", "two", 50.0)

    assert ties.find(b"s", 60.0) == "two"
    ties.finish(b"s")
    assert ties.find(b"s", 60.0) is None


def test_beyond_the_limit_the_least_recently_used_goes():
    ties = Ties(limit=2)
    ties.tie(b"a", "one", 100.0)
    ties.tie(b"b", "one", 100.0)
    ties.tie(b"a", "one", 100.0)
    ties.tie(b"c", "one", 100.0)

    assert [ties.find(key, 0.0) for key in (b"a", b"b", b"c")] == ["one", None, "one"]
    assert ties.evicted == 1


def test_while_a_call_runs_its_session_does_not_expire():
    ties = Ties()
    ties.tie(b"s", "one", 1.0)
    ties.begin(b"s")
    ties.begin(b"s")
    ties.finish(b"s")

    assert ties.find(b"s", 300.0) == "one"
    assert ties.expire_some(300.0) == 0
    ties.finish(b"s")
    assert ties.find(b"s", 300.0) is None


def test_a_call_of_an_unknown_session_leaves_no_trace():
    ties = Ties()
    ties.begin(b"s")
    ties.finish(b"s")
    ties.finish(b"s")
    ties.untie(b"s")

    assert len(ties) == 0


def test_the_sweep_looks_at_so_many_and_no_more():
    ties = Ties()
    for number in range(10):
        ties.tie(b"%d" % number, "one", 1.0)

    assert ties.expire_some(2.0, most=4) == 4
    assert len(ties) == 6
    assert ties.expire_some(2.0) == 6
