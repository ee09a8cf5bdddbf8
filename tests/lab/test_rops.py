"""ROPs: what the client asks, what the servers answer, and which of it is a change."""

from __future__ import annotations

import struct

import pytest
from support.lab import ALICE

from mapiproxy.lab import bodies, rops


def test_a_logon_is_answered_with_a_handle_and_the_inbox() -> None:
    answer = rops.answer_rops(rops.logon(ALICE.dn))
    logon = rops.read_logon_answer(bodies.execute_answer(answer.buffer))
    assert logon == rops.Logon(0, rops.folder_id(5))
    assert not answer.changed
    assert rops.read_logon_answer(bodies.execute_answer(rops.nothing())) is None


def test_the_recorded_way_of_making_a_folder_is_a_change_and_reading_is_none() -> None:
    inbox = rops.folder_id(13)
    assert rops.answer_rops(rops.create_folder(0, inbox, "New")).changed
    assert not rops.answer_rops(rops.open_folder(0, inbox)).changed
    assert not rops.answer_rops(rops.register_notification(0)).changed
    assert not rops.answer_rops(rops.rop_buffer(b"\xee\0\0")).changed


@pytest.mark.parametrize("cut", [0, 5, 9, 12])
def test_a_rop_buffer_whose_sizes_do_not_fit_is_refused(cut: int) -> None:
    with pytest.raises(ValueError, match=r"size|shorter"):
        rops.answer_rops(rops.open_folder(0, rops.folder_id(1))[:cut])


@pytest.mark.parametrize("size", [10, 1000, 32768, 100_000, 262_144])
def test_filler_has_the_size_asked_for_and_well_formed_headers(size: int) -> None:
    buffer = rops.filler(size)
    assert len(buffer) == size
    while buffer:
        _, flags, payload, _ = struct.unpack_from("<4H", buffer)
        buffer = buffer[8 + payload :]
        assert (flags == 4) == (not buffer)


def test_the_error_of_a_refused_logon_is_read() -> None:
    refused = rops.rop_buffer(bytes((rops.LOGON, 0)) + (0x478).to_bytes(4, "little"))
    answer = bodies.execute_answer(refused)
    assert rops.read_logon_answer(answer) is None
    assert rops.read_logon_error(answer) == 0x478
    assert rops.read_logon_error(bodies.execute_answer(rops.nothing())) is None
