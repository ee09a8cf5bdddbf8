"""[admin], and addresses that two want: what is refused, and where it says so."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.settings_files import PLAIN, complaints, write_certificate, write_config

from mapiproxy.settings import Bind, load_settings

TOKEN = "0123456789abcdef0123456789abcdef\n"


def files(folder: Path) -> None:
    write_certificate(folder, "admin.example.com")
    (folder / "token").write_text(TOKEN)
    (folder / "token").chmod(0o600)


def admin(text: str) -> str:
    return f"{PLAIN}[admin]\n{text}"


def test_by_default_there_is_no_page(tmp_path: Path) -> None:
    settings = load_settings(write_config(tmp_path, PLAIN))
    assert (settings.admin.bind, settings.admin.url) == (None, None)


@pytest.mark.parametrize(
    ("bind", "url"),
    [("127.0.0.1:8444", "http://127.0.0.1:8444/"), ("[::1]:8444", "http://[::1]:8444/"),
     ("localhost:8444", "http://localhost:8444/"), ("127.8.0.1:1", "http://127.8.0.1:1/")],
)  # fmt: skip
def test_on_loopback_nothing_is_asked_for(tmp_path: Path, bind: str, url: str) -> None:
    text = admin(f'bind = "{bind}"')
    assert complaints(tmp_path, text) == []
    assert load_settings(write_config(tmp_path, text)).admin.url == url


def test_everything_can_be_said(tmp_path: Path) -> None:
    files(tmp_path)
    text = admin(
        'bind = "0.0.0.0:8444"\nnames = "admin.example.com"\ntoken_file = "token"\nclient_ca = "admin.example.com.pem"\n'
        'certificate = "admin.example.com.pem"\nkey = "admin.example.com.key"\nread_only = true'
    )
    assert complaints(tmp_path, text) == []
    found = load_settings(write_config(tmp_path, text)).admin
    assert (found.bind, found.names, found.read_only) == (Bind("0.0.0.0", 8444), ("admin.example.com",), True)
    assert (found.token_file, found.url) == (tmp_path / "token", "https://0.0.0.0:8444/")


@pytest.mark.parametrize("bind", ["0.0.0.0:8444", "[::]:8444", "10.0.0.5:8444", "admin.example.com:8444"])
def test_away_from_loopback_both_encryption_and_a_secret_are_needed(tmp_path: Path, bind: str) -> None:
    files(tmp_path)
    shown = bind
    assert complaints(tmp_path, admin(f'bind = "{bind}"')) == [
        f"9: admin.certificate: missing: {shown} can be reached from other machines, and what is typed there must not"
        " cross the network unencrypted",
        f"9: admin.token_file: missing: {shown} can be reached from other machines, so token_file or client_ca must"
        " say who may",
    ]
    (plain,) = complaints(tmp_path, admin(f'bind = "{bind}"\ntoken_file = "token"'))
    assert plain.startswith("9: admin.certificate: missing")
    (nobody,) = complaints(tmp_path, admin(f'bind = "{bind}"\ncertificate = "admin.example.com.pem"'))
    assert nobody.startswith("9: admin.token_file: missing")


@pytest.mark.parametrize("key", ["client_ca", "key"])
def test_keys_of_tls_without_a_certificate_are_wrong(tmp_path: Path, key: str) -> None:
    files(tmp_path)
    text = admin(f'bind = "127.0.0.1:8444"\n{key} = "admin.example.com.pem"')
    assert complaints(tmp_path, text) == [
        f"11: admin.{key}: has no meaning without certificate: that is plain HTTP"
    ]


@pytest.mark.parametrize("key", ["certificate", "client_ca", "token_file", "key"])
def test_files_that_cannot_be_read_are_told(tmp_path: Path, key: str) -> None:
    files(tmp_path)
    more = 'certificate = "admin.example.com.pem"\n' if key != "certificate" else ""
    found = complaints(tmp_path, admin(f'bind = "127.0.0.1:8444"\n{more}{key} = "absent"'))
    assert found == [f"{12 if more else 11}: admin.{key}: {tmp_path}/absent cannot be read: No such file or directory"]


@pytest.mark.parametrize(
    ("mode", "said"),
    [(0o600, []), (0o400, []),
     (0o640, ["11: warning: admin.token_file: {} can be read by a whole group; chmod 600"]),
     (0o644, ["11: admin.token_file: {} can be read by everybody on this machine; chmod 600"])],
)  # fmt: skip
def test_the_tokens_are_for_the_proxy_alone(tmp_path: Path, mode: int, said: list[str]) -> None:
    files(tmp_path)
    (tmp_path / "token").chmod(mode)
    found = complaints(tmp_path, admin('bind = "127.0.0.1:8444"\ntoken_file = "token"'))
    assert found == [each.format(tmp_path / "token") for each in said]


@pytest.mark.parametrize(
    ("content", "said"),
    [("short\n", "token 1 in {} is shorter than 16 characters"), ("# none\n\n", "{} holds no token; make one:")],
)
def test_tokens_that_could_be_guessed_are_refused(tmp_path: Path, content: str, said: str) -> None:
    files(tmp_path)
    (tmp_path / "token").write_text(content)
    (found,) = complaints(tmp_path, admin('bind = "127.0.0.1:8444"\ntoken_file = "token"'))
    assert said.format(tmp_path / "token") in found
    assert "short" not in found.replace("shorter", "")


@pytest.mark.parametrize("name", ["https://admin.example.com", "admin:8444", "*.example.com", "", "a b", "-x"])
def test_names_are_host_names(tmp_path: Path, name: str) -> None:
    (found,) = complaints(tmp_path, admin(f'bind = "127.0.0.1:8444"\nnames = ["ok.example", "{name}"]'))
    assert found.startswith(f'11: admin.names[1]: "{name}" is no host name')


def test_keys_without_an_address_would_do_nothing(tmp_path: Path) -> None:
    assert complaints(tmp_path, admin("read_only = true")) == [
        '9: admin.bind: missing; write for example bind = "127.0.0.1:8444"'
    ]
    assert complaints(tmp_path, admin("")) == []


@pytest.mark.parametrize(
    ("bind", "said"),
    [("127.0.0.1:8080", "127.0.0.1:8080 is taken by listener.mail (line 2)"),
     ("[::]:8080", "[::]:8080 collides with 127.0.0.1:8080 of listener.mail (line 2)")],
)  # fmt: skip
def test_a_listener_s_address_is_taken(tmp_path: Path, bind: str, said: str) -> None:
    found = complaints(tmp_path, admin(f'bind = "{bind}"'))
    assert f"10: admin.bind: {said}" in found


def test_a_misspelt_key_is_told_with_the_right_one(tmp_path: Path) -> None:
    assert complaints(tmp_path, admin('bind = "127.0.0.1:1"\nreadonly = true')) == [
        '11: admin.readonly: unknown key; did you mean "read_only"?'
    ]
