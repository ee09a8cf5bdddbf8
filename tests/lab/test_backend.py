"""What both kinds do alike inside: the books, events, more than one mailbox."""

from __future__ import annotations

import pytest
from support.lab import ALICE, BOB, CHANGE, GUID, Talker, backend

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
