"""One request on the wire, and what is noted of its answer."""

from __future__ import annotations

import pytest
from support.outlooks import ANNA, TEAM, Place, counts, own

from mapiproxy.lab.caller import APPLICATION
from mapiproxy.lab.faults import AnswerRaw, CloseAfter
from mapiproxy.lab.outlook.line import OutlookLine
from mapiproxy.lab.requests import LabRequest


def requests_of(place: Place) -> list[LabRequest]:
    seen: list[LabRequest] = []
    place.server.on_request = seen.append  # type: ignore[assignment]
    return seen


def test_requests_look_like_outlooks() -> None:
    place = Place()
    seen = requests_of(place)
    outlook = place.started(mailboxes=[TEAM])
    first = seen[0]
    assert first.target.decode() == f"/mapi/emsmdb/?MailboxId={ANNA.mailbox_id}"
    assert first.text(b"x-clientapplication") == APPLICATION
    assert first.text(b"content-type") == "application/mapi-http"
    assert first.text(b"host") == f"localhost:{place.port}"
    assert first.headers[b"authorization"] == ANNA.basic
    assert b"cookie" not in first.headers
    assert all(b"cookie" in each.headers for each in seen if each.text(b"x-requesttype") != "Connect")
    assert {each.target.decode().partition("=")[2] for each in seen} == {ANNA.mailbox_id, TEAM.mailbox_id}
    assert outlook.book.wrong_answers == 0


def test_a_connection_that_authenticates_itself_comes_without_a_password() -> None:
    """The seam for NTLM: the connection is another, and requests say nothing of the user."""
    made: list[OutlookLine] = []

    def make_line(number, clock, patience):
        made.append(OutlookLine(number, clock, patience))
        return made[-1]

    place = Place()
    seen = requests_of(place)
    outlook = place.outlook(make_line=make_line, basic=False)
    outlook.start()
    place.net.run(2)
    assert len(made) == outlook.book.dials > 0
    assert all(b"authorization" not in each.headers for each in seen)
    assert outlook.book.statuses[401] == len(seen) > 1


@pytest.mark.parametrize(
    ("fault", "outcome", "detail"),
    [
        (None, "ok", ""),
        (AnswerRaw(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"), "status", "status 500"),
        (CloseAfter(0), "lost", "sent, never answered"),
        (CloseAfter(950), "lost", "cut in the middle of the answer"),
        (AnswerRaw(b"HTTP/1.1 200 OK\r\nContent-Length: -\r\n\r\n"), "lost", "no answer of MAPI over HTTP"),
    ],
    ids=str,
)
def test_each_request_is_told_with_its_outcome(fault, outcome: str, detail: str) -> None:
    place = Place()
    outlook = place.started()
    told = len(place.requests("Execute"))
    if fault is not None:
        place.next_meets(fault)
    place.act(outlook)
    place.net.run(1)
    execute = place.requests("Execute")[told]
    assert (execute.lane, execute.outcome, execute.detail) == ("u00001", outcome, detail)


def test_a_server_that_cannot_be_reached_is_told_so() -> None:
    place = Place()
    place.net.factories.clear()
    outlook = place.outlook()
    outlook.start()
    place.net.run(1)
    assert {(each.label, each.outcome) for each in place.told[1:]} == {("Connect", "refused")}
    assert outlook.book.dials_refused >= 1
    assert str(place.port) not in " ".join(each.detail for each in place.told)


def test_another_server_behind_is_noticed() -> None:
    place = Place("grommunio")
    outlook = place.started()
    place.server.backend.dialect._name = b"TWO"
    place.act(outlook)
    place.net.run(1)
    assert outlook.book.backend_switches == 1
    (mark,) = [each for each in place.told if each.label == "other server"]
    assert mark.detail == "ONE to TWO"


def test_an_answer_to_somebody_elses_request_is_noticed() -> None:
    place = Place()
    outlook = place.started()
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-ResponseCode: 0\r\nX-RequestId: {B}:1\r\n"
        b"X-RequestType: Execute\r\n\r\n"
    )
    place.next_meets(AnswerRaw(head))
    place.act(outlook)
    place.net.run(1)
    assert outlook.book.faults()[0] == "u00001: Execute: the answer belongs to another request"


def test_period_expiry_and_signs_of_life_are_taken_from_the_answers() -> None:
    place = Place(pending_period=12.0, expiry=600.0)
    outlook = place.started()
    place.net.run(100)
    session = own(outlook)
    assert (session.period, session.expiry) == (12.0, 600.0)
    assert outlook.book.pending_gap_max == pytest.approx(12.0, abs=0.01)
    assert counts(outlook.book, "bad_answers", "wrong_answers") == (0, 0)
