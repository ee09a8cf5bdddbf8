"""Which plots there are."""

from __future__ import annotations

from support.admin import series

from mapiproxy.admin.courses import plots_of


def test_the_five_plots_with_their_units() -> None:
    plots = plots_of({"series": series()})
    assert [(plot.title, plot.unit, len(plot.lines)) for plot in plots] == [
        ("Requests", "per second", 1), ("Errors", "per minute", 1), ("Execute", "ms", 2),
        ("Open waits", "waits", 1), ("Sessions", "sessions", 1),
    ]  # fmt: skip


def test_counts_of_a_step_become_rates_and_gaps_stay() -> None:
    told = {**series(), "requests": [50, None, 0], "errors": [2, 0, None], "waits": [7, 8, 9]}
    plots = plots_of({"series": told})
    assert plots[0].lines[0].values == [5.0, None, 0.0]
    assert plots[1].lines[0].values == [12.0, 0.0, None]
    assert plots[3].lines[0].values == [7.0, 8.0, 9.0]


def test_without_statistics_there_are_none() -> None:
    assert plots_of(None) == plots_of({}) == plots_of({"series": {}}) == []
