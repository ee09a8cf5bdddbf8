"""Tokens, log-ins, and how guessing is slowed down."""

from __future__ import annotations

import random

import pytest

from mapiproxy.admin.access import IDLE, LONGEST, Logins, Slowness, Tokens, digest


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_token_is_found_and_no_other() -> None:
    tokens = Tokens([b"first-token-of-16", b"second-token-of-16"])
    assert tokens
    assert tokens.find("second-token-of-16") == digest("second-token-of-16")
    for wrong in ("", "first-token-of-1", "first-token-of-16 ", "FIRST-TOKEN-OF-16", "\udc80"):
        assert tokens.find(wrong) is None
    assert not Tokens()
    assert Tokens().find("") is None


def test_every_token_is_compared_whether_one_fitted_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    from mapiproxy.admin import access

    compared: list[bytes] = []
    real = access.hmac.compare_digest
    monkeypatch.setattr(access.hmac, "compare_digest", lambda a, b: compared.append(a) or real(a, b))
    tokens = Tokens([b"a" * 16, b"b" * 16, b"c" * 16])
    tokens.find("a" * 16)
    assert len(compared) == 3


def test_a_login_lasts_while_it_is_used_and_not_for_ever() -> None:
    clock, tokens = Clock(), Tokens([b"t" * 16])
    logins = Logins(clock, random.Random(1).randbytes)
    session = logins.begin(digest("t" * 16))
    assert len(session) == 64
    for _ in range(int(LONGEST / (IDLE - 1))):
        clock.now += IDLE - 1
        assert logins.holds(session, tokens)
    clock.now += IDLE - 1
    assert not logins.holds(session, tokens)
    other = logins.begin(digest("t" * 16))
    clock.now += IDLE + 1
    assert not logins.holds(other, tokens)
    assert len(logins) == 0


def test_a_login_ends_with_its_token_and_at_log_out() -> None:
    logins = Logins(Clock(), random.Random(1).randbytes)
    session = logins.begin(digest("t" * 16))
    assert not logins.holds(session, Tokens([b"another-token-now"]))
    session = logins.begin(digest("t" * 16))
    logins.end(session)
    assert not logins.holds(session, Tokens([b"t" * 16]))


def test_logins_are_bounded_and_the_quietest_goes_first() -> None:
    logins, tokens = Logins(Clock(), random.Random(1).randbytes), Tokens([b"t" * 16])
    first, second = (logins.begin(digest("t" * 16)) for _ in range(2))
    for _ in range(254):
        logins.begin(digest("t" * 16))
    assert logins.holds(first, tokens)
    logins.begin(digest("t" * 16))
    assert len(logins) == 256
    assert logins.holds(first, tokens)
    assert not logins.holds(second, tokens)


def test_each_failure_doubles_the_wait_up_to_a_minute() -> None:
    clock = Clock()
    slowness = Slowness(clock)
    waits = []
    for number in range(1, 10):
        assert slowness.failed("10.0.0.1") == number
        waits.append(slowness.wait("10.0.0.1"))
        clock.now += waits[-1]
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert slowness.wait("10.0.0.1") == 0
    assert slowness.wait("10.0.0.2") == 0
    slowness.succeeded("10.0.0.1")
    assert slowness.failed("10.0.0.1") == 1


def test_failures_of_long_ago_are_forgotten() -> None:
    clock = Clock()
    slowness = Slowness(clock)
    slowness.failed("10.0.0.1")
    clock.now += 3600
    assert slowness.failed("10.0.0.1") == 1


def test_addresses_of_one_ipv6_network_wait_together() -> None:
    slowness = Slowness(Clock())
    slowness.failed("2001:db8::1")
    assert slowness.wait("2001:db8::ffff:1") > 0
    assert slowness.wait("2001:db8:0:1::1") == 0
    assert slowness.failed("not an address") == 1


def test_remembered_addresses_are_bounded() -> None:
    slowness = Slowness(Clock())
    for number in range(5000):
        slowness.failed(f"10.1.{number // 250}.{number % 250}")
    assert slowness.wait("10.1.0.0") == 0
    assert slowness.wait("10.1.19.249") > 0
