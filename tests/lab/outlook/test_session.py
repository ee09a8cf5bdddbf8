"""The protocol's rules for losses: what is sent again, what is never, and how long between."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from support.lab import read_request, request_bytes
from support.outlooks import ANNA, QUIET, Place, counts, own
from twisted.internet.defer import Deferred

from mapiproxy.lab.codes import ExchangeCode
from mapiproxy.lab.faults import AnswerRaw, CloseAfter, CloseNow, FailLate, NeverAnswer
from mapiproxy.lab.outlook import Outlook
from mapiproxy.lab.requests import LabRequest
from mapiproxy.lab.users import Users

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
def test_what_was_not_sent_is_sent_as_it_is_in_the_same_context(kind: str) -> None:
    """The connection was closed while it was idle, and the client finds out when it writes."""
    place = Place(kind)
    outlook = place.started()
    number = own(outlook).count
    place.next_meets(CloseNow(abort=True))
    # The head has come when it is reset: of a large request the rest is not sent then.
    answers: list[Any] = []
    Deferred.fromCoroutine(own(outlook).ask("Execute", lambda: b"x" * 200_000)).addBoth(answers.append)
    place.net.run(10)
    assert answers[0].code == (ExchangeCode.INVALID_REQUEST_BODY if kind == "exchange" else 5)
    assert own(outlook).count == number + 1
    assert counts(outlook.book, "connects", "executes_not_sent", "executes_unknown") == (1, 1, 0)
    ids = [seen.request_id for seen in place.server.backend.seen if seen.request_type == "Execute"]
    assert ids[-1].endswith(f":{number + 1}")


@KINDS
@pytest.mark.parametrize("fault", [CloseAfter(0), CloseAfter(120), CloseAfter(0, abort=True)], ids=str)
def test_what_was_sent_is_never_repeated_and_a_new_context_has_the_old_cookies(kind: str, fault: Any) -> None:
    place = Place(kind)
    outlook = place.started()
    first = own(outlook).guid
    place.next_meets(fault)
    assert acts(place, outlook) == [("Execute", "lost"), ("Connect", "ok"), ("Execute", "ok")]
    assert counts(outlook.book, "executes_unknown", "connects", "connects_with_cookies") == (1, 2, 1)
    assert own(outlook).guid != first
    # It had been executed, once; the client does not know.
    (unknown,) = place.receipts.unknown()
    assert place.server.backend.executions[unknown] == 1
    assert place.wrong(outlook) == []
    assert len(place.server.backend.contexts) == 1


@KINDS
def test_a_context_that_is_gone_is_made_anew_and_the_call_asked_again(kind: str) -> None:
    place = Place(kind)
    outlook = place.started()
    for context in place.server.backend.contexts.of_mailbox(ANNA):
        place.server.backend.contexts.drop(context)
    calls = [("Execute", "code"), ("Connect", "ok"), ("Execute", "ok"), ("Execute", "ok")]
    if kind == "grommunio":
        # It refuses a Connect with cookies that it does not know; without them it is let in.
        calls.insert(1, ("Connect", "code"))
    assert acts(place, outlook) == calls
    with_cookies = kind == "exchange"
    assert counts(outlook.book, "contexts_lost", "connects", "connects_with_cookies") == (1, 2, with_cookies)
    assert place.wrong(outlook) == []


@pytest.mark.parametrize("code", [10, 6, 13])
def test_a_code_that_comes_after_done_counts(code: int) -> None:
    place = Place()
    outlook = place.started()
    place.next_meets(FailLate(code))
    assert [label for label, _ in acts(place, outlook)] == ["Execute", "Connect", "Execute", "Execute"]
    assert outlook.book.codes[code] == 1


@KINDS
def test_a_busy_server_has_executed_nothing(kind: str) -> None:
    place = Place(kind)
    outlook = place.started()
    place.next_meets(raw("503 Service Unavailable", "Retry-After: 2"))
    assert acts(place, outlook) == [("Execute", "status"), ("Execute", "ok")]
    assert counts(outlook.book, "connects", "executes_refused", "executes_unknown") == (1, 1, 0)
    assert 2.0 < outlook.book.outage_max < 3.0


@KINDS
@pytest.mark.parametrize("answer", [raw("502 Bad Gateway"), raw("200 OK"), AnswerRaw(b"nonsense\r\n\r\n")], ids=str)
def test_after_an_answer_that_says_nothing_of_the_outcome_a_new_context_is_made(kind: str, answer: Any) -> None:
    place = Place(kind)
    outlook = place.started()
    place.next_meets(answer)
    calls = [label for label, _ in acts(place, outlook)]
    assert calls == ["Execute", "Connect", "Execute"]
    assert outlook.book.executes_unknown == 1
    assert place.wrong(outlook) == []


@KINDS
def test_a_call_is_given_up_when_nothing_comes_for_two_periods(kind: str) -> None:
    place = Place(kind, pending_period=10.0)
    outlook = place.started()
    place.next_meets(NeverAnswer())
    began = place.net.seconds()
    place.act(outlook)
    place.net.run_until(lambda: outlook.book.executes_unknown)
    assert 20.0 < place.net.seconds() - began < 23.0
    place.net.run(5)
    assert outlook.book.outage_max > 20.0
    assert place.wrong(outlook) == []


def test_a_call_that_shows_signs_of_life_is_waited_for() -> None:
    place = Place(pending_period=10.0, execute_delay=120.0)
    outlook = place.outlook()
    outlook.start()
    place.net.run(300)
    assert outlook.ready
    assert counts(outlook.book, "executes_unknown", "connects") == (0, 1)
    assert outlook.book.slowest == pytest.approx(120.0, abs=0.1)
    assert outlook.book.outage_max == pytest.approx(120.0, abs=0.1)


def test_request_ids_rise_with_each_request_and_belong_to_one_context() -> None:
    place = Place()
    outlook = place.started()
    for _ in range(3):
        acts(place, outlook, 1.0)
    place.next_meets(CloseAfter(0))
    acts(place, outlook)
    ids = [seen.request_id or "" for seen in place.server.backend.seen]
    assert len(set(ids)) == len(ids)
    guids = list(dict.fromkeys(each.partition(":")[0] for each in ids))
    assert len(guids) == 2
    for guid in guids:
        numbers = [int(each.partition(":")[2]) for each in ids if each.startswith(guid)]
        assert numbers == sorted(numbers) == list(range(1, len(numbers) + 1))


def test_one_client_info_and_a_guid_for_each_context() -> None:
    place = Place()
    seen: list[LabRequest] = []

    def look(request: LabRequest) -> None:
        seen.append(request)

    place.server.on_request = look
    outlook = place.started(profile=evolve(QUIET, look_up=10.0))
    acts(place, outlook)
    assert len({request.text(b"x-clientinfo") for request in seen}) == 1
    ids = [request.text(b"x-requestid") or "" for request in seen]
    assert len({each.partition(":")[0] for each in ids}) == 2


@KINDS
def test_somebody_who_sends_our_requests_again_is_noticed(kind: str) -> None:
    """A box between has repeated a request: the sequence has moved on without us."""
    place = Place(kind)
    outlook = place.started()
    cookies = own(outlook)._cookies()
    stranger = place.server.backend.answer(
        read_request(request_bytes("Execute", cookies=cookies, user=ANNA, request_id="{A}:1")), place.net.seconds(), {}
    )
    assert stranger is not None
    acts(place, outlook)
    assert outlook.book.duplicates >= 1
    assert outlook.book.faults() != []
    assert outlook.ready


def test_the_answer_to_another_mailbox_is_noticed() -> None:
    place = Place()
    outlook = place.started()
    (context,) = place.server.backend.contexts.of_mailbox(ANNA)
    other = Users([evolve(ANNA, guid="00000000-0000-0000-0000-000000000001")]).find_login(ANNA.login)
    assert other is not None
    context.owner = other
    acts(place, outlook)
    assert outlook.book.faults() == ["u00001: Execute: the answer comes from another mailbox"]
    place.next_meets(CloseAfter(0))
    acts(place, outlook)
    assert outlook.book.wrong_answers == 1


def test_a_lost_ping_is_repeated_for_it_changes_nothing() -> None:
    place = Place(expiry=100.0, wait_length=1e6)
    outlook = place.started()
    place.next_meets(CloseAfter(0), "PING")
    place.net.run(150)
    assert [each.outcome for each in place.requests("PING")][:2] == ["lost", "ok"]
    assert counts(outlook.book, "connects", "pings") == (1, len(place.requests("PING")) - 1)
