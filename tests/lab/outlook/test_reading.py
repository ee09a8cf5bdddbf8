"""What an Execute's answer says of mailbox and mail."""

from __future__ import annotations

from attrs import evolve
from support.outlooks import ANNA, TEAM, Place, own

from mapiproxy.lab import bodies, rops
from mapiproxy.lab.answering import OpenDoor, answer_rops
from mapiproxy.lab.outlook.judging import Answered
from mapiproxy.lab.outlook.reading import Reading
from mapiproxy.wire.heads import parse_response_head


class Home(OpenDoor):
    store = ANNA.store


def answer(asked: bytes, *mail: int, door: OpenDoor | None = None) -> Answered:
    head = parse_response_head(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    binary = bodies.execute_answer(answer_rops(asked, door or Home()).telling(bool(mail), mail))
    return Answered("Execute", "{A}:1", 1_000_000.0, 1_000_001.0, head, 0, binary=binary)


PROOF = rops.prove(0, rops.folder_id(5))
LOGON = rops.prove(0, rops.folder_id(5), rops.logon(ANNA.dn))


def reading(**desk: object) -> Reading:
    place = Place()
    outlook = place.started()
    place.net.run(1)
    made = Reading(own(outlook).desk, ANNA, "anna")
    made._desk = evolve(made._desk, book=type(made._desk.book)(), **desk)
    return made


def test_the_mailbox_must_be_the_one_that_was_asked_for() -> None:
    read = reading()
    assert read.logon(answer(LOGON), own=False) is not None
    assert read._desk.book.faults() == []
    read.execute(answer(PROOF), own=False)
    assert read._desk.book.faults() == []
    read.execute(answer(PROOF, door=OpenDoor()), own=False)
    read.execute(answer(rops.nothing()), own=False)
    assert read._desk.book.wrong == ["anna: Execute: the answer comes from another mailbox"] * 2
    assert read._desk.book.executes_answered == 4


def test_a_logon_to_another_mailbox_is_noticed() -> None:
    read = reading()
    read.logon(answer(LOGON, door=OpenDoor()), own=False)
    assert read._desk.book.wrong == ["anna: the logon was to another mailbox"]
    # Of servers that are not the lab's only a change is.
    foreign = reading(lab=False)
    foreign.logon(answer(LOGON, door=OpenDoor()), own=False)
    assert foreign._desk.book.wrong == []
    foreign.logon(answer(LOGON), own=False)
    assert foreign._desk.book.wrong == ["anna: the logon was to another mailbox"]


def test_a_refused_logon_is_none() -> None:
    class Closed(OpenDoor):
        def enter(self, dn: str) -> bool:
            return False

    assert reading().logon(answer(LOGON, door=Closed()), own=False) is None


def test_each_message_counts_once_and_is_as_late_as_it_is() -> None:
    read = reading()
    now = int(read._desk.time.seconds() * 1000)
    read.logon(answer(LOGON, now - 2000), own=False)
    read.execute(answer(PROOF, now - 2000, now - 500), own=False)
    read.execute(answer(PROOF, now - 500), own=False)
    book = read._desk.book
    assert book.mail == 2
    assert round(book.late_max, 1) == 2.0
    assert round(book.late_sum, 1) == 2.5
    assert TEAM.store != ANNA.store
