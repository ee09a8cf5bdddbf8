"""People with an Outlook: processes come and go, their book goes on; networks have addresses."""

from __future__ import annotations

from mapiproxy.lab.dialing import Address
from mapiproxy.lab.outlook import Book
from mapiproxy.scenario import Lab
from mapiproxy.scenario.people import Roaming, book_facts
from mapiproxy.scenario.subjects import SUBJECTS


def test_the_book_is_that_of_all_processes() -> None:
    with Lab() as lab:
        alice = lab.outlook("alice")
        lab.advance("10s")
        alice.outlook.kill()
        first = alice.book.connects
        alice.open()
        lab.advance("10s")

        assert first == 2
        assert alice.book.connects == 4
        alice.open()  # it runs already
        assert alice.book.connects == 4


def test_an_address_depends_on_the_network() -> None:
    roaming = Roaming("office", {"office": 1000, "wifi": 2000}, Address("127.0.0.1", 3000, "mail"))

    assert (roaming.host, roaming.port, roaming.name, roaming.tls) == ("127.0.0.1", 1000, "mail", True)
    assert roaming.authority == "mail:3000"
    roaming.network = "wifi"
    assert roaming.port == 2000
    roaming.network = "elsewhere"
    assert roaming.port == 3000


def test_contexts_are_shared_mailboxes_besides_the_own_one() -> None:
    with Lab() as lab:
        alice = lab.outlook("alice", contexts=3)
        lab.advance("20s")

        assert alice.outlook.open_contexts == 4  # and the address book
        assert [user.login for user in lab.stage.users] == [
            "shared1@lab.test", "shared2@lab.test", "alice@lab.test",
        ]  # fmt: skip


def test_a_book_is_told_in_the_words_of_the_expectations() -> None:
    book = Book(connects=3, outage_open=10.0, outage_max=4.0)
    book.codes.update({0: 9, 10: 2})
    book.statuses.update({200: 9, 503: 1})
    facts = book_facts(book, 25.0)

    assert (facts["codes"], facts["statuses"]) == ({"10": 2}, {"503": 1})
    assert (facts["outage_max"], facts["offline"], facts["outages"]) == (15.0, 1, 1)
    assert set(facts) - set(SUBJECTS) == {"mail_shown", "wrong", "crashed"}
