"""Where are the scenarios? Beside a checkout, in what was installed, or wherever a path leads.

They are ``conf/scenarios/*.toml`` in the source, and ``share/mapiproxy/scenarios/*.toml`` where the package
was installed.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import mapiproxy


class NoScenario(Exception):
    """There is none of that name; says which there are."""


def folder() -> Path | None:
    """Where the scenarios that come with the product are."""
    checkout = Path(mapiproxy.__file__).resolve().parent.parent / "conf" / "scenarios"
    if checkout.is_dir():
        return checkout
    try:
        installed = files("mapiproxy") or []
    except PackageNotFoundError:
        return None
    for each in installed:
        if each.parent.name == "scenarios" and each.suffix == ".toml":
            return Path(str(each.locate())).resolve().parent
    return None


def known() -> dict[str, Path]:
    """The scenarios that come with the product, by name."""
    where = folder()
    return {path.stem: path for path in sorted(where.glob("*.toml"))} if where is not None else {}


def find(name: str) -> Path:
    """A scenario by name, or by the path of its file. :raise NoScenario:"""
    path = Path(name)
    if path.suffix == ".toml" or "/" in name:
        if not path.is_file():
            raise NoScenario(f"there is no file {name}")
        return path
    there = known()
    if name not in there:
        names = ", ".join(there) or "none was installed"
        raise NoScenario(f'there is no scenario "{name}"; there are: {names}')
    return there[name]
