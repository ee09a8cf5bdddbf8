"""What answers mean, and whose they are."""

from __future__ import annotations

import pytest
from support.lab import ALICE

from mapiproxy.lab import bodies
from mapiproxy.lab.outlook.judging import (
    Answered,
    Meaning,
    is_out_of_sequence,
    is_rejected,
    meaning_of,
    what_is_wrong,
)
from mapiproxy.wire.heads import parse_response_head

EXCHANGE, GROMMUNIO = "exchange", "grommunio"
BOTH = (EXCHANGE, GROMMUNIO)


def answer(status: int = 200, code: int | None = 0, *lines: str, call: str = "Execute", error: int = 0) -> Answered:
    head = "\r\n".join([f"HTTP/1.1 {status} Said", "Content-Length: 0", *lines]) + "\r\n\r\n"
    return Answered(call, "{A}:7", 0.0, 1.0, parse_response_head(head.encode()), code, error)


@pytest.mark.parametrize(
    ("kinds", "given", "meaning"),
    [
        (BOTH, answer(), Meaning.FINE),
        (BOTH, answer(401, None), Meaning.LOGIN),
        (BOTH, answer(503, None), Meaning.LATER),
        (BOTH, answer(408, None), Meaning.LATER),
        (BOTH, answer(502, None), Meaning.UNKNOWN),
        (BOTH, answer(200, None), Meaning.UNKNOWN),
        (BOTH, answer(302, None), Meaning.REFUSED),
        (BOTH, answer(200, 10), Meaning.GONE),
        (BOTH, answer(200, 6), Meaning.GONE),
        ((EXCHANGE,), answer(200, 15), Meaning.GONE),
        ((EXCHANGE,), answer(200, 13), Meaning.GONE),
        ((EXCHANGE,), answer(200, 2), Meaning.REFUSED),
        ((EXCHANGE,), answer(200, 7), Meaning.REFUSED),
        ((EXCHANGE,), answer(200, 18), Meaning.LATER),
        ((GROMMUNIO,), answer(200, 2), Meaning.GONE),
        ((GROMMUNIO,), answer(200, 7), Meaning.GONE),
        ((GROMMUNIO,), answer(200, 9), Meaning.LATER),
        ((GROMMUNIO,), answer(200, 4), Meaning.REFUSED),
        (BOTH, answer(error=bodies.EC_REJECTED, call="NotificationWait"), Meaning.REFUSED),
        (BOTH, answer(error=1, call="Unbind"), Meaning.FINE),
        (BOTH, answer(error=2, call="Unbind"), Meaning.REFUSED),
    ],
)
def test_what_follows_from_an_answer(kinds: tuple[str, ...], given: Answered, meaning: Meaning) -> None:
    assert {kind: meaning_of(given, kind) for kind in kinds} == dict.fromkeys(kinds, meaning)


def test_each_kind_has_its_own_number_for_out_of_sequence() -> None:
    assert is_out_of_sequence(answer(200, 15), EXCHANGE)
    assert not is_out_of_sequence(answer(200, 7), EXCHANGE)
    assert is_out_of_sequence(answer(200, 7), GROMMUNIO)
    assert not is_out_of_sequence(answer(503, None), GROMMUNIO)


def test_a_rejected_wait_is_told_by_its_body() -> None:
    assert is_rejected(answer(error=bodies.EC_REJECTED))
    assert not is_rejected(answer())


@pytest.mark.parametrize(("value", "seconds"), [("2", 2.0), ("soon", None), (None, None)])
def test_the_time_that_a_server_asks_for(value: str | None, seconds: float | None) -> None:
    lines = [] if value is None else [f"Retry-After: {value}"]
    assert answer(503, None, *lines).retry_after == seconds


RIGHT = ("X-RequestId: {A}:7", "X-RequestType: Execute")


@pytest.mark.parametrize(
    ("lines", "wrong"),
    [
        (RIGHT, ""),
        (("X-RequestId: {A}:8",), "the answer belongs to another request"),
        ((), "the answer does not say which request it belongs to"),
        ((RIGHT[0], "X-RequestType: Connect"), "the answer is to a Connect"),
        ((*RIGHT, "X-Lab-User: bob@example.test"), "the server took the user for somebody else"),
        ((*RIGHT, f"X-Lab-User: {ALICE.login}"), ""),
    ],
)
def test_an_answer_that_is_not_ones_own_is_noticed(lines: tuple[str, ...], wrong: str) -> None:
    assert what_is_wrong(answer(200, 0, *lines), ALICE, lab=True) == wrong


def test_a_refusal_need_not_say_what_it_belongs_to_but_must_not_say_something_else() -> None:
    assert what_is_wrong(answer(503, None), ALICE, lab=True) == ""
    assert what_is_wrong(answer(200, 10), ALICE, lab=True) == ""
    assert what_is_wrong(answer(200, 10, "X-RequestId: {B}:1"), ALICE, lab=True) != ""


def test_a_context_must_be_the_users_own_where_that_can_be_told() -> None:
    given = answer(200, 0, "X-RequestId: {A}:7", call="Connect")
    given.binary = bodies.connect_answer("Bob Example")
    assert what_is_wrong(given, ALICE, lab=True) == "the context is another user's"
    assert what_is_wrong(given, ALICE, lab=False) == ""
    given.binary = bodies.connect_answer(ALICE.display_name)
    assert what_is_wrong(given, ALICE, lab=True) == ""
