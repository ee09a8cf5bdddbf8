"""What both kinds do alike inside: the books, events, more than one mailbox."""

from __future__ import annotations

import pytest
from support.lab import ALICE, BOB, CHANGE, GUID, Reply, Talker, backend

from mapiproxy.lab import bodies, rops

LOGON = bodies.execute_request(rops.logon(ALICE.dn))


def told(reply: Reply) -> rops.Told:
    return rops.read_execute_answer(reply.binary)


KINDS = pytest.mark.parametrize("kind", ["exchange", "grommunio"])


@KINDS
def test_executions_are_counted_by_request_id(kind: str) -> None:
    talker = Talker(backend(kind))
    talker.reply("Connect")
    for number in (1, 2, 2):
        talker.reply("Execute", request_id=f"{GUID}:{number}")
    assert talker.server.executions == {f"{GUID}:1": 1, f"{GUID}:2": 2}


@KINDS
def test_what_was_asked_is_noted_refusals_included(kind: str) -> None:
    talker = Talker(backend(kind))
    talker.reply("Connect")
    talker.reply("Execute", user=None, keep=False)
    talker.reply("Exekute", keep=False)
    noted = [(seen.request_type, seen.login, seen.code) for seen in talker.server.seen]
    unknown = 5 if kind == "exchange" else 8
    assert noted == [
        ("Connect", ALICE.login, 0),
        ("Execute", None, None),
        ("Exekute", ALICE.login, unknown),
    ]


@KINDS
def test_a_change_wakes_every_wait_on_that_mailbox_and_no_other(kind: str) -> None:
    server = backend(kind)
    woken: list[int] = []
    for number, user in enumerate((ALICE, ALICE, BOB)):
        talker = Talker(server, user=user)
        talker.reply("Connect")
        talker.wait().wake = lambda number=number: woken.append(number)
    actor = Talker(server)
    actor.reply("Connect")
    actor.reply("Execute", body=CHANGE)
    assert sorted(woken) == [0, 1]
    actor.reply("Execute")
    assert sorted(woken) == [0, 1]  # reading is no event


@KINDS
def test_two_users_on_one_connection_keep_their_own_sessions(kind: str) -> None:
    server = backend(kind)
    alice, bob = Talker(server), Talker(server, user=BOB)
    assert alice.reply("Connect").cookies != bob.reply("Connect").cookies
    for talker in (alice, bob, alice, bob):
        assert talker.reply("Execute").code == 0


@KINDS
def test_mail_ends_waits_and_is_told_again_until_the_reader_asks_on(kind: str) -> None:
    """What was in an answer that got lost is not lost: the next session is told of it as well."""
    server = backend(kind)
    talker = Talker(server)
    talker.reply("Connect")
    talker.reply("Execute", body=LOGON)
    woken: list[float] = []
    talker.wait().wake = lambda: woken.append(talker.now)
    server.deliver(ALICE, talker.now)
    assert woken == [talker.now]
    message = int(talker.now * 1000)
    assert told(talker.reply("Execute", keep=False)).mail == (message,)
    talker.reply("Connect")
    assert told(talker.reply("Execute", body=LOGON)).mail == (message,)
    assert told(talker.reply("Execute")).mail == ()


def test_the_replica_of_an_answer_is_the_mailboxes_own() -> None:
    server = backend("exchange")
    for user in (ALICE, BOB):
        talker = Talker(server, user=user)
        talker.reply("Connect")
        proof = bodies.execute_request(rops.prove(0, rops.folder_id(5)))
        assert told(talker.reply("Execute", body=proof)).replica == user.store.replica
