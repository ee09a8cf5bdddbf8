"""Limits on addresses and mailboxes."""

from __future__ import annotations

from mapiproxy.policy.usage import Buckets, Quotas, Usage


def test_a_company_behind_one_address_is_not_limited_unless_somebody_says_so() -> None:
    usage, quotas = Usage(), Quotas()
    assert all(usage.connect("192.0.2.1", quotas) for _ in range(5000))
    assert all(usage.begin("192.0.2.1", f"m{n}", quotas, 0.0) is None for n in range(5000))
    assert usage.refused == 0


def test_connections_of_one_address_at_a_time() -> None:
    usage, quotas = Usage(), Quotas(address_connections=2)
    assert [usage.connect("a", quotas) for _ in range(3)] == [True, True, False]
    assert usage.connect("b", quotas)
    usage.disconnect("a")
    usage.disconnect("a")
    assert usage.connect("a", quotas)


def test_requests_of_one_mailbox_at_a_time_and_they_end() -> None:
    usage, quotas = Usage(), Quotas(mailbox_requests=2)
    assert [usage.begin("a", "m", quotas, 0.0) for _ in range(2)] == [None, None]
    assert usage.begin("a", "M", quotas, 0.0) == ("this mailbox has too many requests in progress", 1.0)
    assert usage.begin("a", "n", quotas, 0.0) is None
    usage.end("a", "M")
    assert usage.begin("a", "m", quotas, 0.0) is None


def test_a_stranger_cannot_use_up_the_share_of_a_mailbox() -> None:
    usage, quotas = Usage(), Quotas(mailbox_requests=1)
    assert usage.begin("stranger", "m", quotas, 0.0) is None
    assert usage.begin("owner", "m", quotas, 0.0) is None


def test_a_rate_allows_a_burst_and_tells_when_to_come_back() -> None:
    usage, quotas = Usage(), Quotas(address_rate=2, address_burst=3)
    assert [usage.begin("a", None, quotas, 0.0) for _ in range(3)] == [None] * 3
    said = usage.begin("a", None, quotas, 0.0)
    assert said is not None
    assert said[1] == 0.5
    assert usage.begin("a", None, quotas, 0.5) is None
    assert usage.begin("b", None, quotas, 0.5) is None
    assert usage.refused == 1


def test_what_was_refused_by_rate_does_not_count_as_running() -> None:
    usage, quotas = Usage(), Quotas(mailbox_requests=1, mailbox_rate=1, mailbox_burst=1)
    assert usage.begin("a", "m", quotas, 0.0) is None
    usage.end("a", "m")
    assert usage.begin("a", "m", quotas, 0.0) is not None
    assert usage.begin("a", "m", quotas, 1.0) is None


def test_strangers_do_not_fill_the_memory() -> None:
    buckets = Buckets()
    for number in range(60_000):
        buckets.take(f"{number}", 1, 1, 0.0)
    assert len(buckets) == 50_000
