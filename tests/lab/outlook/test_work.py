"""How users of both profiles work, and how contexts are kept alive."""

from __future__ import annotations

import pytest
from attrs import evolve
from support.outlooks import ANNA, QUIET, Place, counts, own

from mapiproxy.lab.outlook import CACHED, ONLINE

KINDS = pytest.mark.parametrize("kind", ["exchange", "grommunio"])


@KINDS
def test_whoever_works_on_a_copy_asks_little_and_in_bursts(kind: str) -> None:
    place = Place(kind)
    outlook = place.started(profile=evolve(CACHED, sends=0.0))
    opening = outlook.book.executes_answered
    assert 5 <= opening <= 9
    place.net.run(600)
    idle = outlook.book.executes_answered - opening
    assert 4 <= idle <= 25
    place.server.postman.bring(ANNA.login)
    place.net.run(2)
    burst = outlook.book.executes_answered - opening - idle
    assert 3 <= burst <= 7
    # Send/receive comes by itself, and what it sends is an event.
    place.net.run(1500)
    assert outlook.book.notifications >= 2
    assert place.wrong(outlook) == []


@KINDS
def test_whoever_works_online_asks_with_each_click(kind: str) -> None:
    place = Place(kind)
    outlook = place.started(profile=ONLINE)
    before = outlook.book.executes_answered
    place.net.run(600)
    assert 110 <= outlook.book.executes_answered - before <= 230
    assert outlook.book.notifications >= 2
    assert place.wrong(outlook) == []


@KINDS
def test_a_context_without_calls_is_kept_alive(kind: str) -> None:
    place = Place(kind, expiry=100.0, wait_length=1e6)
    outlook = place.started()
    place.net.run(1000)
    assert 10 <= outlook.book.pings <= 16
    assert counts(outlook.book, "connects", "contexts_lost") == (1, 0)


@KINDS
def test_the_address_book_is_asked_now_and_then_and_kept_between(kind: str) -> None:
    place = Place(kind, expiry=100.0)
    outlook = place.started(profile=evolve(QUIET, look_up=300.0))
    place.net.run(3000)
    calls = outlook.book.calls
    assert 4 <= calls["QueryRows"] == calls["GetProps"] <= 20
    assert calls["Bind"] == 1
    assert outlook.book.contexts_lost == 0
    assert calls["PING"] > 10
    # Its connection is not kept.
    session = outlook._sessions[-1]
    assert (session.endpoint, session.lines) == ("nspi", {})


def test_an_address_book_that_is_gone_is_bound_again() -> None:
    place = Place()
    outlook = place.started(profile=evolve(QUIET, look_up=300.0))
    contexts = place.server.backend.contexts
    for context in list(contexts._by_key.values()):
        if context.endpoint == "nspi":
            contexts.drop(context)
    place.net.run(2000)
    assert outlook.book.calls["Bind"] == 2
    assert counts(outlook.book, "contexts_lost", "outages") == (1, 0)


def test_a_burst_has_as_many_calls_as_the_profile_says() -> None:
    place = Place()
    outlook = place.started(profile=evolve(QUIET, opening=(7, 7), sync=(3, 3)))
    assert outlook.book.executes_answered == 1 + 7
    place.server.postman.bring(ANNA.login)
    place.net.run(5)
    assert outlook.book.executes_answered == 1 + 7 + 1 + 3
    assert own(outlook).live
