"""Outages and recoveries, as the user has them."""

from __future__ import annotations

from mapiproxy.lab.outlook.book import Book, Recovery
from mapiproxy.lab.outlook.service import Service

SLOW = 5.0


def test_an_outage_lasts_from_the_first_failure_to_the_next_success() -> None:
    book = Book()
    service = Service(book)
    service.works(0.0, 1.0, SLOW)
    service.fails(10.0)
    service.fails(12.0)
    assert book.outage_open == 10.0
    service.works(19.0, 20.0, SLOW)
    assert (book.outages, book.outage_max, book.outage_open) == (1, 10.0, None)


def test_an_answer_that_took_long_is_an_outage_as_well() -> None:
    book = Book()
    service = Service(book)
    service.works(0.0, 5.0, SLOW)
    assert book.outages == 0
    service.works(0.0, 7.0, SLOW)
    assert book.outage_max == 7.0


def test_nobody_misses_what_fails_while_the_machine_sleeps() -> None:
    book = Book()
    service = Service(book)
    service.fails(10.0)
    service.sleeps(13.0)
    service.wakes(1000.0)
    service.works(5.0, 1002.0, SLOW)
    assert (book.outages, book.outage_max) == (1, 3.0)
    service.fails(990.0)
    service.works(1003.0, 1004.0, SLOW)
    assert book.outage_max == 4.0


def test_each_event_is_recovered_from_with_the_next_success() -> None:
    book = Book()
    service = Service(book)
    service.survives("resume", 10.0)
    service.survives("network", 12.0)
    assert book.unrecovered == 2
    service.works(12.0, 13.0, SLOW)
    assert book.recoveries == [Recovery("resume", 10.0, 3.0), Recovery("network", 12.0, 1.0)]
    assert book.unrecovered == 0
    service.works(14.0, 15.0, SLOW)
    assert len(book.recoveries) == 2
