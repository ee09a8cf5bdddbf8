"""Files and folders that settings name."""

from __future__ import annotations

from pathlib import Path

import pytest

from mapiproxy.settings import files, read_passphrase
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


def check_keys(path: Path) -> list[str]:
    problems = Problems(Path("x.toml"))
    files.check_key_file(("affinity", "key_file"), path, problems)
    return [problem.text for problem in problems.found]


def test_keys_are_lines_without_blanks_and_comments(tmp_path: Path) -> None:
    path = tmp_path / "route.key"
    path.write_bytes(b"# new since Monday\r\nnewer-key-of-16-bytes \r\n\nolder-key-of-16-bytes\n")

    assert files.read_keys(path) == (b"newer-key-of-16-bytes", b"older-key-of-16-bytes")


def test_keys_that_could_be_guessed_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "route.key"
    path.write_text("secret\n")
    path.chmod(0o600)

    assert check_keys(path) == [f"key 1 in {path} is shorter than 16 characters"]


def test_a_key_file_without_a_key_is_told_how_to_get_one(tmp_path: Path) -> None:
    path = tmp_path / "route.key"
    path.write_text("\n")
    path.chmod(0o600)

    assert check_keys(path) == [f'{path} holds no key; make one: openssl rand -base64 32 > "{path}"']


def test_keys_that_everybody_can_read_are_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "route.key"
    path.write_text("x" * 44)
    path.chmod(0o644)

    assert check_keys(path) == [f"{path} can be read by everybody on this machine"]


def test_a_key_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert check_keys(tmp_path / "none") == [f"{tmp_path / 'none'} cannot be read: No such file or directory"]


def check_socket(path: Path) -> list[str]:
    problems = Problems(Path("x.toml"))
    files.check_socket(("control", "socket"), path, problems)
    return [problem.text for problem in problems.found]


def test_a_socket_needs_a_folder_a_short_name_and_no_file_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    assert check_socket(tmp_path / "c.sock") == []
    assert check_socket(tmp_path / "file") == [f"{tmp_path / 'file'} exists and is no socket"]
    assert check_socket(tmp_path / "none" / "c") == [f"{tmp_path / 'none'} is not a folder"]
    (text,) = check_socket(tmp_path / ("x" * 120))
    assert text.endswith("is longer than the 107 bytes that a socket's may have")
