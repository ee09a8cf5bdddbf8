"""Metrics for Prometheus: what is asked for with GET /metrics, or with ``mapiproxy metrics``.

A registry of its own, made for one answer, so that nothing is ever counted twice or kept: the numbers are in
``record/statistics.py`` and in the live state. The data path knows nothing of prometheus-client.

Writing a large site's metrics down takes six times as long as gathering them, a quarter of a second for ten
servers with eight virtual directories each. So the two are apart: gathering has to be done where the numbers
change, writing may be done in a thread.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Metric, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from mapiproxy.admin.catalogue import PROCESS
from mapiproxy.admin.families import fill
from mapiproxy.admin.state import State

#: A version of a format that nobody knows. The encoder would repeat it in its content type, or stumble.
_UNKNOWN = re.compile(r"version\s*=\s*(?!(?:0\.0\.4|1\.0\.0)\s*(?:[;,]|$))[^;,]*")

Exposition = tuple[str, bytes]


class ServiceCollector(Collector):
    """The families of one service at the moment when this was made."""

    def __init__(self, state: State) -> None:
        self._families = [*fill(state).families()]

    def collect(self) -> Iterator[Metric]:
        return iter(self._families)


def gather(state: State, accept: str = "") -> Callable[[], Exposition]:
    """Look at everything now. What is returned writes it down, in any thread: content type and body.

    :param accept: the Accept header of who asks: OpenMetrics if it names it, else the text format.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(ServiceCollector(state))
    ProcessCollector(namespace=PROCESS, registry=registry)
    encode, content_type = choose_encoder(_UNKNOWN.sub("", accept))
    return lambda: (content_type, encode(registry))


def render(state: State, accept: str = "") -> Exposition:
    """Content type and body, at once."""
    return gather(state, accept)()
