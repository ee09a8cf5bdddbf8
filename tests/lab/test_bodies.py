"""Binary bodies: what one side builds the other reads, and cut ones are noticed."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest
from support.lab import ALICE

from mapiproxy.lab import bodies
from mapiproxy.lab.bodies import BodyError

REQUESTS: list[tuple[bytes, Callable[[bytes], object], object]] = [
    (bodies.connect_request(ALICE.dn), bodies.read_connect_request, ALICE.dn),
    (bodies.execute_request(b"rops"), bodies.read_execute_request, b"rops"),
    (bodies.NOTIFICATION_WAIT_REQUEST, bodies.read_reserved_and_aux, None),
    (bodies.DISCONNECT_REQUEST, bodies.read_aux_only, None),
    (bodies.UNBIND_REQUEST, bodies.read_reserved_and_aux, None),
    (bodies.bind_request(), bodies.read_bind_request, None),
    (bodies.query_rows_request(7), bodies.read_query_rows_request, (7, (0x3001001F,))),
    (bodies.get_props_request((1, 2)), bodies.read_get_props_request, (1, 2)),
]


@pytest.mark.parametrize(("body", "read", "expected"), REQUESTS)
def test_requests_are_read_back_and_every_cut_is_noticed(
    body: bytes, read: Callable[[bytes], object], expected: object
) -> None:
    assert read(body) == expected
    for cut in range(1 if read is bodies.read_aux_only else 0, len(body)):
        with pytest.raises(BodyError):
            read(body[:cut])
    with pytest.raises(BodyError):
        read(body + b"x")


def test_connect_answer_is_that_of_the_reference() -> None:
    expected = "00000000 00000000 60ea0000 06000000 10270000 00 4100 0000 00000000"
    assert bodies.connect_answer("A") == bytes.fromhex(expected)


def test_outcomes() -> None:
    wait = bodies.notification_wait_answer(True)
    assert bodies.read_outcome("NotificationWait", wait) == bodies.Outcome(0, 0, True)
    rejected = bodies.notification_wait_answer(False, bodies.EC_REJECTED)
    assert bodies.read_outcome("NotificationWait", rejected) == bodies.Outcome(0, 0x7EE, False)
    assert bodies.read_outcome("Execute", bodies.error_answer(5)) == bodies.Outcome(0, 5)
    assert bodies.read_outcome("PING", b"") is None


def test_a_row_without_some_column_is_flagged() -> None:
    answer = bodies.query_rows_answer((1, 0x3001001F), [{0x3001001F: "A"}])
    row = b"\1\x0a" + struct.pack("<I", 0x8004010F) + b"\0\xffA\0\0\0"
    assert answer.endswith(row + bytes(4))
