"""The lab's address book through a call, without a server."""

from __future__ import annotations

import struct

import pytest
from support.lab import ALICE, BOB, BODIES, read_request, request_bytes

from mapiproxy.lab import bodies
from mapiproxy.lab.addressbook import look_up
from mapiproxy.lab.dialect import Call


def call(name: str, body: bytes) -> Call:
    request = read_request(request_bytes(name, body=body, endpoint="nspi"))
    return Call(request, "nspi", name, ALICE, {}, 0.0)


def test_rows_are_as_many_as_asked_for() -> None:
    answer = look_up(call("QueryRows", bodies.query_rows_request(1)), [ALICE, BOB])
    assert "Alice Example".encode("utf-16-le") in answer
    assert "Bob Example".encode("utf-16-le") not in answer


def test_props_are_the_askers_own() -> None:
    answer = look_up(call("GetProps", bodies.get_props_request(())), [BOB])
    assert "alice@example.test".encode("utf-16-le") in answer


def test_other_look_ups_are_not_supported_and_say_so() -> None:
    answer = look_up(call("SeekEntries", b"whatever"), [])
    assert answer[:8] == struct.pack("<II", 0, bodies.MAPI_E_NO_SUPPORT)


def test_a_broken_body_is_noticed() -> None:
    with pytest.raises(bodies.BodyError):
        look_up(call("QueryRows", BODIES["QueryRows"][:-1]), [])
