"""Numbers in the shapes of Prometheus: from the statistics and the live state to metric families.

Runs only when somebody asks. What is zero because nothing of the kind ever happened at a place is left out,
if there are many places; what an alert may ask for is always there.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version

from prometheus_client import Metric

import mapiproxy
from mapiproxy.admin.catalogue import METRICS
from mapiproxy.admin.state import PoolState, State
from mapiproxy.backends.fleet import Admin, Pool
from mapiproxy.backends.health import Health
from mapiproxy.policy.tally import RUNGS
from mapiproxy.record.histogram import BOUNDS, WAIT_BOUNDS
from mapiproxy.record.series import WAITS
from mapiproxy.record.statistics import PHASES, Flow, Place

_BOUNDS = (*(f"{bound:g}" for bound in BOUNDS), "+Inf")
_WAIT_BOUNDS = (*(f"{bound:g}" for bound in WAIT_BOUNDS), "+Inf")


class Sheet:
    """Families that are being filled in, in the order of the catalogue; names are without ``mapiproxy_``."""

    def __init__(self) -> None:
        self._families = {name: each.family() for name, each in METRICS.items()}

    def put(self, name: str, value: float, *labels: str) -> None:
        """One sample."""
        name = f"mapiproxy_{name}"
        described = METRICS[name]
        self._families[name].add_sample(name, dict(zip(described.labels, labels, strict=True)), value)

    def put_histogram(
        self, name: str, ends: Sequence[str], counts: Sequence[int], total: float, *labels: str
    ) -> None:
        """One histogram, unless it is empty."""
        if not any(counts):
            return
        name = f"mapiproxy_{name}"
        family = self._families[name]
        known = dict(zip(METRICS[name].labels, labels, strict=True))
        count = 0
        for end, more in zip(ends, counts, strict=True):
            count += more
            family.add_sample(f"{name}_bucket", {**known, "le": end}, count)
        family.add_sample(f"{name}_count", known, count)
        family.add_sample(f"{name}_sum", known, total)

    def families(self) -> Iterator[Metric]:
        """All of them: HELP and TYPE are told even of those that have no value yet."""
        return iter(self._families.values())


def fill(state: State) -> Sheet:
    """Everything there is to say."""
    sheet = Sheet()
    _put_traffic(sheet, state)
    for pool in state.pools:
        _put_pool(sheet, pool)
        for vdir, healths in pool.directories:
            _put_backends(sheet, vdir, healths, state.now)
    _put_listeners(sheet, state)
    _put_process(sheet, state)
    return sheet


def _put_traffic(sheet: Sheet, state: State) -> None:
    statistics = state.statistics
    for labels, count in statistics.requests():
        sheet.put("requests_total", count, *labels)
    for place, flow in statistics.flows.items():
        _put_flow(sheet, place, flow)
    for build, count in statistics.builds:
        sheet.put("client_requests_total", count, build)


def _put_flow(sheet: Sheet, place: Place, flow: Flow) -> None:
    for phase, counts, seconds in zip(PHASES, flow.buckets, flow.seconds, strict=True):
        sheet.put_histogram("request_duration_seconds", _BOUNDS, counts, seconds, *place, phase)
    for kind in WAITS:
        waits = flow.waits[kind]
        sheet.put_histogram("wait_duration_seconds", _WAIT_BOUNDS, waits.counts, waits.total, *place, kind)
    sheet.put("request_body_bytes_total", flow.bytes_in, *place)
    sheet.put("response_body_bytes_total", flow.bytes_out, *place)
    for outcome, count in flow.outcomes.items():
        sheet.put("outcomes_total", count, *place, outcome)
    if not place[-1]:
        sheet.put("backend_errors_total", flow.denied, *place, "denied")
        return
    sheet.put("backend_errors_total", flow.connect, *place, "connect")
    sheet.put("backend_errors_total", flow.response, *place, "response")
    sheet.put("pendings_total", flow.pulses, *place)
    sheet.put("retries_total", flow.retries, *place)
    sheet.put("redispatches_total", flow.redispatches, *place)


def _put_pool(sheet: Sheet, pool: PoolState) -> None:
    name, sessions, tally = pool.name, pool.sessions, pool.rules.tally
    servers = {backend.name: backend for vdir, _ in pool.directories for backend in vdir.backends}
    for server, backend in servers.items():
        sheet.put("sessions", sessions.at(server), name, server)
        sheet.put("waits_open", pool.waits.get(server, 0), name, server)
        sheet.put("backend_weight", backend.weight, name, server)
        for admin in Admin:
            sheet.put("backend_admin_state", backend.admin is admin, name, server, admin.value)
    sheet.put("oldest_pending_age_seconds", pool.oldest_pending or 0.0, name)
    sheet.put("sessions_moved_total", sessions.moved, name)
    sheet.put("sessions_evicted_total", sessions.evicted, name)
    for rung in RUNGS:
        sheet.put("affinity_decisions_total", tally.rungs[rung], name, rung)
    sheet.put("unmatched_cookies_total", tally.unmatched, name)
    sheet.put("channels_open", len(pool.rules.channels), name)
    sheet.put("replays_total", tally.resent, name)
    refusals = {"unavailable": tally.refused, "session_lost": tally.lost, "outcome_unknown": tally.broken}
    for reason, count in refusals.items():
        sheet.put("refusals_total", count, name, reason)
    sheet.put("hangs_total", tally.hangs, name)
    loops = pool.rules.auth_loops
    sheet.put("auth_loops_total", loops.loops, name)
    sheet.put("auth_rows", len(loops), name)
    sheet.put("credentials_stopped_total", loops.stopped, name)


def _put_backends(sheet: Sheet, pool: Pool, healths: Mapping[str, Health], now: float) -> None:
    """One virtual directory of all its servers."""
    for backend in pool.backends:
        place = (pool.vdir.name, pool.name, backend.name)
        health = healths[backend.name]
        sheet.put("backend_connections", backend.connections, *place)
        sheet.put("backend_exchanges", backend.exchanges, *place)
        if not pool.vdir.enabled:
            continue
        sheet.put("backend_up", backend.up, *place)
        sheet.put("backend_falls_total", health.falls, *place)
        sheet.put("backend_ejections_total", health.ejections, *place)
        results = {"good": health.good, "bad": health.bad, "suspect": health.suspect}
        for result, count in results.items():
            sheet.put("probes_total", count, *place, result)
        last = health.last
        if last is None:
            continue
        sheet.put("probe_success", last.ok, *place)
        sheet.put("probe_age_seconds", max(0.0, now - health.last_at), *place)
        stages = {"connect": last.connect, "tls": last.tls, "http": last.http, "body": last.body}
        for stage, seconds in stages.items():
            if seconds is not None:
                sheet.put("probe_stage_duration_seconds", seconds, *place, stage)


def _put_listeners(sheet: Sheet, state: State) -> None:
    for name, doors in state.listeners.items():
        sheet.put("listener_connections", len(doors), name)
        sheet.put("listener_connections_limit", doors.limit, name)
        sheet.put("listener_accepted_total", doors.accepted, name)
        sheet.put("listener_turned_away_total", doors.turned_away, name)
        if doors.secure:
            sheet.put("tls_handshakes_total", doors.handshakes, name)
            for reason, count in doors.failed_handshakes.items():
                sheet.put("tls_handshake_failures_total", count, name, reason)
    for each in state.certificates:
        sheet.put(
            "certificate_not_after_timestamp_seconds", each.until, each.side, each.owner, each.subject
        )
    for (listener, pool, server), matches in state.protection.items():
        sheet.put("extended_protection_match", matches, listener, pool, server)
    sheet.put("certificates_renewed_total", state.certificates_renewed)


def _put_process(sheet: Sheet, state: State) -> None:
    sheet.put("build_info", 1, mapiproxy.__version__, platform.python_version(), version("twisted"))
    sheet.put("config_generation", state.generation)
    sheet.put("config_last_load_timestamp_seconds", state.loaded_at)
    sheet.put("config_last_reload_success", state.reload_ok)
    for result, count in state.reloads.items():
        sheet.put("config_reloads_total", count, result)
    now, worst = state.lag
    sheet.put("reactor_lag_seconds", now)
    sheet.put("reactor_lag_worst_seconds", worst)
    sheet.put("log_lines_written_total", state.log_written)
    sheet.put("log_lines_lost_total", state.log_lost)
