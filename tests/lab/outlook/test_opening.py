"""How a context comes about: with which cookies, and how long between attempts."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from attrs import evolve
from support.outlooks import ANNA, Place, counts, own

from mapiproxy.lab.faults import AnswerRaw, CloseAfter
from mapiproxy.lab.outlook import Outlook
from mapiproxy.lab.requests import LabRequest

KINDS = pytest.mark.parametrize("kind", ["exchange", "grommunio"])


def raw(status: str, *lines: str) -> AnswerRaw:
    head = "\r\n".join([f"HTTP/1.1 {status}", "Content-Length: 0", *lines]) + "\r\n\r\n"
    return AnswerRaw(head.encode())


def acts(place: Place, outlook: Outlook, seconds: float = 60.0) -> list[tuple[str, str]]:
    """The user does something; the calls that follow on it, but for waits, and how each ended."""
    before = len(place.told)
    place.act(outlook)
    place.net.run(seconds)
    return [(each.label, each.outcome) for each in place.told[before:] if not each.lane.endswith("/wait")]


@KINDS
@pytest.mark.parametrize("call", ["Execute", "Connect"])
def test_a_busy_server_is_asked_later_in_the_same_context(kind: str, call: str) -> None:
    place = Place(kind)
    place.next_meets(raw("503 Service Unavailable", "Retry-After: 7"), call)
    outlook = place.outlook()
    began = place.net.seconds()
    outlook.start()
    place.net.run_until(lambda: outlook.ready)
    assert 7.0 <= place.net.seconds() - began < 9.0
    place.net.run(1)
    book = outlook.book
    if call == "Connect":
        assert counts(book, "connects", "executes_refused") == (1, 0)
    assert book.statuses[503] == 1
    assert book.outage_max > 7.0
    assert place.wrong(outlook) == []


def test_a_login_that_is_not_accepted_is_tried_again_on_a_new_connection() -> None:
    place = Place()
    outlook = place.started()
    dials = outlook.book.dials
    place.next_meets(raw("401 Unauthorized", "WWW-Authenticate: Negotiate"))
    assert acts(place, outlook) == [("Execute", "status"), ("Execute", "ok")]
    assert counts(outlook.book, "connects", "dials") == (1, dials + 1)
    assert outlook.book.statuses[401] == 1


def test_a_password_that_is_wrong_is_not_tried_in_a_hurry() -> None:
    place = Place()
    outlook = place.outlook(evolve(ANNA, password="wrong"))
    outlook.start()
    place.net.run(300)
    assert not outlook.ready
    assert 8 <= outlook.book.statuses[401] <= 30
    assert outlook.book.executes_sent == 0


def test_pauses_grow_and_are_never_alike_and_a_server_that_is_there_again_is_found() -> None:
    place = Place()
    outlook = place.started()
    port, factory = next(iter(place.net.factories.items()))
    del place.net.factories[port]
    for connection in list(place.server.connections):
        connection.transport.abortConnection()
    place.net.run(0.1)
    place.act(outlook)
    place.net.dials.clear()
    times: list[float] = []
    connect = place.net._connect
    place.net._connect = lambda *given: (times.append(place.net.seconds()), connect(*given))[1]
    place.net.run(200)
    # Two of them dial: the user's call, and the wait.
    assert 10 <= len(times) <= 60
    assert len({round(after - before, 3) for before, after in pairwise(times)}) > 8
    place.net.factories[port] = factory
    passed = place.net.run_until(lambda: outlook.book.outage_open is None)
    assert passed <= 45.0
    assert outlook.book.outage_max > 150.0
    assert outlook.book.connects == 1
    assert place.wrong(outlook) == []


@KINDS
def test_a_server_that_knows_none_of_its_contexts_is_not_asked_in_a_hurry(kind: str) -> None:
    place = Place(kind)
    outlook = place.started()

    def forgets(request: LabRequest) -> None:
        if request.text(b"x-requesttype") in ("Execute", "NotificationWait") and own(outlook).live:
            for context in place.server.backend.contexts.of_mailbox(ANNA):
                place.server.backend.contexts.drop(context)

    place.server.on_request = forgets
    place.act(outlook)
    place.net.run(300)
    assert 5 < outlook.book.contexts_lost < 60
    place.server.on_request = None
    place.net.run(60)
    assert outlook.book.outage_open is None
    assert place.wrong(outlook) == []


@KINDS
@pytest.mark.parametrize("fault", [CloseAfter(0), CloseAfter(100)], ids=str)
def test_a_connect_whose_answer_was_lost_is_a_new_request_with_the_same_cookies(kind: str, fault: Any) -> None:
    place = Place(kind)
    outlook = place.started()
    own(outlook).broken()
    place.next_meets(fault, "Connect")
    calls = acts(place, outlook)
    assert calls == [("Connect", "lost"), ("Connect", "ok"), ("Execute", "ok"), ("Execute", "ok")]
    assert counts(outlook.book, "connects", "connects_with_cookies") == (2, 1)
    ids = [seen.request_id for seen in place.server.backend.seen if seen.request_type == "Connect"]
    assert len(set(ids)) == len(ids)
    # No context is left behind: the old cookies told the server which one it was.
    assert len(place.server.backend.contexts) == (1 if kind == "grommunio" else 2)


@KINDS
def test_a_logon_whose_answer_was_lost_is_made_in_a_new_context(kind: str) -> None:
    place = Place(kind)
    place.next_meets(CloseAfter(0))
    outlook = place.outlook()
    outlook.start()
    place.net.run(10)
    assert outlook.ready
    assert counts(outlook.book, "connects", "executes_unknown") == (2, 1)
    assert place.wrong(outlook) == []


@KINDS
def test_a_mailbox_that_is_not_there_yet_is_asked_for_again(kind: str) -> None:
    """Connect is answered with an error in its body: while a mailbox is moved, for one."""
    place = Place(kind)
    outlook = place.outlook(evolve(ANNA, dn=ANNA.dn + "x"))
    outlook.start()
    place.net.run(120)
    assert 4 < outlook.book.calls["Connect"] < 20
    assert counts(outlook.book, "connects", "executes_sent") == (0, 0)
    assert outlook.book.outage_open is not None
