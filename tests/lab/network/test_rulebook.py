"""Which rules are in force, and from when to when."""

from __future__ import annotations

from twisted.internet.task import Clock

from mapiproxy.lab.network.rule import parse_rule
from mapiproxy.lab.network.rulebook import Rulebook


class Book:
    def __init__(self) -> None:
        self.clock = Clock()
        self.told: list[str] = []
        self.rules = Rulebook(
            self.clock, 1, lambda play: self.told.append(f"+{play.rule.name}"), lambda play: self.told.append(f"-{play.rule.name}")
        )

    def add(self, name: str, fixed: bool = False, **more: str) -> object:
        return self.rules.add(parse_rule({"fault": "stall", "name": name, **more}), fixed=fixed)


def test_rules_begin_and_end_by_the_clock() -> None:
    book = Book()
    book.add("now")
    book.add("soon", after="5s", lasts="5s")
    book.add("short", lasts="2s")
    assert book.told == ["+now", "+short"]
    for _ in range(12):
        book.clock.advance(1)
    assert book.told == ["+now", "+short", "-short", "+soon", "-soon"]
    assert book.clock.getDelayedCalls() == []


def test_a_rule_that_has_not_begun_can_be_removed() -> None:
    book = Book()
    book.add("soon", after="5s", lasts="5s")
    assert book.rules.remove("soon")
    assert not book.rules.remove("soon")
    assert (book.told, book.clock.getDelayedCalls()) == ([], [])


def test_clearing_leaves_what_is_fixed_and_stopping_does_not() -> None:
    book = Book()
    book.add("nature", fixed=True)
    book.add("rule")
    book.rules.clear()
    assert book.told[-1] == "-rule"
    book.rules.stop()
    assert book.told[-1] == "-nature"
    assert book.rules.in_play == []


def test_all_of_a_name_go_together_and_one_goes_alone() -> None:
    book = Book()
    first = book.add("twin")
    book.add("twin")
    book.add("twin")
    book.rules.remove(first)
    assert len(book.rules.in_play) == 2
    book.rules.remove("twin")
    assert book.rules.in_play == []
