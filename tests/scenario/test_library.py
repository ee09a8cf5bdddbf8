"""Where scenarios are found."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from mapiproxy.scenario import library
from mapiproxy.scenario.library import NoScenario, find, known, shipped


def test_beside_a_checkout() -> None:
    conf = Path(__file__).parent.parent.parent / "conf"
    assert shipped("scenarios") == conf / "scenarios"
    assert shipped("peers") == conf / "peers"
    assert find("drain") == known()["drain"]


def test_where_the_package_was_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    place = tmp_path / "share" / "mapiproxy" / "scenarios"
    place.mkdir(parents=True)
    (place / "one.toml").write_text("")

    class Installed(PurePosixPath):
        def locate(self) -> Path:
            return tmp_path / self

    class Package:
        __file__ = str(tmp_path / "lib" / "mapiproxy" / "__init__.py")

    files = [Installed("lib/mapiproxy/__init__.py"), Installed("share/mapiproxy/scenarios/one.toml")]
    monkeypatch.setattr(library, "mapiproxy", Package)
    monkeypatch.setattr(library, "files", lambda _: files)

    assert known() == {"one": place / "one.toml"}


def test_by_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("")

    assert find(str(path)) == path
    with pytest.raises(NoScenario, match="there is no file"):
        find(str(tmp_path / "other.toml"))


def test_a_name_that_is_none_says_which_there_are() -> None:
    with pytest.raises(NoScenario, match=r'there is no scenario "drian"; there are: .*drain'):
        find("drian")
