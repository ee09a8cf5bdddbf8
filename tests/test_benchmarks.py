"""The benchmark runs from end to end; its figures are nobody's pass or fail."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_the_benchmark_measures_us_and_the_peer_if_there_is_one():
    """Few requests: every answer is checked, which is what can break."""
    done = subprocess.run(
        [sys.executable, "benchmarks/execute.py", "--requests", "40", "--rounds", "1", "--connections", "2", "--json"],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)
    wanted = {"mapiproxy", "mapiproxy without log"} | ({"HAProxy"} if shutil.which("haproxy") else set())
    assert set(result["us"]) == wanted


def test_without_the_peer_it_says_so_plainly():
    done = subprocess.run(
        [sys.executable, "benchmarks/execute.py", "--requests", "40", "--rounds", "1", "--connections", "2"],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False, env={"PATH": "/nonexistent"},
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert "HAProxy                is not installed" in done.stdout


def test_the_cost_of_the_log_is_a_ratio_of_two_proxies_in_one_run():
    done = subprocess.run(
        [sys.executable, "benchmarks/logcost.py", "--requests", "40", "--rounds", "2", "--connections", "2", "--json"],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)
    assert result["connections"] == 2
    assert min(result["off"], result["on"], result["ratio"]) > 0


def test_no_benchmark_is_called_like_a_module_that_all_import():
    """A script's folder comes first on its path."""
    names = {path.stem for path in (ROOT / "benchmarks").glob("*.py")}
    assert names & set(sys.stdlib_module_names) == set()
