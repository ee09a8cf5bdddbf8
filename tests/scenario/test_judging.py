"""Expectations against facts: what passes, what fails, and how it is said."""

from __future__ import annotations

import re

import pytest

from mapiproxy.scenario.judging import Check, Detection, Expectation, judge


@pytest.mark.parametrize(
    ("check", "good", "bad", "shown"),
    [
        (Check(0, 0), 0, 1, "0"),
        (Check(2, None), 2, 1, "at least 2"),
        (Check(None, 3), 3, 4, "at most 3"),
        (Check(1, 3), 2, 4, "1 to 3"),
        (Check(None, 2.5, seconds=True), 2.5, 2.6, "at most 2.5s"),
        (Check(None, 0.2, seconds=True), 0.1, 0.3, "at most 200ms"),
    ],
)
def test_limits(check: Check, good: float, bad: float, shown: str) -> None:
    assert (check.passes(good), check.passes(bad), str(check)) == (True, False, shown)


def test_a_finding_says_what_was_wanted_and_what_came() -> None:
    found, missed = judge(
        [Expectation(("reconnects",), Check(0, 0), 7), Expectation(("outage_max",), Check(None, 2, True), 8)],
        {"reconnects": 0, "outage_max": 3.25},
    )

    assert (str(found), found.line) == ("ok      reconnects: 0", 7)
    assert str(missed) == "FAILED  outage_max: expected at most 2s, got 3.2s"


def test_counts_by_name() -> None:
    facts = {"codes": {"10": 2, "15": 1, "7": 4}, "log": {"Ending": {"Done": 3, "BackendLost": 1}}}
    expected = [
        Expectation(("codes", "10"), Check(2, 2)),
        Expectation(("codes", "13"), Check(0, 0)),
        Expectation(("codes", "*"), Check(5, 5), named=("10",)),
        Expectation(("codes",), Check(7, 7)),
        Expectation(("log", "Ending", "BackendLost"), Check(1, 1)),
        Expectation(("log", "MovedFrom"), Check(0, 0)),
    ]

    assert [each.ok for each in judge(expected, facts)] == [True] * 6


SAYS = {"says": [(1.0, "backend A UP"), (12.0, "backend A DOWN: refused")], "marks": {"crash": 10.0}}


@pytest.mark.parametrize(
    ("detection", "ok", "got"),
    [
        (Detection(re.compile("A DOWN"), "crash", 3.0), True, "after 2s: backend A DOWN: refused"),
        (Detection(re.compile("A DOWN"), "crash", 1.0), False, "after 2s: backend A DOWN: refused"),
        (Detection(re.compile("A UP"), "crash"), False, "it never said so"),
        (Detection(re.compile("A UP")), True, "after 1s: backend A UP"),
        (Detection(re.compile("A"), "freeze"), False, "the step freeze did not happen"),
    ],
)
def test_what_the_proxy_must_say_in_time(detection: Detection, ok: bool, got: str) -> None:
    finding = detection.find(SAYS)

    assert (finding.ok, finding.got) == (ok, got)
