"""The table of sessions: bounded, expiring, refreshed, and never dropping one that is in use."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mapiproxy.backends.sessions import Sessions, State

GUID = ("emsmdb", b"{guid}", "a@b")


def learn(table: Sessions, key: bytes, backend: str = "one", until: float = 100.0, now: float = 0.0, **more):
    return table.learn(key, backend, "emsmdb", until, now, **more)


def test_a_session_is_known_until_its_time_is_over():
    table = Sessions()
    session = learn(table, b"s")

    assert table.find(b"s", 100.0) is session
    assert table.find(b"s", 100.1) is None
    assert len(table) == table.at("one") == 0


def test_a_session_in_use_does_not_expire():
    table = Sessions()
    session = learn(table, b"s")
    session.calls += 1

    assert table.expire_some(500.0) == 0
    assert table.find(b"s", 500.0) is session
    session.calls -= 1
    assert table.expire_some(500.0) == 1


def test_an_answer_refreshes_and_never_shortens():
    table = Sessions()
    session = learn(table, b"s", until=100.0)
    learn(table, b"s", until=50.0, now=9.0)

    assert session.until == 100.0
    assert session.used == 9.0


def test_a_session_that_moves_is_counted_where_it_is():
    table = Sessions()
    session = learn(table, b"s")
    learn(table, b"s", "two")

    assert (session.backend, session.moves, table.moved) == ("two", 1, 1)
    assert (table.at("one"), table.at("two")) == (0, 1)


def test_a_cookie_that_changes_with_each_answer_stays_one_session():
    """Reference 4.2: the value of MapiContext is to be treated as changeable."""
    table = Sessions()
    session = learn(table, b"0")
    for number in range(1, 50):
        assert learn(table, b"%d" % number, old=session) is session

    assert len(table) == 1
    assert table.find(b"49", 1.0) is table.find(b"48", 1.0) is session
    assert table.find(b"20", 1.0) is None


def test_a_disowned_session_is_remembered_as_gone_and_not_listed():
    table = Sessions()
    learn(table, b"s")
    table.disown(b"s", "one", "emsmdb", 100.0, 1.0)

    assert table.find(b"s", 2.0).state is State.GONE
    assert list(table) == []


def test_what_is_told_of_all_sessions_is_told_of_those_that_are_not_gone():
    table = Sessions()
    for number in range(12):
        learn(table, b"%d" % number, f"server{number % 3}", until=100.0 + number)
    table.disown(b"4", "server1", "emsmdb", 100.0, 1.0)
    table.find(b"5", 1.0).state = State.KILLED

    assert table.live == len(list(table)) == 10
    assert len(table) == 12
    assert table.ends() == {
        "server0": [100.0, 103.0, 106.0, 109.0], "server1": [101.0, 107.0, 110.0], "server2": [102.0, 108.0, 111.0],
    }  # fmt: skip


def test_only_its_own_backend_can_disown_a_session():
    """Another one has every reason not to know it."""
    table = Sessions()
    learn(table, b"s", "one")
    table.disown(b"s", "two", "emsmdb", 100.0, 1.0)

    assert table.find(b"s", 2.0).state is State.LIVE


def test_a_session_that_was_never_seen_can_be_known_as_gone():
    table = Sessions()
    table.disown(b"s", "one", "emsmdb", 100.0, 1.0)

    assert table.find(b"s", 2.0).state is State.GONE


def test_a_good_answer_brings_a_session_back():
    table = Sessions()
    table.disown(b"s", "one", "emsmdb", 100.0, 1.0)
    learn(table, b"s")

    assert table.find(b"s", 2.0).state is State.LIVE


def test_a_clients_guid_finds_its_latest_session_alone():
    table = Sessions()
    first, second = learn(table, b"s"), learn(table, b"t")
    table.know_client(first, GUID)
    table.know_client(second, GUID)
    table.drop(first)

    assert table.find_client(GUID, 1.0) is second
    table.drop(second)
    assert table.find_client(GUID, 1.0) is None


def test_the_guid_of_a_session_that_is_gone_finds_nothing():
    table = Sessions()
    table.know_client(learn(table, b"s"), GUID)
    table.disown(b"s", "one", "emsmdb", 100.0, 1.0)

    assert table.find_client(GUID, 1.0) is None


def test_beyond_its_limit_the_least_recently_used_go():
    table = Sessions(limit=2)
    for key in (b"a", b"b", b"a", b"c"):
        learn(table, key)

    assert table.find(b"b", 1.0) is None
    assert table.find(b"a", 1.0) is not None
    assert table.evicted == 1


def test_people_find_a_session_by_the_beginning_of_its_id():
    table = Sessions()
    session = learn(table, b"\x7f\x3a\x91")

    assert table.find_id("7F3") == [session]
    assert session.id == "7f3a91"


def test_a_sweep_looks_at_no_more_than_it_is_told():
    table = Sessions()
    for number in range(10):
        learn(table, b"%d" % number)

    assert table.expire_some(500.0, most=4) == 4
    assert len(table) == 6


@given(st.lists(st.tuples(
    st.sampled_from(["learn", "move", "drop", "disown", "expire", "renew"]), st.integers(0, 5), st.integers(0, 3),
), max_size=60))  # fmt: skip
def test_counts_and_indexes_agree_whatever_happens(steps):
    table = Sessions(limit=4)
    for now, (what, number, where) in enumerate(steps):
        key, backend = b"%d" % number, f"b{where}"
        if what in ("learn", "move"):
            table.know_client(learn(table, key, backend, now + 10.0, float(now)), ("emsmdb", key, "m"))
        elif what == "renew":
            old = table.find(key, float(now))
            learn(table, b"n%d" % now, backend, now + 10.0, float(now), old=old)
        elif what == "disown":
            table.disown(key, backend, "emsmdb", now + 10.0, float(now))
        elif what == "drop" and (session := table.find(key, float(now))) is not None:
            table.drop(session)
        elif what == "expire":
            table.expire_some(float(now))
        entries = list(table._all.values())
        assert len(entries) <= 4
        assert sum(table.at(f"b{n}") for n in range(4)) == len(entries)
        assert {id(session) for session in table._by_key.values()} == {id(session) for session in entries}
        assert all(id(session) in map(id, entries) for session in table._by_client.values())
