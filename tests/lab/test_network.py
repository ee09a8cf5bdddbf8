"""The README's tables are those of the code, its example runs, and the proxy cannot load any of it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from mapiproxy.lab.network.devices import DEVICES
from mapiproxy.lab.network.faults import FAULTS
from mapiproxy.lab.network.pieces import PHASES
from mapiproxy.lab.network.reading import keys_of
from mapiproxy.lab.network.rule import Window
from mapiproxy.lab.network.selector import Selector

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SECTION = README[README.index("## The network of the lab") : README.index("## Where things are")]


def rows(title: str) -> dict[str, set[str]]:
    """First column → the names in the last, without what is in brackets."""
    table = SECTION[SECTION.index(f"| {title} | ") :].partition("\n\n")[0]
    found = {}
    for line in table.splitlines()[2:]:
        first, _, keys = line.strip()[1:-1].split("|")
        found[first.strip(" `")] = set(re.findall(r"`(\w+)`", re.sub(r"\([^)]*\)", "", keys)))
    return found


def test_the_table_of_faults() -> None:
    assert rows("fault") == {name: set(keys_of(cls)) for name, cls in FAULTS.items()}


def test_the_table_of_devices() -> None:
    assert rows("device") == {name: set(keys_of(cls.Settings)) for name, cls in DEVICES.items()}


def test_selectors_and_phases_are_all_named() -> None:
    named = set(re.findall(r"`(\w+)`", SECTION))
    assert {*keys_of(Selector), *keys_of(Window), *PHASES} - named == set()


def test_the_example_runs() -> None:
    code = SECTION[SECTION.index("```python") + 9 :].partition("```")[0]
    done = subprocess.run([sys.executable, "-c", code + "\nassert port > 0"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("room", ["mapiproxy.service", "mapiproxy.tap", "mapiproxy.commands.run", "mapiproxy.net.doors"])
def test_the_proxy_does_not_load_it(room: str) -> None:
    code = f"import sys, {room}; print([name for name in sys.modules if name.startswith('mapiproxy.lab')])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
