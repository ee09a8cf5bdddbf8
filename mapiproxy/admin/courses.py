"""Which plots are drawn of the time series that ``statistics`` has?

Must not know how a plot is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mapiproxy.admin.plot import Line, Plot

#: Title, unit, whether it is a count of each step, and the lines: (name, series).
_PLOTS = (
    ("Requests", "per second", True, (("requests", "requests"),)),
    ("Errors", "per minute", True, (("errors", "errors"),)),
    ("Execute", "ms", False, (("p50", "execute_p50_ms"), ("p95", "execute_p95_ms"))),
    ("Open waits", "waits", False, (("waits", "waits"),)),
    ("Sessions", "sessions", False, (("sessions", "sessions"),)),
)
_SECONDS = {"per second": 1.0, "per minute": 60.0}


def plots_of(statistics: Mapping[str, Any] | None) -> list[Plot]:
    """The plots; none where there are no series."""
    series = (statistics or {}).get("series")
    if not series:
        return []
    step, end = float(series["step"]), float(series["end"])
    plots = []
    for title, unit, counted, names in _PLOTS:
        factor = _SECONDS[unit] / step if counted else 1.0
        lines = tuple(Line(name, _times(series.get(key) or (), factor)) for name, key in names)
        plots.append(Plot(title, unit, lines, step, end))
    return plots


def _times(values: Sequence[float | None], factor: float) -> list[float | None]:
    return [None if value is None else value * factor for value in values]
