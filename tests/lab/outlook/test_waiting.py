"""A NotificationWait pends all the time; events arrive; what is cut is asked again."""

from __future__ import annotations

import pytest
from attrs import evolve
from support.outlooks import ANNA, QUIET, TEAM, Place, counts, own

from mapiproxy.lab.faults import CloseAfter, CloseNow, NeverAnswer
from mapiproxy.lab.outlook import Outlook

KINDS = pytest.mark.parametrize("kind", ["exchange", "grommunio"])


def pending(place: Place) -> int:
    """How many waits the server holds."""
    contexts = place.server.backend.contexts.of_mailbox(ANNA)
    return sum(context.wait is not None for context in contexts)


@KINDS
def test_a_wait_pends_beside_the_calls_on_a_connection_of_its_own(kind: str) -> None:
    place = Place(kind)
    outlook = place.started()
    assert pending(place) == 1
    place.act(outlook)
    place.net.run(1)
    assert counts(outlook.book, "waits", "executes_answered", "dials") == (1, 3, 2)


@KINDS
def test_a_wait_that_ends_without_an_event_is_asked_again_at_once(kind: str) -> None:
    place = Place(kind, wait_length=100.0)
    outlook = place.started()
    place.net.run(301)
    assert counts(outlook.book, "waits", "waits_quiet", "executes_answered") == (4, 3, 2)
    assert pending(place) == 1


@KINDS
def test_an_event_is_fetched_and_then_waited_for_again(kind: str) -> None:
    place = Place(kind)
    outlook = place.started()
    for count in (1, 2, 3):
        place.server.postman.bring(ANNA.login)
        place.net.run(10)
        assert counts(outlook.book, "notifications", "mail") == (count, count)
        assert pending(place) == 1
    assert outlook.book.late_max < 0.02
    # To fetch, and then one more of the burst.
    assert outlook.book.executes_answered == 2 + 3 * 2


def test_events_of_each_mailbox_reach_their_own_context() -> None:
    place = Place()
    outlook = place.started(mailboxes=[TEAM])
    place.server.postman.bring(TEAM.login)
    place.net.run(1)
    ended = [each.lane for each in place.requests("NotificationWait") if each.detail == "an event"]
    assert ended == ["u00001/team001/wait"]
    assert outlook.book.mail == 1


@KINDS
@pytest.mark.parametrize("fault", [CloseNow(), CloseNow(abort=True), CloseAfter(300)], ids=str)
def test_a_wait_that_was_cut_is_asked_again_in_the_same_context(kind: str, fault: CloseNow) -> None:
    place = Place(kind, wait_length=50.0)
    outlook = place.started()
    place.next_meets(fault, "NotificationWait")
    place.net.run(120)
    assert counts(outlook.book, "connects", "executes_unknown") == (1, 0)
    assert counts(outlook.book, "waits_lost", "waits_reissued") == (1, 1)
    assert pending(place) == 1
    assert place.wrong(outlook) == []


def test_grommunio_rejects_another_wait_until_its_next_pending_and_no_mail_is_lost_by_that() -> None:
    place = Place("grommunio")
    outlook = place.started()
    (line,) = [line for use, line in own(outlook).lines.items() if use == "wait"]
    line.abort()
    place.net.run(1)
    assert outlook.book.waits_rejected == 1
    place.server.postman.bring(ANNA.login)
    place.net.run(60)
    assert outlook.book.mail == 1
    assert outlook.book.late_max < 30.0
    assert pending(place) == 1


def test_a_wait_that_falls_silent_is_given_up_after_two_periods() -> None:
    place = Place(pending_period=10.0)
    outlook = place.started()
    place.net.swallow()
    passed = place.net.run_until(lambda: outlook.book.waits_lost, 100.0)
    assert passed <= 21.0
    assert outlook.book.pending_gap_max <= 10.1
    place.net.run(10)
    assert outlook.book.waits_reissued == 1


def test_whoever_wants_it_as_the_specification_says_makes_a_new_context() -> None:
    place = Place()
    outlook = place.started(profile=evolve(QUIET, lost_wait_connects=True))
    own(outlook).lines["wait"].abort()
    place.net.run(10)
    assert counts(outlook.book, "connects", "connects_with_cookies") == (2, 1)
    assert pending(place) == 1


def test_a_wait_moves_with_its_context() -> None:
    place = Place()
    outlook = place.started()
    place.next_meets(CloseAfter(0))
    place.act(outlook)
    place.net.run(10)
    assert outlook.book.connects == 2
    assert pending(place) == 1
    place.server.postman.bring(ANNA.login)
    place.net.run(1)
    assert counts(outlook.book, "notifications", "mail", "waits_lost") == (1, 1, 0)


def test_what_a_wait_is_told_of_a_context_that_is_gone_makes_a_new_one() -> None:
    place = Place(wait_length=50.0)
    outlook = place.started()
    for context in place.server.backend.contexts.of_mailbox(ANNA):
        place.server.backend.contexts.drop(context)
    place.net.run(60)
    assert counts(outlook.book, "contexts_lost", "connects") == (1, 2)
    assert pending(place) == 1


def test_a_server_that_says_again_and_again_that_there_is_news_is_not_asked_without_end() -> None:
    place = Place()
    outlook = place.started()
    backend = place.server.backend
    execute = backend._execute

    def never_fetched(call, context, now):
        answer = execute(call, context, now)
        context.event_pending = True
        return answer

    backend._execute = never_fetched
    backend.change(ANNA)
    place.net.run(60)
    assert outlook.book.notifications < 120


def test_waits_that_cannot_be_sent_are_not_tried_in_a_hurry() -> None:
    place = Place()
    outlook = place.started()
    place.server.on_request = (
        lambda request: CloseNow() if request.text(b"x-requesttype") == "NotificationWait" else None
    )
    own(outlook).lines["wait"].abort()
    place.net.run(300)
    assert 8 < outlook.book.waits_lost < 30
    place.server.on_request = None
    place.net.run(50)
    assert pending(place) == 1


def test_a_wait_that_is_never_answered_at_all_is_given_up() -> None:
    place = Place(pending_period=5.0)
    place.next_meets(NeverAnswer(), "NotificationWait")
    outlook: Outlook = place.started()
    place.net.run(30)
    assert outlook.book.waits_lost == 1
    assert pending(place) == 1
