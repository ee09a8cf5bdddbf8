"""From a path to settings, or to every reason why not."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs.exceptions import FrozenInstanceError
from hypothesis import given
from hypothesis import strategies as st
from support.settings_files import PLAIN, complaints, problems_of, write_config

from mapiproxy.settings import SettingsError, Severity, load_settings, read_settings


def test_settings_are_frozen(tmp_path: Path) -> None:
    settings = load_settings(write_config(tmp_path, PLAIN))
    with pytest.raises(FrozenInstanceError):
        settings.limits.head = 5  # type: ignore[misc]


def test_all_problems_are_told_at_once_sorted_by_line(tmp_path: Path) -> None:
    text = PLAIN.replace("8080", "99999").replace("logs", "mapiproxy.toml") + "x = 1\n"
    with pytest.raises(SettingsError) as caught:
        load_settings(write_config(tmp_path, text))
    assert [(each.line, each.key) for each in caught.value.problems] == [
        (2, "listener.mail.bind"),
        (8, "log.directory"),
        (9, "log.x"),
    ]
    assert all(each.file == tmp_path / "mapiproxy.toml" for each in caught.value.problems)


def test_warnings_do_not_keep_a_file_from_being_run(tmp_path: Path) -> None:
    path = write_config(tmp_path, PLAIN.replace("https://exch2", "http://exch2").replace("servers", "allow_ssl_offload = true\nservers"))
    reading = read_settings(path)
    assert [each.severity for each in reading.problems.found] == [Severity.WARNING]
    assert reading.settings == load_settings(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"gone\.toml:1: cannot be read: No such file"):
        load_settings(tmp_path / "gone.toml")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = 1\nb = \n", "2: not valid TOML: Invalid value (column 5)"),
        ("a = 1\na = 2\n", "2: not valid TOML: Cannot overwrite a value (column 6)"),
        ("\n\na = [1,\n", "3: not valid TOML: "),
    ],
)
def test_what_is_no_toml(tmp_path: Path, text: str, expected: str) -> None:
    (found,) = complaints(tmp_path, text)
    assert found.startswith(expected)


def test_what_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "mapiproxy.toml"
    path.write_bytes(b"a = 1\nb = '\xff'\n")
    (found,) = read_settings(path).problems.found
    assert (found.line, found.text) == (2, "not UTF-8 text")


def test_a_file_from_windows(tmp_path: Path) -> None:
    path = tmp_path / "mapiproxy.toml"
    path.write_bytes(b"\xef\xbb\xbf" + PLAIN.replace("\n", "\r\n").encode() + b"x = 1\r\n")
    (found,) = read_settings(path).problems.found
    assert (found.line, found.key) == (9, "log.x")


def test_nesting_without_end(tmp_path: Path) -> None:
    (found,) = problems_of(tmp_path, "a = " + "[" * 5000 + "]" * 5000)
    assert "deep" in found.text


def test_relative_paths_are_relative_to_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "etc").mkdir()
    write_config(tmp_path / "etc", PLAIN)
    monkeypatch.chdir(tmp_path)
    settings = load_settings("etc/mapiproxy.toml")
    assert settings.log.directory == tmp_path / "etc" / "logs"


@given(st.data())
def test_a_damaged_file_gives_problems_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """A line gone, doubled or cut: an answer comes, and it is within the file."""
    lines = PLAIN.splitlines(keepends=True)
    at = data.draw(st.integers(0, len(lines) - 1))
    cut = data.draw(st.integers(0, len(lines[at])))
    lines[at] = data.draw(st.sampled_from(["", lines[at] * 2, lines[at][:cut] + "\n"]))
    text = "".join(lines)
    for problem in problems_of(tmp_path_factory.getbasetemp(), text):
        assert 1 <= problem.line <= len(lines) + 1
        assert problem.text
