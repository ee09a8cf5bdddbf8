"""Files are changed in one step, keep what people wrote, and are never replaced by what could not be run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.settings_files import PLAIN, write_config

from mapiproxy.settings import load_settings
from mapiproxy.settings.editing import CannotEdit, edit, remove_table, replace, set_keys

MAPI = ("backend", "exchange", "vdir", "mapi")
COMMENTED = PLAIN.replace("[log]", "# who serves them\n[log]  # as Exchange does")


def test_comments_and_order_stay_and_the_change_is_there(tmp_path: Path) -> None:
    path = write_config(tmp_path, COMMENTED)
    before, after = edit(path, lambda d: set_keys(d, MAPI, {"external_url": "https://m.example.com/mapi"}))

    assert before == COMMENTED
    assert path.read_text() == after
    assert [line for line in after.splitlines() if line in COMMENTED.splitlines()] == COMMENTED.splitlines()
    vdirs = {each.name: each for each in load_settings(path).backends[0].vdirs}
    assert vdirs["mapi"].external_url == "https://m.example.com/mapi"


def test_servers_in_tables_of_their_own_are_not_moved_under_another(tmp_path: Path) -> None:
    text = PLAIN.replace(
        'servers = ["https://exch1.example.com", "https://exch2.example.com"]',
        '[[backend.exchange.server]]\nurl = "https://exch1"\n[[backend.exchange.server]]\nurl = "https://exch2"',
    )
    path = write_config(tmp_path, text)
    edit(path, lambda d: set_keys(d, MAPI, {"enabled": True, "iis_authentication_methods": ("NTLM",)}))

    (group,) = load_settings(path).backends
    assert [server.host for server in group.servers] == ["exch1", "exch2"]
    assert group.vdirs[0].schemes == {"ntlm"}


def test_keys_and_tables_can_go_again(tmp_path: Path) -> None:
    path = write_config(tmp_path, COMMENTED)
    edit(path, lambda d: set_keys(d, MAPI, {"enabled": False, "internal_url": "https://m/mapi"}))
    edit(path, lambda d: set_keys(d, MAPI, {"enabled": None}))
    assert load_settings(path).backends[0].vdirs[0].internal_url == "https://m/mapi"

    def remove(document: Any) -> None:
        assert remove_table(document, MAPI)

    edit(path, remove)
    assert load_settings(path).backends[0].vdirs[0].internal_url is None


def test_what_could_not_be_run_is_refused_with_its_reasons_and_changes_nothing(tmp_path: Path) -> None:
    path = write_config(tmp_path, COMMENTED)
    with pytest.raises(CannotEdit, match="could not be run after this change") as caught:
        edit(path, lambda d: set_keys(d, MAPI, {"external_url": "https://m/owa"}))

    assert path.read_text() == COMMENTED
    assert [str(each).partition(":")[0] for each in caught.value.problems] == [str(path)]
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_looking_does_not_write(tmp_path: Path) -> None:
    path = write_config(tmp_path, COMMENTED)
    _, after = edit(path, lambda d: set_keys(d, MAPI, {"enabled": False}), write=False)
    assert path.read_text() == COMMENTED != after


def test_mode_and_links_stay(tmp_path: Path) -> None:
    path = write_config(tmp_path, COMMENTED)
    path.chmod(0o640)
    link = tmp_path / "link.toml"
    link.symlink_to(path)
    edit(link, lambda d: set_keys(d, MAPI, {"enabled": False}))

    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640
    assert "enabled = false" in path.read_text()


def test_files_that_cannot_be_read_or_replaced(tmp_path: Path) -> None:
    with pytest.raises(CannotEdit, match="cannot be read"):
        edit(tmp_path / "gone.toml", lambda d: None)
    broken = write_config(tmp_path, "[listener")
    with pytest.raises(CannotEdit, match="not valid TOML"):
        edit(broken, lambda d: None)
    with pytest.raises(CannotEdit, match="cannot be written to"):
        replace(tmp_path / "nowhere" / "x.toml", "", check=False)


@pytest.mark.parametrize(
    "backend",
    [
        '[backend]\nexchange = { kind = "exchange", servers = ["https://a"] }\n',
        '[backend.exchange]\nkind = "exchange"\nservers = ["https://a"]\nvdir = { owa = { enabled = true } }\n',
    ],
)
def test_what_cannot_be_changed_with_care_is_left_to_people(tmp_path: Path, backend: str) -> None:
    path = write_config(tmp_path, PLAIN[: PLAIN.index("[backend")] + backend)
    before = path.read_text()
    with pytest.raises(CannotEdit, match="edit it by hand"):
        edit(path, lambda d: set_keys(d, MAPI, {"enabled": False}))
    assert path.read_text() == before


def test_dotted_keys_and_windows_line_ends_stay(tmp_path: Path) -> None:
    dotted = 'backend.exchange.kind = "exchange"\nbackend.exchange.servers = ["https://a"]\n'
    path = write_config(tmp_path, dotted + PLAIN[: PLAIN.index("[backend")])
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    edit(path, lambda d: set_keys(d, MAPI, {"enabled": False}))

    assert path.read_bytes().count(b"\n") == path.read_bytes().count(b"\r\n")
    assert path.read_bytes().startswith(b"backend.exchange.kind")
    assert not load_settings(path).backends[0].vdirs[0].enabled


def test_a_new_table_does_not_get_between_a_comment_and_its_table(tmp_path: Path) -> None:
    path = write_config(tmp_path, COMMENTED)
    edit(path, lambda d: set_keys(d, MAPI, {"enabled": False}))
    assert "# who serves them\n[log]" in path.read_text()
    assert path.read_text().endswith("\n[backend.exchange.vdir.mapi]\nenabled = false\n")
