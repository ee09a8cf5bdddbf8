"""Files and folders that settings name."""

from __future__ import annotations

from pathlib import Path

import pytest

from mapiproxy.settings import read_passphrase
from mapiproxy.settings.files import check_folder, check_readable
from mapiproxy.settings.problems import Problems


def test_a_file_must_be_there_and_be_a_file(tmp_path: Path) -> None:
    problems = Problems(Path("f"))
    (tmp_path / "there").touch()
    check_readable(("a",), tmp_path / "there", problems)
    check_readable(("b",), None, problems)
    check_readable(("c",), tmp_path / "gone", problems)
    check_readable(("d",), tmp_path, problems)
    assert [each.key for each in problems.found] == ["c", "d"]
    assert "No such file" in problems.found[0].text


def test_a_folder_may_be_made_later_but_not_inside_a_file(tmp_path: Path) -> None:
    problems = Problems(Path("f"))
    (tmp_path / "file").touch()
    check_folder(("a",), tmp_path / "new" / "logs", problems)
    check_folder(("b",), tmp_path / "file" / "logs", problems)
    assert [each.text for each in problems.found] == [f"{tmp_path / 'file'} is not a folder"]


def test_a_folder_that_this_user_cannot_write_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Tests may run as root, who can write anywhere.
    monkeypatch.setattr("os.access", lambda path, mode: False)
    problems = Problems(Path("f"))
    check_folder(("a",), tmp_path, problems)
    check_folder(("a",), tmp_path / "logs", problems)
    assert [each.text for each in problems.found] == [
        f"{tmp_path} cannot be written to by this user",
        f"{tmp_path}/logs cannot be made: {tmp_path} cannot be written to by this user",
    ]


def test_a_passphrase_is_the_first_line(tmp_path: Path) -> None:
    path = tmp_path / "passphrase"
    path.write_bytes(b" open sesame \r\nmore\n")
    assert read_passphrase(path) == b" open sesame "
