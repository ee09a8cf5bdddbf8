"""What happens to an Outlook, as steps: each does what it says, at its time, and undoes it after a while."""

from __future__ import annotations

import pytest
from support.scenarios import FRAME, play, requests, step, told

QUIET = {"lasting": '"20s"'}


@pytest.mark.parametrize(
    ("verb", "begins", "ends"),
    [
        ("hibernate", "hibernates", "goes on"),
        ("pause", "stands still", "goes on"),
        ("unplug", "is unplugged", "plugged"),
    ],
)
def test_for_a_while_nothing_is_sent_and_then_it_goes_on(verb: str, begins: str, ends: str) -> None:
    played = play(step("20s", verb, client='"alice"', lasting='"20s"'))

    assert played.error is None
    assert [each for each in told(played, "alice") if each[1] in (begins, ends)] == [(20, begins), (40, ends)]
    sent = [each.at for each in requests(played) if each.outcome != "refused"]
    assert any(at < 20 for at in sent)
    assert not any(20.5 < at < 40 for at in sent)
    assert any(at >= 40 for at in sent)
    assert played.facts["contexts_lost"] == 0


def test_resume_ends_a_pause_that_has_no_end_of_its_own() -> None:
    played = play(step("10s", "pause") + step("15s", "resume"))

    assert (15.0, "goes on") in told(played, "alice")


def test_another_network_is_another_address() -> None:
    played = play(step("20s", "switch", to='"wifi"', gap='"5s"'))

    assert [at for at, label in told(played, "alice") if label == "network is there"] == [25]
    addresses = played.facts["log"]["ClientIpAddress"]
    assert set(addresses) == {"127.0.1.1", "127.0.2.1"}
    assert played.facts["reconnects"] == 0


def test_a_tunnel_breaks_as_often_as_it_is_told_to() -> None:
    played = play(step("10s", "vpn_flap", times="3", every='"10s"', gap='"2s"'))

    broken = [at for at, label in told(played, "alice", "fault")]
    assert broken == [10, 20, 30]


def test_a_process_that_is_killed_is_another_one_afterwards() -> None:
    played = play(step("20s", "kill", lasting='"10s"'))

    assert [label for _, label in told(played, "alice")if "start" in label or "crash" in label] == [
        "starts", "crashes", "starts",
    ]  # fmt: skip
    assert played.facts["connects"] == 4  # the mailbox and the address book, twice
    assert played.ok, played.summary


def test_closing_says_disconnect() -> None:
    played = play(step("20s", "close", lasting='"10s"'))

    assert requests(played, label="Disconnect")
    assert [label for _, label in told(played, "alice") if label == "starts"] == ["starts", "starts"]


def test_open_starts_who_was_killed() -> None:
    played = play(step("10s", "kill") + step("20s", "open"))

    assert [at for at, label in told(played, "alice") if label == "starts"][-1] == 20


def test_mail_is_told_of_and_counted() -> None:
    played = play(step("20s", "mail", count="2", every='"5s"'))

    assert told(played, "MBX1") == [(20, "mail for alice"), (25, "mail for alice")]
    assert played.facts["mails_missed"] == 0
    assert 0 < played.facts["mail_late_max"] < 5


def test_mail_for_nobody_is_a_mistake_in_the_scenario() -> None:
    played = play(step("20s", "kill") + step("30s", "mail"))

    assert played.error is not None
    assert "alice has no mailbox open" in played.error


def test_only_those_are_meant_who_are_named() -> None:
    two = FRAME + '[[client]]\nname = "bob"\n'
    played = play(step("20s", "hibernate", client='"bob"'), frame=two)

    assert (20, "hibernates") in told(played, "bob")
    assert (20, "hibernates") not in told(played, "alice")
