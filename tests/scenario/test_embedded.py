"""The laboratory within somebody's own tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from mapiproxy.lab.virtual import Stuck
from mapiproxy.scenario import Lab
from mapiproxy.scenario.playing import play_virtually
from mapiproxy.scenario.reading import read_scenario
from mapiproxy.scenario.stage import CannotAct
from mapiproxy.scenario.verbs import VERBS
from mapiproxy.settings import SettingsError


def test_a_laptop_sleeps_and_its_session_does_not_end() -> None:
    with Lab(servers=2) as lab:
        alice = lab.outlook("alice")
        lab.advance("90s")
        alice.outlook.hibernate()
        lab.advance("10m")
        alice.outlook.resume()
        lab.advance("30s")

        assert alice.book.contexts_lost == 0
        assert lab.book.connects_with_cookies == 0
        assert any("Execute" in line or "emsmdb" in line for line in lab.log_lines())
        lab.expect(reconnects=0, outage_max="2s", codes=0)


@pytest.mark.parametrize(("kind", "lost"), [("exchange", 0), ("grommunio", 1)])
def test_a_server_dies_and_the_proxy_says_so(kind: str, lost: int) -> None:
    with Lab(kind, extra='[health]\ninterval = "2s"\n') as lab:
        lab.outlook("alice", profile="online")
        lab.advance("20s")
        lab.do("crash", server="home", lasting="10s")
        lab.advance("30s")

        assert any("MBX1 DOWN" in text for text in lab.messages())
        assert bool(lab.facts()["contexts_lost"]) == bool(lost)
        assert [each["up"] for each in lab.order("servers")["servers"]] == [True, True]


def test_a_device_with_a_fault_that_is_added_and_removed() -> None:
    with Lab() as lab:
        lab.device("wan", device="wire", tls="end")
        lab.outlook("alice", profile="online", pace=4)
        lab.advance("20s")
        (box,) = lab.boxes("wan")
        box.add({"fault": "response_code", "code": 10, "request_type": "Execute", "limit": 1})
        lab.advance("20s")

        assert lab.facts()["codes"] == {"10": 1}
        lab.expect(contexts_lost=1, executed_twice=0)


def test_what_is_not_as_expected_is_said_with_both_numbers() -> None:
    with Lab() as lab:
        lab.outlook("alice")
        lab.advance("5s")
        with pytest.raises(AssertionError, match="FAILED  connects: expected at least 7, got 2"):
            lab.expect(connects={"min": 7})


def test_mistakes_are_named() -> None:
    with Lab() as lab:
        with pytest.raises(SettingsError, match='unknown: "crahs"; did you mean "crash"'):
            lab.do("crahs")
        with pytest.raises(SettingsError, match='there is no server "mbx7"'):
            lab.do("crash", server="mbx7")
        with pytest.raises(SettingsError, match="nothing of that name can be expected"):
            lab.expect(reconects=0)
        with pytest.raises(RuntimeError, match="before people"):
            lab.device("late")
    with Lab() as lab, pytest.raises(SettingsError, match="unknown key timeoot"):
        lab.device("firewall", device="idle_firewall", timeout="20s", timeoot="20s")


def test_a_step_that_fails_is_raised_where_time_passes() -> None:
    with Lab() as lab:
        lab.outlook("alice")
        with pytest.raises(CannotAct, match="nobody knows which server is home"):
            lab.do("crash")


def test_something_of_ones_own_runs_in_the_same_time() -> None:
    with Lab() as lab:

        async def later() -> str:
            over: Deferred[str] = Deferred()
            lab.reactor.callLater(1800, over.callback, "half an hour")
            return await over

        assert lab.run(later()) == "half an hour"
        with pytest.raises(Stuck):
            lab.run(Deferred(), limit="1m")


def test_nothing_is_left_when_it_is_over() -> None:
    with Lab(nodes=2) as lab:
        lab.outlook("alice", network="office")
        lab.outlook("bob", network="home")
        lab.advance("30s")
        assert lab.reactor.ports

    assert lab.reactor.ports == {}
    lab.reactor.advance(7200)
    assert lab.reactor.getDelayedCalls() == []


README = (Path(__file__).parent.parent.parent / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    section = README.partition("\n## Scenarios\n")[2].partition("\n## ")[0]
    return [block.partition("\n```")[0] for block in section.split(f"```{language}\n")[1:]]


def test_the_test_in_the_readme_passes() -> None:
    (text,) = blocks("python")
    names: dict[str, Any] = {}
    exec(text, names)
    names["test_a_server_may_die_over_lunch"]()


def test_the_scenario_in_the_readme_is_as_expected_and_names_every_verb() -> None:
    (text,) = blocks("toml")
    scenario = read_scenario(text, Path("lunch.toml"))

    assert play_virtually(scenario, "exchange").summary.startswith("ok: ")
    assert play_virtually(scenario, "grommunio").summary.startswith("ok: ")
    assert {verb for verb in VERBS if verb not in text} == {"resume"}
