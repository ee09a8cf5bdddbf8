"""``mapiproxy cert`` and ``check --online`` with servers that really shake hands."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner, Result
from support.certs import make_authority
from support.settings_files import write_config
from support.tlsservers import exchange_server

from mapiproxy.commands import main
from mapiproxy.lab.authority import Authority, Issued


def config(tmp_path: Path, authority: Authority, listener: Issued, port: int, more: str = "", scheme: str = "https") -> Path:
    return write_config(
        tmp_path,
        f"""\
[listener.mail]
bind = "127.0.0.1:8443"
certificate = "{listener.certificate}"
key = "{listener.key}"
[backend.ex]
kind = "exchange"
vdirs = ["mapi", "ews"]
ca_file = "{authority.ca_file}"
{more}
[[backend.ex.server]]
name = "EXCH1"
url = "{scheme}://127.0.0.1:{port}"
[backend.ex.vdir.mapi]
external_url = "https://mail.example.com/mapi"
[log]
enabled = false
""",
    )


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(each) for each in arguments])


def test_one_certificate_for_all_is_said_to_be_that(tmp_path: Path) -> None:
    authority = make_authority(tmp_path)
    issued = authority.issue("mail.example.com", "127.0.0.1")
    with exchange_server(issued) as port:
        result = run("cert", config(tmp_path, authority, issued, port))

    assert result.exit_code == 0, result.output
    assert "mail -> EXCH1: the same certificate" in result.output
    assert "EP mismatch" not in result.output


def test_another_certificate_is_what_extended_protection_rejects(tmp_path: Path) -> None:
    authority = make_authority(tmp_path)
    with exchange_server(authority.issue("127.0.0.1")) as port:
        path = config(tmp_path, authority, authority.issue("outlook.example.com"), port)
        result, asked = run("cert", path), run("cert", path, "--json")

    assert result.exit_code == 0
    assert "mail -> EXCH1: EP mismatch: listener leaf " in result.output
    assert "covers mail.example.com: outlook.example.com" in result.output
    answer = json.loads(asked.stdout)
    assert answer["servers"][0]["fingerprint"] != answer["listeners"][0]["fingerprint"]
    assert answer["names"][0].startswith("mapi external_url: no certificate of listener mail covers")


def test_a_server_that_is_not_believed_or_not_there_is_an_error(tmp_path: Path) -> None:
    authority = make_authority(tmp_path)
    issued = authority.issue("mail.example.com")
    with exchange_server(issued) as port:
        path = config(tmp_path, authority, issued, port)
        doubted = run("cert", path)
    gone = run("cert", path)

    assert doubted.exit_code == 1
    assert "not believed: IP address mismatch" in doubted.output
    assert gone.exit_code == 1
    assert "connect: " in gone.output


def test_ssl_offload_is_shown_for_what_it_is(tmp_path: Path) -> None:
    authority = make_authority(tmp_path)
    with exchange_server(None) as port:
        path = config(tmp_path, authority, authority.issue("mail.example.com"), port, "allow_ssl_offload = true", "http")
        result = run("cert", path)
    assert "EP impossible: backend EXCH1 is http:// (SSL offload)" in result.output


def test_check_online_reaches_every_virtual_directory(tmp_path: Path) -> None:
    authority = make_authority(tmp_path)
    issued = authority.issue("mail.example.com", "127.0.0.1")
    with exchange_server(issued) as port:
        path = config(tmp_path, authority, issued, port)
        well = run("check", path, "--online")
        path.write_text(path.read_text().replace('"ews"]', '"ews", "owa"]'))
        owa = run("check", path, "--online", "--json")
        offline = run("check", path)

    assert well.exit_code == 0, well.output
    assert "EXCH1: mapi, ews well" in well.output
    assert "EXCH1: Exchange 2013 RTM (15.0.516.32): Exchange 2013 RTM cannot speak MAPI/HTTP" in well.output
    assert owa.exit_code == 1
    answer = json.loads(owa.stdout)
    assert (answer["ok"], answer["online"]["ok"]) == (True, False)
    assert "  EXCH1: owa: status 404, not 200" in answer["online"]["lines"]
    assert offline.exit_code == 0


def test_published_names_that_no_certificate_covers_are_a_warning_of_check(tmp_path: Path) -> None:
    authority = make_authority(tmp_path)
    path = config(tmp_path, authority, authority.issue("outlook.example.com"), 9)
    result = run("check", path)
    assert result.exit_code == 0
    assert "warning: backend.ex.vdir.mapi.external_url: no certificate of listener mail covers" in result.stderr
