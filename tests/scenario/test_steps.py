"""Steps as they are written; what they do is in the tests of the verbs."""

from __future__ import annotations

from pathlib import Path

import pytest

from mapiproxy.scenario.client_verbs import Hibernate
from mapiproxy.scenario.steps import VERB_FILES, make_step, read_steps
from mapiproxy.scenario.verbs import VERBS
from mapiproxy.settings.problems import Problems

KNOWN = {"client": ["alice", "all"], "server": ["mbx1", "home"], "device": ["wan"]}


def problems_of(*tables: dict[str, object]) -> list[str]:
    problems = Problems(Path("x"))
    read_steps(tables, 60, KNOWN, problems)
    return [f"{each.key}: {each.text}" for each in problems.found]


def test_one_name_or_several() -> None:
    problems = Problems(Path("x"))
    one, two = (
        make_step("hibernate", {"client": given, "lasting": "5m"}, KNOWN, problems)
        for given in ("alice", ["alice", "all"])
    )

    assert problems.found == []
    assert one == Hibernate(("alice",), 300)
    assert two == Hibernate(("alice", "all"), 300)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"do": "crash"}, 'step[0].at: missing; write at = "90s"'),
        ({"at": "1s"}, "step[0].do: missing; one of "),
        ({"at": "1s", "do": ["crash"]}, "step[0].do: unknown: "),
        ({"at": "1s", "do": {"word": "crash"}}, "step[0].do: unknown: "),
        ({"at": "1s", "do": "crash", "name": 7}, "step[0].name: must be a string, not 7"),
        ({"at": "1s", "do": "fault", "rule": {"fault": "reset"}}, "step[0].device: missing: which device?"),
        ({"at": "1s", "do": "heal", "device": "lan"}, 'step[0].device: there is no device "lan"'),
        ({"at": "1s", "do": "fault", "device": "wan", "rule": {}}, "step[0].rule: fault is needed"),
        ({"at": "1s", "do": "flap", "times": 0}, "step[0].times: must be from 1 to 1000"),
        ({"at": "1s", "do": "vpn_flap", "gap": 3}, "step[0].gap: a duration needs a unit"),
    ],
)
def test_what_is_wrong_with_a_step(table: dict[str, object], says: str) -> None:
    assert any(each.startswith(says) for each in problems_of(table)), problems_of(table)


def test_every_verb_of_every_file_is_known_and_says_what_it_does() -> None:
    found = {name for file in VERB_FILES for name in vars(file) if name in {v.__name__ for v in VERBS.values()}}

    assert found == {verb.__name__ for verb in VERBS.values()}
    assert all(verb.__doc__ for verb in VERBS.values())
