"""The package declares exactly what it imports; the plugin file imports nothing of ours."""

from __future__ import annotations

import ast
import configparser
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Import name -> distribution name, where they differ.
DISTRIBUTIONS = {
    "OpenSSL": "pyopenssl",
    "service_identity": "service-identity",
    "zope": "zope.interface",
    "attr": "attrs",
    "spnego": "pyspnego",
    "crossplane": "nginx-crossplane",
    "requests_ntlm": "requests-ntlm",
    "prometheus_client": "prometheus-client",
    "yaml": "pyyaml",
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


def test_what_the_status_page_is_made_of_is_in_the_wheel(tmp_path: Path) -> None:
    """Templates and files are no modules: a wheel, which is what ``build_py`` gathers, has them only if declared."""
    pytest.importorskip("setuptools")
    source, built = tmp_path / "source", tmp_path / "built"
    source.mkdir()
    for name in ("mapiproxy", "twisted"):
        ignored = shutil.ignore_patterns("__pycache__", "dropin.cache")
        shutil.copytree(ROOT / name, source / name, ignore=ignored)
    for name in ("setup.cfg", "pyproject.toml", "MANIFEST.in", "README.md", "CHANGES.md"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-c", "import setuptools; setuptools.setup()", "build_py", "--build-lib", str(built)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    data = [
        path.relative_to(ROOT)
        for folder in ("templates", "files")
        for path in (ROOT / "mapiproxy" / "admin" / folder).iterdir()
    ]
    assert len(data) > 10
    assert [path for path in data if not (built / path).is_file()] == []
