"""``mapiproxy lab toxiproxy``: begins with a file, stops cleanly, listens on loopback only."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner
from support.commands import Running

from mapiproxy.commands import main


def test_it_begins_with_the_proxies_of_a_file(tmp_path: Path) -> None:
    config = tmp_path / "toxiproxy.json"
    config.write_text(json.dumps([{"name": "web", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:9"}]))
    with Running("lab", "toxiproxy", "--port", "0", "--config", str(config)) as command:
        assert list(requests.get(f"http://127.0.0.1:{command.port}/proxies").json()) == ["web"]
        command.interrupt()
        assert command.process.returncode == 0


def test_a_file_that_cannot_be_is_told(tmp_path: Path) -> None:
    config = tmp_path / "toxiproxy.json"
    config.write_text('[{"name": "web"}]')
    with Running("lab", "toxiproxy", "--port", "0", "--config", str(config)) as command:
        assert "missing required field: upstream" in command.rest()
        assert command.process.returncode == 1
    config.write_text("{")
    result = CliRunner().invoke(main, ["lab", "toxiproxy", "--config", str(config)])
    assert (result.exit_code, str(config) in result.stderr) == (1, True)


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_elsewhere_than_on_loopback_only_if_it_is_meant(host: str) -> None:
    result = CliRunner().invoke(main, ["lab", "toxiproxy", "--host", host])
    assert result.exit_code == 1
    assert "give --anywhere" in result.stderr
