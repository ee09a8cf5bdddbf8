"""The stage: who is meant by which word, and that chance is everybody's own."""

from __future__ import annotations

import pytest

from mapiproxy.scenario import Lab
from mapiproxy.scenario.stage import CannotAct


def test_home_is_where_the_first_client_is_and_others_are_the_rest() -> None:
    with Lab(servers=3) as lab:
        alice = lab.outlook("alice")
        lab.advance("10s")
        stage = lab.stage
        (home,) = stage.hosts_of(("home",))

        assert home.name == lab.order("sessions", mailbox=alice.user.mailbox_id)["sessions"][0]["backend"]
        assert [host.name for host in stage.hosts_of(("others",))] == [
            name for name in stage.hosts if name != home.name
        ]
        assert len(stage.hosts_of(("all",))) == 3
        assert stage.hosts_of(("mbx2",)) == [stage.hosts["MBX2"]]
        assert stage.hosts_of(()) == [home]
        assert len(stage.hosts_of(("mbx1", "all"))) == 3


def test_nobody_named_is_everybody() -> None:
    with Lab() as lab:
        alice, bob = lab.outlook("alice"), lab.outlook("bob")

        assert lab.stage.persons(()) == lab.stage.persons(("all",)) == [alice, bob]
        assert lab.stage.persons(("bob",)) == [bob]


def test_chance_is_ones_own_and_the_seeds() -> None:
    with Lab(seed=1) as one, Lab(seed=1) as same, Lab(seed=2) as other:
        numbers = [lab.stage.chance("alice").random() for lab in (one, same, other)]

        assert numbers[0] == numbers[1] != numbers[2]
        assert one.stage.chance("bob").random() != numbers[0]


def test_passwords_are_nobodys_and_new_each_time() -> None:
    with Lab() as lab:
        alice, bob = lab.outlook("alice"), lab.outlook("bob")

        assert alice.user.password != bob.user.password
        assert alice.user.password not in repr(lab.happenings) + repr(alice.user)


def test_mail_comes_where_the_mailbox_is() -> None:
    with Lab() as lab:
        alice = lab.outlook("alice")
        with pytest.raises(CannotAct):
            lab.stage.deliver(alice)
        lab.advance("10s")
        lab.stage.deliver(alice)
        lab.advance("10s")

        assert alice.book.mail == 1
        assert any(each.label == "mail for alice" for each in lab.happenings)
