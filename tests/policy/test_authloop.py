"""Rows of 401: counted, explained in one line, and stopped where that is wanted."""

from __future__ import annotations

from typing import Any

import pytest

from mapiproxy.mapi.credentials import Step
from mapiproxy.policy.authloop import AuthLoops, Guard


def refuse(loops: AuthLoops, now: float, **given: Any) -> str | None:
    facts: dict[str, Any] = {"ip": "10.1.1.1", "user": "CORP\\alice", "scheme": "ntlm", "step": Step.FINAL,
                             "status": 401, "challenged": False, "mailbox": "m@x"}  # fmt: skip
    return loops.answered(**{**facts, **given}, now=now)


def test_the_sixth_refusal_in_a_row_is_explained_in_one_line():
    loops = AuthLoops()
    lines = [refuse(loops, at) for at in range(6)]

    assert lines[:5] == [None] * 5
    assert lines[5] is not None
    assert lines[5].startswith("AUTH-LOOP user=CORP\\alice client=10.1.1.1: 6x401 in 5 s: ")
    assert "Extended Protection" in lines[5]
    assert "\n" not in lines[5]
    assert loops.loops == 1


@pytest.mark.parametrize(("scheme", "word"), [("basic", "name and password"), ("bearer", "token")])
def test_the_explanation_is_that_of_the_scheme(scheme, word):
    loops = AuthLoops()
    assert word in [refuse(loops, at, scheme=scheme) for at in range(6)][5]


def test_an_ordinary_handshake_is_no_loop():
    """401 without credentials, 401 with a challenge, 200: three answers, a thousand times."""
    loops = AuthLoops()
    for at in range(1000):
        assert refuse(loops, at, user=None, scheme=None, step=Step.NONE) is None
        assert refuse(loops, at, user=None, step=Step.BEGIN, challenged=True) is None
        assert refuse(loops, at, status=200) is None
    assert loops.loops == 0
    assert len(loops) == 0


def test_what_never_gets_to_credentials_is_told_apart():
    loops = AuthLoops()
    anonymous = [refuse(loops, at, ip="10.0.0.1", user=None, scheme=None, step=Step.NONE) for at in range(20)]
    begun = [refuse(loops, at, ip="10.0.0.2", user=None, step=Step.BEGIN, challenged=True) for at in range(20)]

    assert "sends no credentials" in anonymous[-1]
    assert "never finishes" in begun[-1]
    assert anonymous[:-1] == begun[:-1] == [None] * 19


def test_a_row_is_over_with_an_answer_that_is_no_401_and_with_time():
    loops = AuthLoops(Guard(window=60))
    for at in range(5):
        refuse(loops, at)
    refuse(loops, 5, status=200)
    assert [refuse(loops, 6 + at) for at in range(5)] == [None] * 5
    assert [refuse(loops, 100 + at) for at in range(5)] == [None] * 5


def test_without_a_guard_nobody_is_stopped():
    loops = AuthLoops()
    for at in range(100):
        refuse(loops, at)
    assert loops.stop_for("10.1.1.1", "CORP\\alice", Step.FINAL, 100) == 0


def test_the_guard_stops_a_user_at_an_address_for_a_while_and_nobody_else():
    loops = AuthLoops(Guard(lockout=3, window=60))
    lines = [refuse(loops, at) for at in range(3)]

    assert "stopped after 3, lockout guard" in lines[2]
    assert loops.stop_for("10.1.1.1", "corp\\ALICE", Step.FINAL, 10) == 52
    assert loops.stop_for("10.1.1.1", "CORP\\bob", Step.FINAL, 10) == 0
    assert loops.stop_for("10.1.1.2", "CORP\\alice", Step.FINAL, 10) == 0
    assert loops.stop_for("10.1.1.1", None, Step.BEGIN, 10) == 0
    assert loops.stop_for("10.1.1.1", "CORP\\alice", Step.FINAL, 62) == 0
    assert loops.stopped == 1


def test_many_clients_do_not_fill_the_memory():
    loops = AuthLoops()
    for number in range(12_000):
        refuse(loops, 0, ip=f"10.{number}")
    assert len(loops) == 10_000


def test_a_company_behind_one_address_that_logs_on_at_nine_is_no_loop():
    loops = AuthLoops()
    for number in range(500):
        assert refuse(loops, 0, user=None, scheme=None, step=Step.NONE, mailbox=f"m{number}@x") is None
        assert refuse(loops, 0, user=None, step=Step.BEGIN, challenged=True, mailbox=f"m{number}@x") is None
        assert refuse(loops, 0, user=None, scheme=None, step=Step.NONE, mailbox=None) is None
    assert loops.loops == 0
