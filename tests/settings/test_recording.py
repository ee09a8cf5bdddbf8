"""[log]: what cannot be meant is told with its key."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from mapiproxy.settings.problems import Problems
from mapiproxy.settings.recording import check_log
from mapiproxy.settings.values import Log


def told(folder: Path, **changes: object) -> list[str]:
    problems = Problems(Path("m.toml"))
    check_log(evolve(Log(directory=folder, server_name="MAIL1"), **changes), problems)
    return [f"{each.key}: {each.text}" for each in problems.found]


def test_the_defaults_are_the_references_and_are_fine(tmp_path: Path) -> None:
    """exchange-httpproxy 1.7: 10 MB, 30 days, 1 GB."""
    assert told(tmp_path) == []
    log = Log()
    assert (log.roll_size, log.retention, log.folder_size) == (10_000_000, 30 * 86400.0, 1_000_000_000)
    assert (log.mapi_client_access, log.mapi_address_book) == (False, False)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"version": "15.2"}, 'log.version: must look like "15.02.2562.045"'),
        ({"server_name": "A B"}, "log.server_name: must not be empty or have blanks or commas"),
        ({"retention": 3599.0}, "log.retention: must be at least 1h, for a file is for an hour"),
        ({"folder_size": 19_999_999}, "log.folder_size: must be at least twice roll_size: the file being written stays"),
        ({"enabled": False, "mapi_address_book": True}, "log.mapi_address_book: has no effect with enabled = false"),
    ],
)
def test_what_cannot_be_meant_is_told(tmp_path: Path, changes: dict[str, object], text: str) -> None:
    assert told(tmp_path, **changes) == [text]


def test_a_directory_is_looked_at_only_if_there_is_to_be_a_log(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (text,) = told(tmp_path / "file")
    assert "is not a folder" in text
    assert told(tmp_path / "file", enabled=False) == []
