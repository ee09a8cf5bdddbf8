"""A run as one self-contained HTML page, and as JSON: verdicts, expectations, timelines, seeds.

The page needs nothing from outside and shows what others wrote only as text.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from attrs import frozen
from jinja2 import Environment, PackageLoader

import mapiproxy
from mapiproxy.scenario.axis import show_length
from mapiproxy.scenario.causes import CAUSES
from mapiproxy.scenario.drawing import Drawing, draw
from mapiproxy.scenario.subjects import SUBJECTS
from mapiproxy.scenario.verdict import Played

#: Outcome of a request to what it is called in the legend.
OUTCOMES = {
    "ok": "answered",
    "late": "late",
    "code": "X-ResponseCode not 0",
    "status": "HTTP status not 200",
    "lost": "no answer, or half of one",
    "refused": "nobody to be reached",
}


@frozen
class _Section:
    """A scenario on the page."""

    played: Played
    drawing: Drawing

    @property
    def anchor(self) -> str:
        return f"{self.played.name}-{self.played.kind}"

    @property
    def outcomes(self) -> list[str]:
        """Those that the legend has to explain here."""
        there = {each.outcome for each in self.played.happenings if each.kind == "request"}
        return [outcome for outcome in OUTCOMES if outcome in there]

    @property
    def told(self) -> list[tuple[str, Any]]:
        """Every number there is, for the curious."""
        facts = self.played.facts
        return [(name, facts[name]) for name in SUBJECTS if name in facts and name != "log"]


def html(played: Sequence[Played]) -> str:
    """The page."""
    environment = Environment(
        loader=PackageLoader("mapiproxy.scenario"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["length"] = show_length
    environment.filters["xy"] = lambda number: f"{number:.1f}".removesuffix(".0")
    sections = [_Section(each, draw(each.happenings, each.duration, each.group_of)) for each in played]
    return environment.get_template("report.html").render(
        sections=sections,
        passed=sum(each.ok for each in played),
        took=sum(each.took for each in played),
        version=mapiproxy.__version__,
        causes=CAUSES,
        subjects=SUBJECTS,
        outcome_words=OUTCOMES,
    )


def as_json(played: Sequence[Played]) -> str:
    """All data, with the seeds that repeat it."""
    document = {
        "version": mapiproxy.__version__,
        "ok": all(each.ok for each in played),
        "scenarios": [each.plain() for each in played],
    }
    return json.dumps(document, indent=1, sort_keys=False) + "\n"
