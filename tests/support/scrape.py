"""Reads an exposition as Prometheus does; and a state to make one of, without a service."""

from __future__ import annotations

from typing import Any

from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text
from support.lines import Stage

from mapiproxy.admin.state import CertificateState, PoolState, State
from mapiproxy.backends.fleet import Admin, Backend, Pool
from mapiproxy.backends.health import Health, HealthRules, Probed
from mapiproxy.backends.kind import Kind
from mapiproxy.backends.sessions import Sessions
from mapiproxy.backends.vdir import VirtualDirectory
from mapiproxy.net.frontdoor import FrontDoors
from mapiproxy.policy.rules import Rules
from mapiproxy.record.statistics import Statistics


class Scraped:
    """An answer; samples by name and labels."""

    def __init__(self, content_type: str, body: bytes) -> None:
        read = read_openmetrics if "openmetrics" in content_type else read_text
        self.text = body.decode()
        self.families: list[Metric] = list(read(self.text))
        self.samples = [sample for family in self.families for sample in family.samples]

    def one(self, name: str, **labels: str) -> float:
        """The value of the one sample that has these labels among its own."""
        (value,) = self.all(name, **labels)
        return value

    def all(self, name: str, **labels: str) -> list[float]:
        """The values of all samples that have them."""
        name = f"mapiproxy_{name}"
        return [s.value for s in self.samples if s.name == name and labels.items() <= s.labels.items()]

    def sum(self, name: str, **labels: str) -> float:
        """Their sum."""
        return sum(self.all(name, **labels))


def pool(*, enabled: bool = True) -> Pool:
    """One server that is up, and one that drains and is DOWN."""
    servers = (Backend("exch1", "10.0.0.1", 443), Backend("exch2", "10.0.0.2", 443, up=False, admin=Admin.DRAIN))
    return Pool("mail", Kind.EXCHANGE, servers, VirtualDirectory("mapi", enabled=enabled))


def state(statistics: Statistics | None = None, fleet: Pool | None = None, **more: Any) -> State:
    """A service with one listener and one pool, 100 s after its clock began."""
    fleet = fleet if fleet is not None else pool()
    sessions = Sessions()
    healths = {each.name: Health(HealthRules(), up=each.up) for each in fleet.backends}
    healths["exch1"].probed(Probed(True, connect=0.001, tls=0.002, http=0.003, body=0.0), 95.0)
    healths["exch2"].probed(Probed(False, "tls", "took longer", connect=0.001), 99.0)
    doors = FrontDoors(Stage().relay.house, secure=True, forwarded=True, head_limit=1, limit=20)
    only = PoolState("mail", Rules((fleet,), sessions), sessions, [(fleet, healths)], {"exch1": 3}, 2.5)
    facts: dict[str, Any] = {
        "now": 100.0, "statistics": statistics or Statistics(), "pools": [only], "listeners": {"https": doors},
        "certificates": [CertificateState("listener", "https", "mail.example.com", 1e9)],
        "protection": {("https", "mail", "exch1"): False}, "certificates_renewed": 1, "lag": (0.1, 0.2),
        "generation": 3, "loaded_at": 5.0, "reload_ok": False, "reloads": {"good": 2, "refused": 1},
        "log_written": 7, "log_lost": 0,
    }  # fmt: skip
    return State(**(facts | more))
