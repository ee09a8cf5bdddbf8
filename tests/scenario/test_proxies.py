"""The real service under test, and what operators can do to it."""

from __future__ import annotations

import tomllib

import pytest

from mapiproxy.scenario import Lab
from mapiproxy.scenario.proxies import RefusedOrder
from mapiproxy.settings import load_settings


def test_it_runs_from_a_file_like_any_other() -> None:
    with Lab(extra='[timeouts]\nclient_idle = "60s"\n') as lab:
        (node,) = lab.stage.nodes
        settings = load_settings(node.file)

        assert settings.timeouts.client_idle == 60
        assert [server.name for server in settings.backends[0].servers] == ["MBX1", "MBX2"]
        assert tomllib.loads(node.text())["health"]["interval"] == "30s"


def test_a_scenario_about_health_has_its_own_probes() -> None:
    with Lab(extra='[health]\ninterval = "2s"\n') as lab:
        assert tomllib.loads(lab.stage.nodes[0].text())["health"] == {"interval": "2s"}


def test_an_order_that_is_refused_says_why() -> None:
    with Lab() as lab:
        with pytest.raises(RefusedOrder, match="there is no server MBX9"):
            lab.order("drain", server="MBX9")
        with pytest.raises(RefusedOrder, match="the file was refused"):
            lab.stage.nodes[0].reload("[nonsense]")
        lab.run(lab.stage.nodes[0].stop())
        with pytest.raises(RefusedOrder, match="not running"):
            lab.order("status")


def test_two_nodes_share_a_route_key() -> None:
    with Lab(nodes=2) as lab:
        one, two = lab.stage.nodes

        assert one.key_file == two.key_file
        assert one.port != two.port
        assert one.log_folder != two.log_folder
