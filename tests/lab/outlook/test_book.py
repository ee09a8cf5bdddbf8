"""Books: they add up, say what is wrong, and become JSON."""

from __future__ import annotations

import json

from mapiproxy.lab.outlook.book import Book, Recovery, summed


def test_books_of_many_are_sums_and_largest_values() -> None:
    one, two = Book(), Book()
    one.codes[0] += 3
    two.codes.update({0: 1, 10: 2})
    one.outage(2.0)
    two.outage(5.0)
    one.outage_open, two.outage_open = 7.0, None
    one.late_max, two.late_max = 0.5, 0.25
    one.recovered(Recovery("resume", 1.0, 4.0))
    two.recovered(Recovery("network", 2.0, 3.0))
    total = summed([one, two])
    assert (total.outlooks, total.codes, total.outages, total.outage_max) == (2, {0: 4, 10: 2}, 2, 5.0)
    assert (total.outage_sum, total.outage_open, total.late_max, total.recovery_max) == (7.0, 7.0, 0.5, 4.0)
    assert [recovery.label for recovery in total.recoveries] == ["resume", "network"]
    assert one.outlooks == 1


def test_an_outage_that_lasts_counts_until_now() -> None:
    book = Book(outage_max=3.0)
    assert book.outage_until(100.0) == 3.0
    book.outage_open = 90.0
    assert book.outage_until(100.0) == 10.0


def test_faults_are_what_must_never_be() -> None:
    book = Book(executes_unknown=5, contexts_lost=2)
    assert book.faults() == []
    for number in range(60):
        book.mistaken(f"answer {number}")
    book.duplicates = 1
    book.crashes.append("KeyError")
    found = book.faults()
    assert found[0] == "answer 0"
    assert found[50:] == [
        "the simulation broke: KeyError",
        "10 more wrong answers",
        "1 times out of sequence, though nothing was sent twice",
    ]


def test_a_book_becomes_json() -> None:
    book = Book()
    book.codes[10] += 1
    book.recovered(Recovery("resume", 1.0, 4.0))
    told = json.loads(json.dumps(book.as_dict()))
    assert told["codes"] == {"10": 1}
    assert told["recoveries"] == [{"label": "resume", "at": 1.0, "seconds": 4.0}]
