"""The rules of the house that no linter knows: who may import whom, who may touch what, how long.

Each rule is a few lines over the syntax trees of ``mapiproxy/``. Exceptions are named, and fail
when they are no longer needed.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "mapiproxy"
FILES = sorted(path for path in PACKAGE.rglob("*.py") if "__pycache__" not in path.parts)

_PURE = {"wire", "backends", "mapi", "policy", "record", "exchange", "evidence"}
_BELOW_SERVICE = _PURE | {"net", "lab", "settings"}

#: Room → rooms it may import. Downwards only; never sideways but for what stands here.
MAY_IMPORT: dict[str, set[str]] = {
    "wire": set(),
    "backends": set(),
    "mapi": {"wire", "backends"},
    "policy": {"wire", "mapi", "backends"},
    "record": {"wire", "mapi", "backends"},
    "exchange": {"wire", "mapi", "backends", "policy", "record"},
    # What the log says, for whoever asks; nothing that serves requests needs it.
    "evidence": {"backends", "mapi", "policy", "record"},
    "net": _PURE - {"evidence"},
    # settings: for how durations, sizes and addresses are written.
    "lab": {"wire", "mapi", "backends", "settings"},
    "settings": {"backends", "policy", "record"},
    "lint": set(),
    "admin": {*_PURE, "net"},
    # policy: for reading what Autodiscover says.
    "selftest": {"wire", "backends", "mapi", "policy", "net", "lab"},
    "service": {*_BELOW_SERVICE, "admin"} - {"lab"},
    # Plays the real service in the laboratory; knows nothing of net.
    "scenario": {"record", "lab", "settings", "service"},
    "commands": {*_BELOW_SERVICE, "admin", "lint", "scenario", "selftest", "service"},
    "tap": {"commands", "settings", "service"},
}

#: What pure rooms may import from outside; the standard library is looked at separately.
PURE_LIBRARIES = {"attrs", "attr"}
#: Standard modules that bring a clock, chance, threads or sockets.
IMPURE_MODULES = {
    "asyncio", "random", "secrets", "select", "selectors", "signal", "socket", "ssl",
    "subprocess", "threading", "time",
}  # fmt: skip
IMPURE_CALLS = {"now", "utcnow", "today", "uuid1", "uuid4", "urandom", "monotonic", "perf_counter"}

#: Where the reactor may be imported; everything else is given one.
REACTOR_ROOMS = {"commands", "tap", "service"}
REACTOR_EXCEPTIONS = {"lab/serve.py": "a command of its own: python -m mapiproxy.lab.serve"}

#: The manners of transports, kept in net/line.py (its opening comment says why).
TRANSPORT_CALLS = {
    "abortConnection", "loseConnection", "loseWriteConnection", "pauseProducing",
    "registerProducer", "resumeProducing", "stopProducing", "unregisterProducer",
}  # fmt: skip
TRANSPORT_EXCEPTIONS = {
    "admin/door.py": "ends connections of twisted.web, which have no line",
    "net/eager.py": "is a transport itself",
    "net/prelude.py": "ends connections that have no line yet",
}

#: Files without a test file of their own, and where they are tested instead.
UNMIRRORED = {
    "admin/views.py": "shapes; made by tests/support/admin.py",
    "admin/state.py": "plain values; made in tests/service/test_scraping.py",
    "commands/comparing.py": "of cert and check --online; tests/commands/test_cert.py runs both",
    "lab/errors.py": "names; raised in tests/lab/test_client.py",
    "lab/faults.py": "plain values; played in tests/lab/test_server.py",
    "lab/happening.py": "a plain value; told by every part of the lab",
    "lab/network/counters.py": "plain counts; counted in tests/lab/network/test_device.py",
    "lab/network/faults/base.py": "what a fault is; each is played in tests/lab/network/faults/",
    "lab/network/faults/certificates.py": "what two faults share; played in tests/lab/network/test_tls.py",
    "lab/network/leg.py": "a connection to a server; dialled and ended in tests/lab/network/test_device.py",
    "lab/network/sharing.py": "lent connections; tests/lab/network/devices/ has who lends them",
    "lab/network/toxiproxy/errors.py": "names and numbers; raised in tests/lab/network/toxiproxy/",
    "lab/seen.py": "a plain value; made in tests/lab/test_backend.py",
    "lab/streaming.py": "a plain value; made in tests/lab/test_exchange.py",
    "net/house.py": "a plain value; made by tests/support/lines.py",
    "policy/tally.py": "plain counts; counted in tests/exchange/",
    "record/ending.py": "names; each is reached in tests/exchange/",
    "scenario/causes.py": "names; used by every file of conf/scenarios",
    "scenario/shape.py": "shapes; read by tests/scenario/test_reading.py",
    "scenario/subjects.py": "names; counted in tests/scenario/test_facts.py",
    "settings/tables.py": "shapes; read by tests/settings/test_structure.py",
    "settings/values.py": "shapes; made by tests/settings/test_building.py",
}

VAGUE_NAMES = re.compile(r"handler|manager|processor|helper|util", re.IGNORECASE)


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def room_of(path: Path) -> str:
    """``wire`` for mapiproxy/wire/heads.py, ``tap`` for mapiproxy/tap.py, empty for the package."""
    first = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return "" if first == "__init__" else first


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_bytes(), str(path))


def imports_of(path: Path) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of every import, wherever it is; ``from a import b`` gives ``a.b``."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def calls_of(path: Path, names: set[str]) -> list[str]:
    return [
        f"{name_of(path)}:{node.lineno}: {node.func.attr}"
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in names
    ]


def rooms(names: set[str]) -> list[Path]:
    return [path for path in FILES if room_of(path) in names]


def test_every_room_is_known() -> None:
    assert {room_of(path) for path in FILES} - {""} <= set(MAY_IMPORT)


def test_rooms_import_downwards_only() -> None:
    wrong = []
    for path in FILES:
        room = room_of(path)
        may = {"", room, *MAY_IMPORT.get(room, ())}
        for line, name in imports_of(path):
            package, _, rest = name.partition(".")
            other = rest.partition(".")[0] if package == "mapiproxy" else ""
            if other in MAY_IMPORT and other not in may:
                wrong.append(f"{name_of(path)}:{line}: {room} imports {name}")
    assert wrong == []


def test_pure_rooms_import_nothing_impure() -> None:
    """No Twisted, no sockets, no clock, no chance: every decision can be tried without waiting."""
    wrong = []
    for path in rooms(_PURE):
        allowed = PURE_LIBRARIES | ({"httptools"} if room_of(path) == "wire" else set())
        for line, name in imports_of(path):
            top = name.split(".")[0]
            known = allowed | {"mapiproxy"} | sys.stdlib_module_names
            if top not in known or top in IMPURE_MODULES:
                wrong.append(f"{name_of(path)}:{line}: {name}")
    assert wrong == []


def test_pure_rooms_ask_neither_clock_nor_chance() -> None:
    assert [call for path in rooms(_PURE) for call in calls_of(path, IMPURE_CALLS)] == []


def test_the_reactor_is_imported_at_the_top_only() -> None:
    found = {
        name_of(path)
        for path in FILES
        for _, name in imports_of(path)
        if name == "twisted.internet.reactor"
    }
    outside = {name for name in found if room_of(PACKAGE / name) not in REACTOR_ROOMS}
    assert outside == set(REACTOR_EXCEPTIONS)


def test_only_the_line_has_manners_with_transports() -> None:
    wrong = {
        name_of(path): calls
        for path in FILES
        if room_of(path) != "lab" and name_of(path) != "net/line.py"
        if (calls := calls_of(path, TRANSPORT_CALLS))
    }
    assert set(wrong) - set(TRANSPORT_EXCEPTIONS) == set(), wrong
    stale = {name for name in TRANSPORT_EXCEPTIONS if (PACKAGE / name).exists()} - set(wrong)
    assert stale == set()


def test_no_file_is_longer_than_300_lines() -> None:
    lengths = {name_of(path): len(path.read_bytes().splitlines()) for path in FILES}
    assert {name: length for name, length in lengths.items() if length > 300} == {}


def test_every_file_says_what_it_is_for() -> None:
    assert [name_of(path) for path in FILES if not ast.get_docstring(tree_of(path))] == []


def test_names_say_something() -> None:
    wrong = []
    for path in FILES:
        names = [path.stem]
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                names.append(node.name)
        wrong += [f"{name_of(path)}: {name}" for name in names if VAGUE_NAMES.search(name)]
    assert wrong == []


def test_every_file_has_a_test_file() -> None:
    missing, stale = [], []
    for path in FILES:
        name = name_of(path)
        mirror = ROOT / "tests" / path.relative_to(PACKAGE).with_name(f"test_{path.name}")
        if path.name == "__init__.py":
            continue
        if mirror.exists() and name in UNMIRRORED:
            stale.append(name)
        elif not mirror.exists() and name not in UNMIRRORED:
            missing.append(name)
    stale += [name for name in UNMIRRORED if not (PACKAGE / name).exists()]
    assert (missing, stale) == ([], [])


def test_every_test_file_has_a_file() -> None:
    """A test that outlived what it tests, or was misspelt, would never be missed."""
    known = {
        "test_balancer.py",
        # Of the whole room of the page, in Chromium.
        "test_browser.py",
        "test_benchmarks.py",
        "test_conf.py",
        "test_house.py",
        "test_packaging.py",
        "test_readme.py",
        "test_front.py",
        # From the bytes of a head to a line of the log; and files of the log to those who read them.
        "test_hostile.py",
        "test_readers.py",
        "test_identity.py",
        # Outlook Anywhere, through the whole room of the net.
        "test_anywhere.py",
        # Of relay, acting and doors together.
        "test_pairs.py",
        "test_secrets.py",
        "test_soak.py",
        "test_survival.py",
        "test_watched.py",
        "test_whole.py",
        # About the whole room of the wire, from four sides.
        "test_cost.py",
        "test_oracle.py",
        "test_recordings.py",
        "test_smuggling.py",
    }
    lost = []
    for test in sorted((ROOT / "tests").rglob("test_*.py")):
        inside = test.relative_to(ROOT / "tests")
        room = inside.parts[0]
        mirror = PACKAGE / inside.with_name(inside.name.removeprefix("test_"))
        package = mirror.with_suffix("") / "__init__.py"
        about_room = inside.name == f"test_{room}.py"
        if not (mirror.exists() or package.exists() or about_room or inside.name in known):
            lost.append(str(inside))
    assert lost == []


def test_every_example_is_toml() -> None:
    for path in sorted((ROOT / "conf").glob("*.toml")):
        assert tomllib.loads(path.read_text(encoding="utf-8")), path.name


def test_ci_runs_what_the_readme_says() -> None:
    """The README promises a command for a fresh machine; .ci/run must be that command."""
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    (command,) = (line for line in script.splitlines() if "-m pytest" in line)
    readme = ROOT / "README.md"
    if not readme.exists():
        pytest.skip("there is no README.md yet")
    assert command in readme.read_text(encoding="utf-8")
