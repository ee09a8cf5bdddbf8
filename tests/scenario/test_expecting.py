"""``[expect]`` as it is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mapiproxy.scenario.expecting import read_expectations
from mapiproxy.scenario.judging import Detection, Expectation
from mapiproxy.scenario.subjects import ALWAYS
from mapiproxy.settings.problems import Problems


def read(table: dict[str, Any], kind: str = "exchange") -> tuple[dict[str, str], list[str]]:
    problems = Problems(Path("x"))
    found = read_expectations(table, kind, ["crash"], problems)
    checks = {each.name: str(each.check) for each in found if isinstance(each, Expectation)}
    return checks, [f"{each.key}: {each.text}" for each in problems.found]


def test_numbers_limits_and_durations() -> None:
    checks, wrong = read(
        {"reconnects": 0, "waits": {"min": 3}, "connects": {"min": 1, "max": 2}, "outage_max": "2s",
         "execute_max": {"min": "1s", "max": "3s"}}
    )  # fmt: skip

    assert wrong == []
    assert checks["reconnects"] == "0"
    assert checks["waits"] == "at least 3"
    assert checks["connects"] == "1 to 2"
    assert checks["outage_max"] == "at most 2s"
    assert checks["execute_max"] == "1s to 3s"


def test_counts_by_name_and_all_the_others() -> None:
    checks, wrong = read({"codes": {"10": {"max": 1}, "other": 0}, "statuses": 0,
                          "log": {"Ending": {"Done": {"min": 1}}, "MovedFrom": {"min": 2}}})  # fmt: skip

    assert wrong == []
    assert checks["codes.10"] == "at most 1"
    assert checks["codes.*"] == "0"
    assert checks["statuses"] == "0"
    assert checks["log.Ending.Done"] == "at least 1"
    assert checks["log.MovedFrom"] == "at least 2"


def test_what_is_expected_always_is_expected_unless_the_file_says_otherwise() -> None:
    assert set(ALWAYS) <= set(read({"reconnects": 0})[0])
    assert read({"wrong_answers": {"max": 3}})[0]["wrong_answers"] == "at most 3"


def test_each_kind_of_server_may_have_its_own() -> None:
    table = {"contexts_lost": 0, "grommunio": {"contexts_lost": 2}}

    assert read(table, "exchange")[0]["contexts_lost"] == "0"
    assert read(table, "grommunio")[0]["contexts_lost"] == "2"


def test_detections() -> None:
    problems = Problems(Path("x"))
    table = {"detected": [{"step": "crash", "says": "DOWN", "within": "5s"}, {"says": "UP$"}]}
    found = [
        each for each in read_expectations(table, "exchange", ["crash"], problems) if isinstance(each, Detection)
    ]

    assert problems.found == []
    assert [(each.step, each.within) for each in found] == [("crash", 5.0), (None, None)]


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"reconects": 0}, 'nothing of that name can be expected; did you mean "reconnects"?'),
        ({"reconnects": True}, "must be a whole number, not true"),
        ({"reconnects": {"most": 3}}, "must be a number, or a table of min and max"),
        ({"reconnects": {"min": 3, "max": 2}}, "min is more than max"),
        ({"reconnects": {}}, "an empty table expects nothing"),
        ({"outage_max": 2}, "a duration needs a unit"),
        ({"log": {"Endng": {"min": 1}}}, "no column or key of the log"),
        # Nothing is ever counted there, so an expectation of 0 could not fail.
        ({"log": {"Ending": {"BackendLosst": 0}}}, 'no ending of an exchange; did you mean "BackendLost"?'),
        ({"codes": {"1O": 0}}, "must be a number in quotes, or other"),
        ({"statuses": {"5xx": 0}}, "must be a number in quotes, or other"),
        ({"went_down": {"mbx1": 0}}, "no server; they are called MBX1, MBX2"),
        ({"exchange": 3}, "must be a table, not 3"),
        ({"detected": {"step": "crush", "says": "x"}}, 'there is no step "crush"; did you mean "crash"?'),
        ({"detected": {"step": ["crash"], "says": "x"}}, "there is no step "),
        ({"detected": {"says": "("}}, "detected.says: "),
        ({"detected": {"step": "crash"}}, "missing: says = a regular expression"),
        ({"detected": {"says": "x", "whithin": "5s"}}, "unknown key; known here: step, says, within"),
        ({"detected": "DOWN"}, "must be a table"),
    ],
)
def test_mistakes_are_named(table: dict[str, Any], says: str) -> None:
    wrong = read(table)[1]

    assert any(says in each for each in wrong), wrong
