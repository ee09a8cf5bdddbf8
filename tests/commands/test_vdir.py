"""``mapiproxy vdir``: what is printed, what is written, what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from support.settings_files import PLAIN, write_config

from mapiproxy.commands import main
from mapiproxy.commands import vdir as module
from mapiproxy.settings import load_settings

URL = "https://mail.example.com/mapi"


def vdir(path: Path | None, *arguments: str) -> Result:
    more = ["--file", str(path)] if path is not None else []
    return CliRunner().invoke(main, ["vdir", *arguments, *more])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_config(tmp_path, PLAIN.replace("[log]", '# by the night shift\n[log]\nserver_name = "MAIL1"'))


def found(path: Path, name: str = "mapi") -> Any:
    return next(each for each in load_settings(path).backends[0].vdirs if each.name == name)


def test_set_takes_the_parameters_of_the_cmdlet(path: Path) -> None:
    result = vdir(path, "set", "MAIL1\\mapi (Default Web Site)", "-ExternalUrl", URL, "-InternalUrl", URL,
                  "-IISAuthenticationMethods", "ntlm,OAuth,Negotiate")  # fmt: skip

    assert (result.exit_code, result.stderr) == (0, "")
    assert "counts from the next start on" in result.output
    each = found(path)
    assert (each.external_url, each.internal_url) == (URL, URL)
    assert each.iis_authentication_methods == ("NTLM", "OAuth", "Negotiate")
    assert "# by the night shift" in path.read_text()


def test_get_shows_one_as_a_list_and_all_as_a_table(path: Path) -> None:
    vdir(path, "set", "mapi", "--external-url", URL, "--iis-authentication-methods", "NTLM")
    one = vdir(path, "get", "mapi").output.splitlines()
    every = vdir(path, "get").output.splitlines()

    assert "Identity                 : MAIL1\\mapi (Default Web Site)" in one
    assert f"ExternalUrl              : {URL}" in one
    assert "InternalUrl              :" in one
    assert "IISAuthenticationMethods : {NTLM}" in one
    assert len(every) == 9
    assert any("owa (Default Web Site)" in line and "as servers offer" in line for line in every)
    shown = json.loads(vdir(path, "get", "mapi", "--json").output)
    assert shown[0]["Identity"] == "MAIL1\\mapi (Default Web Site)"


def test_a_url_needs_a_method_and_keeps_those_there_are(path: Path) -> None:
    refused = vdir(path, "set", "mapi", "--external-url", URL)
    assert refused.exit_code == 2
    assert "at least one method" in refused.output
    vdir(path, "set", "mapi", "--iis-authentication-methods", "NTLM")
    assert vdir(path, "set", "mapi", "--external-url", URL).exit_code == 0


def test_an_empty_value_takes_it_away(path: Path) -> None:
    vdir(path, "set", "mapi", "--external-url", URL, "--iis-authentication-methods", "NTLM")
    assert vdir(path, "set", "mapi", "--external-url", "", "--iis-authentication-methods", "").exit_code == 0
    assert (found(path).external_url, found(path).iis_authentication_methods) == (None, None)


def test_new_and_remove(path: Path) -> None:
    assert vdir(path, "new", "powershell", "--iis-authentication-methods", "Negotiate").exit_code == 0
    assert found(path, "powershell").schemes == {"negotiate"}
    assert "already" in vdir(path, "new", "powershell").output

    assert vdir(path, "remove", "owa").exit_code == 0
    names = [each.name for each in load_settings(path).backends[0].vdirs]
    assert "owa" not in names
    assert "powershell" in names
    assert "has no virtual directory" in vdir(path, "remove", "owa").output
    assert "vdir new owa" in vdir(path, "set", "owa", "--disabled").output


def test_a_directory_can_be_switched_off_and_on(path: Path) -> None:
    vdir(path, "set", "owa", "--disabled")
    assert not found(path, "owa").enabled
    vdir(path, "set", "owa", "--enabled")
    assert found(path, "owa").enabled


def test_what_if_prints_and_does_not_write(path: Path) -> None:
    before = path.read_text()
    result = vdir(path, "set", "owa", "--disabled", "--what-if")
    assert "enabled = false" in result.output
    assert path.read_text() == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["set", "mapy", "--disabled"], "names no virtual directory"),
        (["set", "OTHER\\mapi", "--disabled"], "this proxy is MAIL1, not OTHER"),
        (["set", "mapi (Other Site)", "--disabled"], 'no backend "Other Site"'),
        (["set", "mapi"], "nothing to change"),
        (["set", "mapi", "--iis-authentication-methods", "Digest"], '"Digest" is no method'),
        (["set", "mapi", "--external-url", "https://m/owa", "--iis-authentication-methods", "NTLM"], "must end in /mapi"),
        (["get", "powershell"], "has no virtual directory"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_changed(path: Path, arguments: list[str], words: str) -> None:
    before = path.read_text()
    result = vdir(path, *arguments)
    assert result.exit_code != 0
    assert words in result.output
    assert path.read_text() == before


def test_with_two_backends_the_identity_names_one(tmp_path: Path) -> None:
    text = PLAIN.replace('bind = "127.0.0.1:8080"', 'bind = "127.0.0.1:8080"\nbackend = "exchange"')
    text += '[listener.two]\nbind = "127.0.0.1:8081"\ntls = false\nbackend = "gx"\n'
    text += '[backend.gx]\nkind = "grommunio"\nservers = "http://g"\n'
    path = write_config(tmp_path, text)

    assert "more than one backend" in vdir(path, "set", "mapi", "--disabled").output
    assert vdir(path, "set", "ews (gx)", "--disabled").exit_code == 0
    assert not next(v for v in load_settings(path).backends[1].vdirs if v.name == "ews").enabled


def test_the_process_that_runs_is_told_and_can_refuse(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    socket = tmp_path / "control.sock"
    socket.touch()
    orders: list[str] = []

    def ask(where: Path, command: str, **_: Any) -> dict[str, Any]:
        orders.append(command)
        if command == "status":
            return {"ok": True, "file": str(path)}
        return {"ok": True, "generation": 2, "changes": ["virtual directory owa changed"]}

    monkeypatch.setattr(module, "ask", ask)
    result = vdir(None, "set", "owa", "--disabled", "--socket", str(socket))
    assert orders == ["status", "reload"]
    assert "generation 2" in result.output
    assert "  virtual directory owa changed" in result.output

    before = path.read_text()
    monkeypatch.setattr(module, "ask", lambda *_: {"ok": False, "error": "refused", "problems": ["x:1: y"]})
    refused = vdir(path, "set", "ecp", "--disabled", "--socket", str(socket))
    assert refused.exit_code == 1
    assert "refused" in refused.output
    assert path.read_text() == before
