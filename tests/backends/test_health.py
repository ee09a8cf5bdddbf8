"""Rise and fall, ejection and return."""

from __future__ import annotations

import pytest
from attrs import evolve

from mapiproxy.backends.health import Health, HealthRules, Probed

GOOD = Probed(True, connect=0.001, http=0.002)
BAD = Probed(False, "connect", "connection refused")


@pytest.fixture
def health() -> Health:
    return Health(HealthRules())


def test_a_backend_falls_after_its_count_and_says_why(health):
    assert [health.probed(BAD, now) for now in (1.0, 2.0, 3.0, 4.0)] == [False, False, True, False]
    assert (health.up, health.since) == (False, 3.0)
    assert health.why == "probe: connect: connection refused"


def test_one_good_probe_starts_the_count_again(health):
    for result in (BAD, BAD, GOOD, BAD, BAD):
        assert not health.probed(result, 1.0)
    assert health.up


def test_a_backend_rises_after_its_count(health):
    for now in (1.0, 2.0, 3.0):
        health.probed(BAD, now)

    assert [health.probed(GOOD, 4.0), health.probed(GOOD, 5.0)] == [False, True]
    assert health.up
    assert health.why is None


def test_what_may_be_our_own_fault_counts_for_nothing(health):
    """Complaint 31."""
    late = evolve(BAD, suspect_us=True)
    for now in range(9):
        assert not health.probed(late, float(now))
    assert health.up
    assert health.last is late


def test_probes_and_falls_are_counted(health):
    for result in (GOOD, BAD, evolve(BAD, suspect_us=True), BAD, BAD, BAD, GOOD, GOOD):
        health.probed(result, 1.0)
    assert (health.good, health.bad, health.suspect) == (3, 4, 1)
    assert (health.falls, health.ejections) == (1, 0)
    for _ in range(5):
        health.failed("lost", 2.0, True, False)
    assert (health.falls, health.ejections) == (2, 1)


def test_failures_of_live_requests_eject(health):
    assert [health.failed("status 503", 1.0, True, True) for _ in range(5)] == [False] * 4 + [True]
    assert health.why == "5 requests in a row failed, the last: status 503"


def test_a_request_that_works_starts_the_count_again(health):
    for _ in range(9):
        health.failed("x", 1.0, True, True)
        health.worked()
    assert health.up


def test_good_probes_do_not_bring_an_ejected_backend_back_before_its_time(health):
    for _ in range(5):
        health.failed("x", 0.0, True, True)

    assert not any(health.probed(GOOD, now) for now in (1.0, 15.0, 29.0))
    assert health.probed(GOOD, 30.0)


def test_each_ejection_soon_after_another_takes_twice_as_long(health):
    spans = []
    now = 0.0
    for _ in range(6):
        for _ in range(5):
            health.failed("x", now, True, True)
        spans.append(health.ejected_until - now)
        now = health.ejected_until
        health.probed(GOOD, now)
        health.probed(GOOD, now)
        assert health.up
    assert spans == [30.0, 60.0, 120.0, 240.0, 300.0, 300.0]
    for _ in range(5):
        health.failed("x", now + 1000.0, True, True)
    assert health.ejected_until == now + 1030.0


def test_after_lost_connections_probes_alone_decide(health):
    """A restart of a server is no reason to do without it for minutes."""
    for _ in range(5):
        health.failed("the backend closed", 0.0, True, False)
    assert not health.up

    assert [health.probed(GOOD, 1.0), health.probed(GOOD, 2.0)] == [False, True]


def test_who_must_not_be_ejected_is_not(health):
    assert not any(health.failed("x", 0.0, False, True) for _ in range(20))
    assert health.up


def test_ejection_can_be_switched_off():
    health = Health(HealthRules(outliers=0))

    assert not any(health.failed("x", 0.0, True, True) for _ in range(20))


def test_without_probes_time_alone_brings_it_back():
    health = Health(HealthRules(enabled=False))
    for _ in range(5):
        health.failed("x", 0.0, True, True)

    assert not health.tick(29.0)
    assert health.tick(30.0)
    assert health.up


def test_doubt_hurries_the_next_probe(health):
    assert health.next_probe == 5.0
    health.failed("x", 0.0, True, True)
    assert health.next_probe == 1.0
    health.worked()
    health.probed(BAD, 0.0)
    assert health.next_probe == 1.0
