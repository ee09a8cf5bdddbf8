"""Mail in the lab: numbered by time, told until it is fetched, to whoever is there."""

from __future__ import annotations

from support.lab import ALICE, BOB

from mapiproxy.lab.arrivals import Arrivals


def test_messages_are_numbered_by_milliseconds_and_never_alike() -> None:
    arrivals = Arrivals()
    assert [arrivals.arrive(ALICE, now) for now in (1.5, 1.5, 1.4, 2.0)] == [1500, 1501, 1502, 2000]


def test_mail_is_told_until_it_is_fetched_and_to_each_reader() -> None:
    arrivals = Arrivals()
    for reader in (ALICE, BOB):
        arrivals.enter(reader, ALICE)
    arrivals.arrive(ALICE, 1.0)
    arrivals.arrive(ALICE, 2.0)
    assert arrivals.unread(ALICE, ALICE) == ((1000, 2000), False)
    arrivals.fetched(ALICE, ALICE, 1000)
    arrivals.fetched(ALICE, ALICE, 500)
    assert arrivals.unread(ALICE, ALICE) == ((2000,), False)
    assert arrivals.unread(BOB, ALICE) == ((1000, 2000), False)
    assert arrivals.unread(BOB, BOB) == ((), False)


def test_what_came_before_the_first_logon_is_not_news_but_before_the_second_it_is() -> None:
    arrivals = Arrivals()
    arrivals.arrive(ALICE, 1.0)
    assert arrivals.unread(ALICE, ALICE) == ((), False)
    arrivals.enter(ALICE, ALICE)
    assert arrivals.unread(ALICE, ALICE) == ((), False)
    arrivals.arrive(ALICE, 2.0)
    arrivals.enter(ALICE, ALICE)
    assert arrivals.unread(ALICE, ALICE) == ((2000,), False)


def test_an_answer_tells_of_twenty_at_most_and_that_there_is_more() -> None:
    arrivals = Arrivals()
    arrivals.enter(ALICE, ALICE)
    for second in range(1, 26):
        arrivals.arrive(ALICE, second)
    told, more = arrivals.unread(ALICE, ALICE)
    assert (len(told), more) == (20, True)
    arrivals.fetched(ALICE, ALICE, told[-1])
    assert [len(part) if isinstance(part, tuple) else part for part in arrivals.unread(ALICE, ALICE)] == [5, False]
