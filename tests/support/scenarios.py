"""Scenarios from a few lines of text, played in virtual time."""

from __future__ import annotations

from pathlib import Path

from mapiproxy.lab.happening import Happening
from mapiproxy.scenario.playing import play_virtually
from mapiproxy.scenario.reading import Scenario, read_scenario
from mapiproxy.scenario.verdict import Played

#: What a scenario needs beside its steps.
FRAME = """\
title = "A test"
why = "To see."
causes = ["reset"]
duration = "60s"
kinds = ["exchange", "grommunio"]
[[client]]
name = "alice"
profile = "online"
pace = 4.0
"""


def scenario(more: str = "", frame: str = FRAME, expect: str = "offline = {max = 9}") -> Scenario:
    """:raise SettingsError: as it would be for a file."""
    return read_scenario(f"{frame}{more}\n[expect]\n{expect}\n", Path("a-test.toml"))


def play(more: str = "", kind: str = "exchange", frame: str = FRAME, **given: str) -> Played:
    """Play it once."""
    return play_virtually(scenario(more, frame, **given), kind)


def step(at: str, do: str, **keys: str) -> str:
    """One step, as it is written; values are TOML."""
    return f'[[step]]\nat = "{at}"\ndo = "{do}"\n' + "".join(f"{key} = {text}\n" for key, text in keys.items())


def told(played: Played, lane: str, kind: str = "") -> list[tuple[float, str]]:
    """When what was told on a lane: seconds to one decimal, and the label."""
    return [
        (round(each.at, 1), each.label)
        for each in played.happenings
        if each.lane == lane and kind in ("", each.kind)
    ]


def requests(played: Played, lane: str = "alice", label: str = "") -> list[Happening]:
    return [
        each
        for each in played.happenings
        if each.lane == lane and each.kind == "request" and label in ("", each.label)
    ]
