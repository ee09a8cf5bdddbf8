"""Which metrics are there? Their names, kinds, labels, and what each one says.

The README's table and the alert rules are compared with this list by tests, so a metric that is not here
does not exist. Base units: seconds, bytes. Labels are bounded (``record/series.py``); none is about a person.
"""

from __future__ import annotations

from attrs import frozen
from prometheus_client import Metric

PLACE = ("vdir", "pool", "backend")


@frozen
class Described:
    """A metric.

    :ivar name: as it is asked for, so that of a counter ends in ``_total``.
    :ivar kind: ``counter``, ``gauge``, ``histogram`` or ``info``.
    """

    name: str
    kind: str
    help: str
    labels: tuple[str, ...] = ()

    def family(self) -> Metric:
        """It, without a value yet; families of counters and infos are named without what is behind."""
        return Metric(self.name.removesuffix("_total").removesuffix("_info"), self.help, self.kind)


_ALL = (
    # What exchanges added up to.
    Described("mapiproxy_requests_total", "counter",
              "Requests that are over; an empty backend means that nobody was asked.",
              (*PLACE, "request_type", "method", "status", "code")),
    Described("mapiproxy_request_duration_seconds", "histogram",
              "Completed phases of requests, without those that wait by design.", (*PLACE, "phase")),
    Described("mapiproxy_wait_duration_seconds", "histogram",
              "NotificationWaits, Outlook Anywhere channels and ActiveSync Pings, however they ended.",
              (*PLACE, "kind")),
    Described("mapiproxy_pendings_total", "counter", "PENDINGs passed on by NotificationWaits that are over.",
              PLACE),
    Described("mapiproxy_request_body_bytes_total", "counter", "Bytes of request bodies.", PLACE),
    Described("mapiproxy_response_body_bytes_total", "counter", "Bytes of answers' bodies.", PLACE),
    Described("mapiproxy_outcomes_total", "counter",
              "Requests that did not end well, by the log's ErrorCode (ProtocolError: the backend's 401).",
              (*PLACE, "outcome")),
    Described("mapiproxy_backend_errors_total", "counter",
              "connect: could not be reached; response: lost, hung or 5xx; denied: nobody was asked.",
              (*PLACE, "kind")),
    Described("mapiproxy_retries_total", "counter", "Requests that it failed and were tried again.", PLACE),
    Described("mapiproxy_redispatches_total", "counter", "Of those, the ones tried elsewhere.", PLACE),
    Described("mapiproxy_client_requests_total", "counter", "Requests by what clients say they are.",
              ("build",)),
    # How requests find their backend.
    Described("mapiproxy_sessions", "gauge", "Sessions in the table.", ("pool", "backend")),
    Described("mapiproxy_sessions_moved_total", "counter", "Sessions that went on at another backend.",
              ("pool",)),
    Described("mapiproxy_sessions_evicted_total", "counter", "Sessions forgotten because the table was full.",
              ("pool",)),
    Described("mapiproxy_affinity_decisions_total", "counter", "Requests routed, by the rung that decided.",
              ("pool", "rung")),
    Described("mapiproxy_unmatched_cookies_total", "counter",
              "Requests with a session cookie that nobody here knew.", ("pool",)),
    Described("mapiproxy_waits_open", "gauge", "NotificationWaits open now.", ("pool", "backend")),
    Described("mapiproxy_oldest_pending_age_seconds", "gauge",
              "Seconds since the last sign of life of the open wait that is silent longest; 0 without any.",
              ("pool",)),
    Described("mapiproxy_channels_open", "gauge", "Outlook Anywhere channels open now.", ("pool",)),
    # What went wrong, and what was done.
    Described("mapiproxy_replays_total", "counter", "Requests sent again unseen.", ("pool",)),
    Described("mapiproxy_refusals_total", "counter",
              "unavailable: 503; session_lost: X-ResponseCode 10; outcome_unknown: connection broken.",
              ("pool", "reason")),
    Described("mapiproxy_hangs_total", "counter", "Answers that stopped without a PENDING.", ("pool",)),
    Described("mapiproxy_auth_loops_total", "counter", "Rows of 401 that were worth a line.", ("pool",)),
    Described("mapiproxy_auth_rows", "gauge", "Clients remembered for a row of 401.", ("pool",)),
    Described("mapiproxy_credentials_stopped_total", "counter",
              "Credentials not passed on by the lockout guard.", ("pool",)),
    # Servers.
    Described("mapiproxy_backend_up", "gauge", "1 if it is up, 0 if it is DOWN.", PLACE),
    Described("mapiproxy_backend_admin_state", "gauge", "1 for what the operator wants of it.",
              ("pool", "backend", "state")),
    Described("mapiproxy_backend_weight", "gauge", "Share of new mailboxes.", ("pool", "backend")),
    Described("mapiproxy_backend_connections", "gauge", "Client connections that hold a connection to it.",
              PLACE),
    Described("mapiproxy_backend_exchanges", "gauge", "Requests in progress, waits included.", PLACE),
    Described("mapiproxy_backend_falls_total", "counter", "How often it went DOWN.", PLACE),
    Described("mapiproxy_backend_ejections_total", "counter", "Of those, how often by live traffic.", PLACE),
    Described("mapiproxy_probes_total", "counter",
              "Probes, by result: good, bad, or suspect (our own reactor was late).", (*PLACE, "result")),
    Described("mapiproxy_probe_success", "gauge", "1 if the last probe was good.", PLACE),
    Described("mapiproxy_probe_stage_duration_seconds", "gauge",
              "Completed stages of the last probe: connect, tls, http (up to the head), body.",
              (*PLACE, "stage")),
    Described("mapiproxy_probe_age_seconds", "gauge", "Seconds since the last probe was over.", PLACE),
    # Listeners and certificates.
    Described("mapiproxy_listener_connections", "gauge", "Client connections open now.", ("listener",)),
    Described("mapiproxy_listener_connections_limit", "gauge", "How many may be open.", ("listener",)),
    Described("mapiproxy_listener_accepted_total", "counter", "Client connections accepted.", ("listener",)),
    Described("mapiproxy_listener_turned_away_total", "counter", "Client connections that were too many.",
              ("listener",)),
    Described("mapiproxy_tls_handshakes_total", "counter", "TLS handshakes of clients that were completed.",
              ("listener",)),
    Described("mapiproxy_tls_handshake_failures_total", "counter", "Those that were not, by reason.",
              ("listener", "reason")),
    Described("mapiproxy_certificate_not_after_timestamp_seconds", "gauge",
              "When a certificate ends that a listener shows, or that a server showed last.",
              ("side", "owner", "subject")),
    Described("mapiproxy_extended_protection_match", "gauge",
              "1 if a listener and an Exchange server show what Extended Protection needs, 0 if not.",
              ("listener", "pool", "backend")),
    Described("mapiproxy_certificates_renewed_total", "counter", "Certificates read again from their files."),
    # The process.
    Described("mapiproxy_build_info", "info", "Versions.", ("version", "python", "twisted")),
    Described("mapiproxy_config_generation", "gauge", "Counts configurations, from 1."),
    Described("mapiproxy_config_last_load_timestamp_seconds", "gauge",
              "When the configuration in effect was read."),
    Described("mapiproxy_config_last_reload_success", "gauge", "0 if the last reload was refused."),
    Described("mapiproxy_config_reloads_total", "counter", "Reloads, by result.", ("result",)),
    Described("mapiproxy_reactor_lag_seconds", "gauge", "How late the reactor was at its last beat."),
    Described("mapiproxy_reactor_lag_worst_seconds", "gauge", "How late it was at worst, ever."),
    Described("mapiproxy_log_lines_written_total", "counter", "Lines of the HttpProxy log on the disk."),
    Described("mapiproxy_log_lines_lost_total", "counter", "Lines of the HttpProxy log that are lost."),
)  # fmt: skip
METRICS = {each.name: each for each in _ALL}
#: What the process collector of prometheus-client adds is named with this before it.
PROCESS = "mapiproxy"
