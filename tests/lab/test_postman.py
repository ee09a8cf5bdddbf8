"""Mail at given times, and again and again."""

from __future__ import annotations

import pytest
from support.lab import ALICE, BOB, backend
from twisted.internet.task import Clock

from mapiproxy.lab.postman import Postman


class Served:
    def __init__(self) -> None:
        self.clock = Clock()
        self.backend = backend("exchange")
        self.got: list[tuple[float, str]] = []
        for user in (ALICE, BOB):
            self.backend.arrivals.enter(user, user)

    def mail(self, user=ALICE) -> tuple[int, ...]:
        return self.backend.arrivals.unread(user, user)[0]


def test_mail_comes_now_or_later_to_whom_it_is_addressed() -> None:
    served = Served()
    postman = Postman(served)
    served.clock.advance(1.0)
    postman.bring("ALICE@example.test")
    postman.bring_at(2.5, ALICE.login)
    assert served.mail() == (1000,)
    served.clock.advance(3.0)
    assert len(served.mail()) == 2
    assert served.mail(BOB) == ()
    with pytest.raises(KeyError, match="nobody"):
        postman.bring("nobody@example.test")


def test_each_mailbox_gets_mail_in_its_turn_until_the_postman_stops() -> None:
    served = Served()
    postman = Postman(served)
    postman.bring_every(10.0)
    postman.bring_at(100.0, ALICE.login)
    served.clock.pump([1.0] * 31)
    assert [number // 1000 for number in served.mail(ALICE)] == [5, 15, 25]
    assert [number // 1000 for number in served.mail(BOB)] == [10, 20, 30]
    postman.stop()
    assert served.clock.getDelayedCalls() == []


def test_mail_that_is_due_more_often_than_the_clock_ticks_is_all_brought() -> None:
    served = Served()
    Postman(served).bring_every(0.004, [ALICE])
    served.clock.pump([0.01] * 5)
    assert len(served.mail()) == 12
