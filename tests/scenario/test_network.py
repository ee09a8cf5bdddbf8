"""Devices are placed where the scenario says, in its order, and treat TLS as they must."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.scenarios import FRAME, play, step

from mapiproxy.lab.network.tls import PassThrough
from mapiproxy.scenario import Lab
from mapiproxy.scenario.network import check_device
from mapiproxy.scenario.shape import DeviceTable
from mapiproxy.settings.problems import Problems


def test_devices_of_one_network_stand_one_behind_the_other() -> None:
    with Lab() as lab:
        lab.device("first")
        lab.device("second")
        lab.outlook("alice")
        lab.advance("10s")
        (first,), (second,) = lab.boxes("first"), lab.boxes("second")

        assert first.to == [("127.0.0.1", second._listen[1])]
        assert second.to == [("127.0.0.1", lab.stage.nodes[0].port)]
        assert first.counters.connections == second.counters.connections > 0


def test_a_device_of_one_network_is_not_in_the_way_of_another() -> None:
    with Lab() as lab:
        lab.device("wan", network="home")
        lab.outlook("alice", network="office")
        lab.outlook("bob", network="home")
        lab.advance("10s")
        (box,) = lab.boxes("wan")

        assert 0 < box.counters.connections < lab.book.dials


def test_without_a_server_a_device_stands_before_each() -> None:
    with Lab(servers=3) as lab:
        lab.device("core", "server-side")
        lab.advance("5s")

        assert [box.name for box in lab.boxes("core")] == ["core/MBX1", "core/MBX2", "core/MBX3"]
        assert lab.stage.lanes()["core/MBX2"] == "server device"
        assert all(box.counters.connections for box in lab.boxes("core"))  # the probes


def test_tls_is_ended_only_where_a_rule_has_to_look_inside() -> None:
    with Lab() as lab:
        lab.device("blind", rules=[{"fault": "latency", "delay": "10ms"}])
        lab.device("seeing", rules=[{"fault": "latency", "delay": "10ms", "request_type": "Execute"}])
        lab.device("told", tls="end")
        lab.outlook("alice")
        kinds = {name: lab.boxes(name)[0].termination is not None for name in ("blind", "seeing", "told")}

        assert kinds == {"blind": False, "seeing": True, "told": True}
        assert PassThrough
        lab.advance("10s")
        lab.expect(connects={"min": 2}, bad_answers=0)


def test_a_rule_that_a_step_adds_is_prepared_for() -> None:
    frame = FRAME + '[[device]]\nname = "wan"\nplace = "client-side"\n'
    rule = '{fault = "response_code", code = 10, request_type = "Execute", limit = 1}'
    played = play(step("20s", "fault", device='"wan"', rule=rule), frame=frame)

    assert played.facts["codes"] == {"10": 1}


@pytest.mark.parametrize(
    ("rest", "says"),
    [
        ({"device": "idle_firewal", "timeout": "5s"}, "did you mean idle_firewall"),
        ({"device": "idle_firewall"}, "timeout is needed"),
        ({"device": "idle_firewall", "timeout": 5}, "a duration needs a unit"),
        ({"device": "nat", "tiemout": "5s"}, "unknown key tiemout"),
        ({"rules": "latency"}, "must be a list of tables"),
        ({"rules": ["latency"]}, "must be a table like"),
        ({"tls": "maybe"}, 'must be "pass" or "end"'),
    ],
)
def test_what_is_wrong_with_a_device(rest: dict[str, object], says: str) -> None:
    problems = Problems(Path("x"))
    check_device(DeviceTable("wan", "client-side", rest=rest), ("device", 0), problems)

    assert any(says in each.text for each in problems.found), problems.found
