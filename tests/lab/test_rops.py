"""ROPs: what the client asks and reads, and filler."""

from __future__ import annotations

import struct

import pytest
from support.lab import ALICE

from mapiproxy.lab import bodies, rops
from mapiproxy.lab.answering import answer_rops


def test_a_logon_is_answered_with_a_handle_and_the_inbox() -> None:
    answer = answer_rops(rops.logon(ALICE.dn))
    logon = rops.read_logon_answer(bodies.execute_answer(answer.buffer))
    assert logon == rops.Logon(0, rops.folder_id(5))
    assert rops.read_logon_answer(bodies.execute_answer(rops.nothing())) is None


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


def test_what_is_no_answer_of_rops_tells_nothing() -> None:
    assert rops.read_execute_answer(b"") == rops.Told()
    assert rops.read_execute_answer(bodies.error_answer(5)) == rops.Told()
    assert rops.read_execute_answer(bodies.execute_answer(rops.filler(1000))) == rops.Told()


def test_asking_for_the_proof_keeps_what_was_asked_before_it() -> None:
    asked = rops.open_folder(3, rops.folder_id(5))
    proven = rops.prove(3, rops.folder_id(5), asked)
    assert asked[10 : 10 + 16] in proven
    assert proven.endswith(asked[-8:])
