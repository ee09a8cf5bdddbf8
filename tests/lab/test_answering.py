"""What the lab's servers answer to ROPs: logging on, changes, whose mailbox it is, notifications."""

from __future__ import annotations

import pytest
from support.lab import ALICE, BOB

from mapiproxy.lab import bodies, rops
from mapiproxy.lab.answering import OpenDoor, answer_rops


def read(buffer: bytes) -> rops.Told:
    return rops.read_execute_answer(bodies.execute_answer(buffer))


class Home(OpenDoor):
    """Bob's mailbox, which nobody else's name opens."""

    store = BOB.store

    def enter(self, dn: str) -> bool:
        return dn == BOB.dn


def test_a_logon_is_answered_with_a_handle_the_inbox_and_whose_mailbox_it_is() -> None:
    logon = rops.read_logon_answer(bodies.execute_answer(answer_rops(rops.logon(BOB.dn), Home()).buffer))
    assert logon == rops.Logon(0, rops.folder_id(5))
    assert logon.store == BOB.store != ALICE.store


def test_a_logon_to_a_mailbox_that_is_closed_to_one_is_refused() -> None:
    refused = answer_rops(rops.logon(ALICE.dn), Home())
    assert rops.read_logon_answer(bodies.execute_answer(refused.buffer)) is None


def test_the_recorded_way_of_making_a_folder_is_a_change_and_reading_is_none() -> None:
    inbox = rops.folder_id(13)
    assert answer_rops(rops.create_folder(0, inbox, "New")).changed
    assert not answer_rops(rops.open_folder(0, inbox)).changed
    assert not answer_rops(rops.register_notification(0)).changed
    assert not answer_rops(rops.rop_buffer(b"\xee\0\0")).changed


@pytest.mark.parametrize("cut", [0, 5, 9, 12])
def test_a_rop_buffer_whose_sizes_do_not_fit_is_refused(cut: int) -> None:
    with pytest.raises(ValueError, match=r"size|shorter"):
        answer_rops(rops.open_folder(0, rops.folder_id(1))[:cut])


@pytest.mark.parametrize(
    "asked",
    [
        None,
        rops.open_folder(0, rops.folder_id(5)),
        rops.create_folder(0, rops.folder_id(5), "New"),
        rops.register_notification(0),
        rops.logon(BOB.dn),
    ],
)
def test_every_answer_says_whose_mailbox_it_comes_from_and_what_is_new(asked: bytes | None) -> None:
    answer = answer_rops(rops.prove(0, rops.folder_id(5), asked), Home())
    assert read(answer.buffer) == rops.Told(BOB.store.replica)
    assert read(answer.telling(True)) == rops.Told(BOB.store.replica, changes=1)
    assert read(answer.telling(True, (7, 1_700_000_000_123))) == rops.Told(
        BOB.store.replica, (7, 1_700_000_000_123)
    )


def test_a_rop_that_nobody_knows_ends_the_answer() -> None:
    answer = answer_rops(rops.rop_buffer(b"\xee\0\0\0\0\0" + rops.open_folder(0, bytes(8))))
    assert read(answer.buffer) == rops.Told()
