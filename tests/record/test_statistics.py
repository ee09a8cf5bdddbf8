"""What exchanges add up to."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.ledgers import execute, in_order, ledgers

from mapiproxy.record.ending import Ending
from mapiproxy.record.histogram import BOUNDS
from mapiproxy.record.ledger import Ledger, Miss
from mapiproxy.record.outcome import ERROR_CODES
from mapiproxy.record.series import OTHER
from mapiproxy.record.statistics import FAILURES, PHASES, Flow, Gauges, Statistics

SERVERS = st.sampled_from([None, "exch1", "exch2"])


def added(*given: Ledger) -> Statistics:
    statistics = Statistics()
    for each in given:
        statistics.add(each)
    return statistics


def flow_of(ledger: Ledger) -> Flow:
    (flow,) = added(ledger).flows.values()
    return flow


def counts(flow: Flow) -> dict[str, int]:
    return {name: sum(each) for name, each in zip(PHASES, flow.buckets, strict=True)}


def refused(status: int, **more: Any) -> Ledger:
    gone = dict.fromkeys(
        ("backend", "backend_host", "backend_status", "routed_at", "connected_at", "request_started_at",
         "request_ended_at", "answer_at", "answer_ended_at", "response_code"),
    )  # fmt: skip
    return execute(**{**gone, "pool": "mail", "status": status, "ending": Ending.REFUSED, **more})


def test_an_execute_is_counted_with_every_phase() -> None:
    statistics = added(execute(pool="mail"), execute(pool="mail"))
    ((labels, count),) = statistics.requests()
    ((place, flow),) = statistics.flows.items()

    assert (labels.request_type, labels.code, count) == ("Execute", "0", 2)
    assert place == ("mapi", "mail", "exch1")
    assert counts(flow) == dict.fromkeys(PHASES, 2)
    assert flow.seconds == pytest.approx([0.002, 0, 0.001, 0.007, 0.001, 0.011, 0.020])
    assert (flow.bytes_in, flow.bytes_out) == (140, 264)
    assert list(statistics.builds) == [("Outlook 16.0.16731", 2)]
    assert sum(flow.executes.now) == 2


@given(st.lists(in_order(), max_size=20))
def test_only_phases_that_were_completed_are_counted(given: list[Ledger]) -> None:
    """Whichever way an exchange takes through the counting, the sums are those of its moments."""
    statistics = Statistics()
    for each in given:
        statistics.add(attrs.evolve(each, backend="exch1", status=200))
    flow = next(iter(statistics.flows.values()), Flow())
    done = [each for each in given if each.answer_ended_at is not None]

    assert counts(flow)["calculate"] == sum(each.routed_at is not None for each in given)
    assert counts(flow)["processing"] == sum(each.answer_at is not None for each in given)
    assert counts(flow)["total"] == counts(flow)["overhead"] == len(done)
    assert flow.seconds[6] == pytest.approx(sum(e.ended_at - e.head_at for e in done), abs=1e-4)
    assert flow.seconds[5] == pytest.approx(
        sum(e.ended_at - e.answer_ended_at + e.routed_at - e.head_at for e in done), abs=1e-4
    )


@pytest.mark.parametrize("seconds", [0.0, BOUNDS[0], BOUNDS[0] * 1.01, BOUNDS[3], 1e5])
def test_both_ways_of_counting_use_the_same_buckets(seconds: float) -> None:
    ordinary = execute(head_at=0.0, routed_at=0.0, connected_at=0.0, request_ended_at=0.0,
                       answer_at=seconds, answer_ended_at=seconds, ended_at=seconds)  # fmt: skip
    early = attrs.evolve(ordinary, request_ended_at=seconds + 1)
    index = next((i for i, bound in enumerate(BOUNDS) if seconds <= bound), len(BOUNDS))

    assert flow_of(ordinary).buckets[6][index] == flow_of(early).buckets[6][index] == 1
    assert flow_of(ordinary).buckets[3][index] == 1


@given(st.lists(st.tuples(ledgers(), SERVERS), max_size=60))
def test_whatever_comes_is_counted_once_and_under_bounded_names(given: list[tuple[Ledger, str | None]]) -> None:
    statistics = Statistics(most=8)
    for ledger, backend in given:
        statistics.add(attrs.evolve(ledger, backend=backend, pool="mail"))

    assert sum(count for _, count in statistics.requests()) == len(given)
    # Beyond the limit there is one more for each place, and places come from the configuration.
    assert len(statistics.series) <= 8 + len(statistics.flows)
    assert {pool for _, pool, _ in statistics.flows} <= {"mail"}
    assert sum(flow.bytes_in for flow in statistics.flows.values()) == sum(e.request_bytes for e, _ in given)
    for flow in statistics.flows.values():
        assert set(flow.outcomes) <= set(ERROR_CODES)
        assert all(number >= 0 for each in flow.buckets for number in each)
        assert all(each >= 0 for each in flow.seconds)


def test_strange_spellings_are_not_known_by_sight() -> None:
    """Thousands of invented request types and methods leave nothing behind but two counts."""
    statistics = Statistics()
    for number in range(3000):
        statistics.add(execute(request_type=f"Execute{number}"))
        statistics.add(execute(method=f"M{number}"))

    assert {(labels.request_type, labels.method) for labels in statistics.series} == {
        (OTHER, "POST"), ("Execute", OTHER)
    }  # fmt: skip
    assert len(statistics._known) == 0


def test_waits_are_kept_apart() -> None:
    wait = execute(request_type="NotificationWait", answer_ended_at=350.0, ended_at=350.0, pulses=9)
    ping = execute(protocol="Eas", request_type=None, query="?Cmd=Ping&User=a", ended_at=950.0)
    sync = execute(protocol="Eas", request_type=None, query="?Cmd=Sync&User=a")
    statistics = added(wait, ping, sync)
    mapi, eas = statistics.flows.values()

    assert counts(mapi) == dict.fromkeys(PHASES, 0)
    assert (mapi.waits["notification"].count, mapi.waits["notification"].total, mapi.pulses) == (1, 300.0, 9)
    assert (eas.waits["ping"].total, counts(eas)["total"]) == (900.0, 1)
    assert sum(mapi.executes.now) == 0


def test_a_wait_that_its_client_left_counts_as_long_as_it_was() -> None:
    left = execute(request_type="NotificationWait", answer_ended_at=None, ended_at=80.0,
                   ending=Ending.CLIENT_DISCONNECT)  # fmt: skip
    assert flow_of(left).waits["notification"].total == 30.0


def test_a_refusal_is_denied_and_has_no_latency() -> None:
    flow = flow_of(refused(503))

    assert (flow.denied, flow.connect, flow.response, flow.failed) == (1, 0, 0, 1)
    assert flow.outcomes == {"ServiceUnavailable": 1}
    assert counts(flow) == dict.fromkeys(PHASES, 0)


def test_a_client_s_mistake_is_denied_and_no_failure() -> None:
    flow = flow_of(refused(404))
    assert (flow.denied, flow.failed) == (1, 0)


def test_what_nobody_refused_is_not_denied() -> None:
    assert flow_of(refused(200, ending=Ending.DONE, routed_by="local")).denied == 0
    assert flow_of(refused(200, ending=Ending.CLIENT_DISCONNECT)).denied == 0


@pytest.mark.parametrize(
    ("changes", "response", "failed"),
    [
        ({"ending": Ending.BACKEND_LOST, "answer_ended_at": None}, 1, 1),
        ({"ending": Ending.TIMED_OUT, "answer_at": None, "answer_ended_at": None, "status": None}, 1, 1),
        ({"ending": Ending.PROTOCOL_ERROR, "status": 503, "backend_status": None}, 1, 1),
        ({"status": 500, "backend_status": 500}, 1, 1),
        ({"status": 401, "backend_status": 401}, 0, 0),
        ({"ending": Ending.CLIENT_DISCONNECT, "answer_ended_at": None}, 0, 0),
        ({"ending": Ending.TIMED_OUT, "status": 408, "backend_status": None}, 0, 0),
        ({"ending": Ending.SHUTDOWN, "answer_ended_at": None}, 0, 0),
        ({"response_code": 10}, 0, 0),
    ],
)
def test_a_backend_is_blamed_for_what_it_did(changes: dict[str, Any], response: int, failed: int) -> None:
    flow = flow_of(execute(**changes))
    assert (flow.response, flow.failed, flow.denied) == (response, failed, 0)


def test_a_backend_that_failed_first_is_blamed_though_another_one_served() -> None:
    misses = [Miss("exch2", False, "exch3"), Miss("exch3", True, "exch3"), Miss("exch3", True, "exch1")]
    statistics = added(execute(pool="mail", retries=3, misses=misses))
    flows = {backend: flow for (_, _, backend), flow in statistics.flows.items()}

    assert {n: (f.connect, f.response, f.retries, f.redispatches) for n, f in flows.items()} == {
        "exch1": (0, 0, 0, 0),
        "exch2": (1, 0, 1, 1),
        "exch3": (0, 2, 2, 1),
    }
    assert not any(flow.failed for flow in flows.values())


def test_a_last_miss_is_no_retry() -> None:
    flow = flow_of(execute(misses=[Miss("exch1", False)], ending=Ending.CONNECT_FAILED, status=503,
                           backend_status=None, connected_at=None))  # fmt: skip
    assert (flow.connect, flow.retries, flow.response, flow.failed) == (1, 0, 0, 1)


def test_failures_are_outcomes_that_exist() -> None:
    assert set(ERROR_CODES) >= FAILURES


def test_a_tick_fills_the_series() -> None:
    statistics = Statistics(0.0)
    asked: list[int] = []

    def gauges() -> Gauges:
        asked.append(1)
        return Gauges(waits=5, sessions=6)

    statistics.add(execute())
    statistics.add(refused(503))
    for now in range(1, 21):
        statistics.tick(float(now), gauges)
    told = statistics.hour.told()

    assert len(asked) == 2
    assert {name: values[-2:] for name, values in told.items()} == {
        "requests": [2, 0],
        "errors": [1, 0],
        "execute_p50_ms": [pytest.approx(10, rel=0.2), None],
        "execute_p95_ms": [pytest.approx(10, rel=0.2), None],
        "waits": [5, 5],
        "sessions": [6, 6],
    }
