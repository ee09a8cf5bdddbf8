"""Whose mailbox a session may enter: one's own, and those that one may open."""

from __future__ import annotations

import pytest
from support.lab import Talker

from mapiproxy.lab import bodies, rops
from mapiproxy.lab.backend import LabBackend
from mapiproxy.lab.users import crowd_users

CROWD = crowd_users(25)
FIRST, LAST = CROWD.find_login("u00001@example.test"), CROWD.find_login("u00025@example.test")
TEAM = CROWD.find_login("team001@example.test")


def logon(talker: Talker, dn: str) -> rops.Logon | None:
    reply = talker.reply("Execute", body=bodies.execute_request(rops.logon(dn)))
    return rops.read_logon_answer(reply.binary)


@pytest.mark.parametrize("kind", ["exchange", "grommunio"])
def test_a_shared_mailbox_is_entered_by_its_people_and_by_nobody_else(kind: str) -> None:
    assert FIRST is not None
    assert LAST is not None
    assert TEAM is not None
    server = LabBackend(kind, "LAB1", CROWD)
    first, last = Talker(server, user=FIRST), Talker(server, user=LAST)
    for talker in (first, last):
        assert talker.reply("Connect").code == 0
    entered = logon(first, TEAM.dn)
    assert entered is not None
    assert entered.store == TEAM.store
    assert logon(last, TEAM.dn) is None
    assert logon(first, LAST.dn) is None
    # The session is the shared mailbox's now: its mail ends the wait, the own mailbox's does not.
    woken: list[str] = []
    first.wait().wake = lambda: woken.append("woken")
    server.deliver(FIRST, first.now)
    assert woken == []
    server.deliver(TEAM, first.now)
    assert woken == ["woken"]


def test_a_crowd_is_the_same_in_each_run_and_its_teams_have_twenty_members() -> None:
    assert [user.login for user in CROWD][-2:] == ["team001@example.test", "team002@example.test"]
    assert [user.opens for user in CROWD][19:21] == [("team001@example.test",), ("team002@example.test",)]
    assert crowd_users(25).find_login("u00007@example.test") == CROWD.find_login("u00007@example.test")
