"""The stage that ``mapiproxy lab`` sets up: its files, its parts, its port."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.staging import staged

from mapiproxy.commands.stage import pick_port


@pytest.mark.parametrize("kind", ["exchange", "grommunio"])
def test_the_configuration_is_one_that_the_proxy_accepts(tmp_path: Path, kind: str) -> None:
    stage, settings = staged(tmp_path, kind)
    (group,) = settings.backends
    assert group.kind == kind
    assert [server.name for server in group.servers] == [s.name for s in stage.servers]
    assert {part.backend for part in stage.parts} == {server.name for server in group.servers}
    assert settings.listeners[0].bind[0].port == stage.port
    assert settings.log.directory == stage.log_folder


def test_a_wanted_port_is_taken_as_it_is() -> None:
    assert pick_port(4711) == 4711
    assert pick_port(0) > 0
