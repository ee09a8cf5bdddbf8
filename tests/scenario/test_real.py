"""The same scenario on real sockets, and against a proxy that is somebody else's."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from support.scenarios import FRAME, scenario, step

from mapiproxy.scenario.real import free_port, why_not
from mapiproxy.scenario.target import make_target

PROGRAM = "from mapiproxy.commands import main; main()"
REAL = FRAME.replace('"60s"', '"4s"').replace("pace = 4.0", "pace = 20.0") + 'network = "office"\n'
TEXT = (
    'time = "both"\n'
    + REAL
    + '[[device]]\nname = "wan"\nplace = "client-side"\n'
    + step("1s", "fault", device='"wan"', rule='{fault = "reset", request_type = "Execute", limit = 1}')
    + step("2s", "restart", server='"mbx2"')
    + "[expect]\nexecutes = {min = 4}\nexecutes_unknown = 1\noffline = 0\n"
)


def test_on_real_sockets_it_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "real-one.toml"
    path.write_text(TEXT)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "lab", "run", str(path), "--real", "--json", "--kind", "exchange"],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    (played,) = json.loads(done.stdout)["scenarios"]
    assert (played["time"], played["ok"]) == ("real", True)
    assert played["facts"]["left"] == []


def test_why_a_scenario_cannot_be_played_here() -> None:
    target = make_target("https://mail.example.com", ["alice@example.com:secret"], None)
    virtual = scenario()
    both = 'time = "both"\n' + FRAME

    assert why_not(virtual, None) == "needs virtual time"
    assert why_not(scenario(frame=both), None) is None
    assert why_not(scenario(frame=both), target) is None
    assert why_not(scenario(step("1s", "crash"), frame=both), target) == (
        "its step crash needs servers and a proxy of its own"
    )
    core = '[[device]]\nname = "core"\nplace = "server-side"\n'
    assert why_not(scenario(core, frame=both), target) == "has a device behind the proxy"
    assert why_not(scenario('[[client]]\nname = "bob"\n', frame=both), target) == "needs 2 accounts, not 1"


def test_a_free_port_is_free() -> None:
    assert free_port() != free_port()
