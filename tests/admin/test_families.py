"""From numbers to families: buckets go up, labels are bounded, nothing is said twice."""

from __future__ import annotations

from collections import Counter

import attrs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.ledgers import execute, ledgers
from support.scrape import pool, state

from mapiproxy.admin.catalogue import METRICS
from mapiproxy.admin.families import fill
from mapiproxy.admin.state import State
from mapiproxy.record.ledger import Ledger
from mapiproxy.record.statistics import Statistics

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(of: State) -> Samples:
    found = [s for family in fill(of).families() for s in family.samples]
    told = {(s.name.removeprefix("mapiproxy_"), frozenset(s.labels.items())): float(s.value) for s in found}
    assert len(told) == len(found), "a sample is there twice"
    return told


def value(told: Samples, name: str, **labels: str) -> float:
    return told[name, frozenset(labels.items())]


def test_every_family_comes_once_in_the_order_of_the_catalogue() -> None:
    names = [family.name for family in fill(state()).families()]
    assert names == [name.removesuffix("_total").removesuffix("_info") for name in METRICS]


def test_servers_are_told_as_they_are() -> None:
    told = samples(state())
    one, two = ({"vdir": "mapi", "pool": "mail", "backend": name} for name in ("exch1", "exch2"))

    assert (value(told, "backend_up", **one), value(told, "backend_up", **two)) == (1, 0)
    assert value(told, "backend_admin_state", pool="mail", backend="exch2", state="drain") == 1
    assert value(told, "backend_admin_state", pool="mail", backend="exch2", state="ready") == 0
    assert (value(told, "probe_success", **one), value(told, "probe_success", **two)) == (1, 0)
    assert (value(told, "probe_age_seconds", **one), value(told, "probe_age_seconds", **two)) == (5, 1)
    assert value(told, "probe_stage_duration_seconds", stage="http", **one) == 0.003
    assert ("probe_stage_duration_seconds", frozenset({**two, "stage": "tls"}.items())) not in told
    assert [value(told, "probes_total", result=r, **two) for r in ("good", "bad", "suspect")] == [0, 1, 0]
    assert value(told, "waits_open", pool="mail", backend="exch1") == 3
    assert value(told, "oldest_pending_age_seconds", pool="mail") == 2.5


def test_a_directory_that_is_switched_off_is_neither_up_nor_down() -> None:
    told = samples(state(fleet=pool(enabled=False)))
    assert not [name for name, _ in told if name in {"backend_up", "probe_success", "probes_total"}]


def test_listeners_certificates_and_the_process_are_told() -> None:
    told = samples(state())
    certificate = {"side": "listener", "owner": "https", "subject": "mail.example.com"}

    assert value(told, "listener_connections_limit", listener="https") == 20
    assert value(told, "tls_handshakes_total", listener="https") == 0
    assert value(told, "certificate_not_after_timestamp_seconds", **certificate) == 1e9
    assert value(told, "extended_protection_match", listener="https", pool="mail", backend="exch1") == 0
    assert (value(told, "config_generation"), value(told, "config_last_reload_success")) == (3, 0)
    assert value(told, "config_reloads_total", result="refused") == 1
    assert (value(told, "reactor_lag_seconds"), value(told, "reactor_lag_worst_seconds")) == (0.1, 0.2)
    assert (value(told, "log_lines_written_total"), value(told, "log_lines_lost_total")) == (7, 0)


def test_an_execute_is_in_its_bucket_and_in_all_above() -> None:
    statistics = Statistics()
    statistics.add(execute(pool="mail"))
    told = samples(state(statistics))
    place = {"vdir": "mapi", "pool": "mail", "backend": "exch1", "phase": "total"}
    ends = {end: value(told, "request_duration_seconds_bucket", le=end, **place)
            for end in ("0.005", "0.01", "0.025", "60", "+Inf")}  # fmt: skip

    assert ends == {"0.005": 0, "0.01": 1, "0.025": 1, "60": 1, "+Inf": 1}
    assert value(told, "request_duration_seconds_count", **place) == 1


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.tuples(ledgers(), st.sampled_from([None, "exch1", "exch2"])), max_size=30))
def test_whatever_comes_labels_are_bounded_and_buckets_go_up(given: list[tuple[Ledger, str | None]]) -> None:
    statistics = Statistics()
    for ledger, backend in given:
        statistics.add(attrs.evolve(ledger, backend=backend, pool="mail"))
    told = samples(state(statistics))
    per_histogram: Counter[object] = Counter()

    for (name, labels), number in told.items():
        known = dict(labels)
        base = next((b for b in (name, name.rpartition("_")[0]) if f"mapiproxy_{b}" in METRICS), None)
        assert base is not None, name
        assert set(known) - {"le"} == set(METRICS[f"mapiproxy_{base}"].labels)
        assert number >= 0
        assert all(text.isprintable() and text.isascii() and len(text) < 60 for text in known.values())
        if name.endswith("_bucket"):
            end = known.pop("le")
            if end == "+Inf":
                assert number == told[f"{base}_count", frozenset(known.items())]
            per_histogram[base, frozenset(known.items())] += 1
    for histogram, count in per_histogram.items():
        base, labels = histogram  # type: ignore[misc]
        buckets = sorted(
            (float(dict(found)["le"]), number)
            for (name, found), number in told.items()
            if name == f"{base}_bucket" and labels <= found
        )
        assert len(buckets) == count
        assert [number for _, number in buckets] == sorted(number for _, number in buckets)
    asked = sum(number for (name, _), number in told.items() if name == "requests_total")
    assert asked == len(given)
