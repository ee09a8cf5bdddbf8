"""The package declares exactly what it imports; the plugin file imports nothing of ours."""

from __future__ import annotations

import ast
import configparser
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Import name -> distribution name, where they differ.
DISTRIBUTIONS = {
    "OpenSSL": "pyopenssl",
    "service_identity": "service-identity",
    "zope": "zope.interface",
    "attr": "attrs",
    "spnego": "pyspnego",
    "requests_ntlm": "requests-ntlm",
    "toxiproxy": "toxiproxy-python",
}


def imported_names(path: Path) -> Iterator[str]:
    """Top-level names of the modules that a file imports absolutely."""
    for node in ast.walk(ast.parse(path.read_bytes(), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]


def distributions_imported(folder: Path, own: set[str]) -> dict[str, str]:
    """Distribution -> one file that imports it."""
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("*.py")):
        for name in imported_names(path):
            if name not in sys.stdlib_module_names and name not in own:
                found[DISTRIBUTIONS.get(name, name)] = str(path.relative_to(ROOT))
    return found


def declared(section: str, option: str) -> set[str]:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    lines = config.get(section, option).split("\n")
    return {re.split(r"[\s<>=!~;\[]", line.strip())[0] for line in lines if line.strip()}


def test_nothing_undeclared_is_imported() -> None:
    imported = distributions_imported(ROOT / "mapiproxy", {"mapiproxy"})
    missing = {
        d: f for d, f in imported.items() if d not in declared("options", "install_requires")
    }
    assert missing == {}


def test_nothing_declared_is_unused() -> None:
    imported = set(distributions_imported(ROOT / "mapiproxy", {"mapiproxy"}))
    assert declared("options", "install_requires") - imported == set()
    tested = set(distributions_imported(ROOT / "tests", {"mapiproxy", "support"}))
    assert declared("options.extras_require", "test") - tested == set()


def test_tests_import_only_what_the_package_or_the_extra_declares() -> None:
    imported = distributions_imported(ROOT / "tests", {"mapiproxy", "support"})
    known = declared("options", "install_requires") | declared("options.extras_require", "test")
    assert {d: f for d, f in imported.items() if d not in known} == {}


def test_the_plugin_file_imports_nothing_of_ours() -> None:
    names = set(imported_names(ROOT / "twisted" / "plugins" / "mapiproxy_plugin.py"))
    assert names == {"twisted"}


def test_the_twisted_folders_stay_namespaces() -> None:
    """An __init__.py there would hide Twisted's own modules behind ours."""
    assert sorted(p.name for p in (ROOT / "twisted").rglob("__init__.py")) == []
