"""What a person, an editor and a script see from ``mapiproxy check``."""

from __future__ import annotations

import datetime
import json
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner, Result
from support.settings_files import PLAIN, write_certificate, write_config

from mapiproxy.commands import main

TLS = PLAIN.replace("tls = false", 'certificate = "{0}.pem"\nkey = "{0}.key"')


def check(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["check", *map(str, arguments)])


def test_a_good_file_is_said_in_words_and_exits_with_0(tmp_path: Path) -> None:
    write_certificate(tmp_path, "mail.example.com")
    path = write_config(tmp_path, TLS.format("mail.example.com"))
    result = check(path)
    assert (result.exit_code, result.stderr) == (0, "")
    for words in ("Listener mail", "Backend exchange", "Certificates", "mail.example.com from"):
        assert words in result.stdout
    assert result.stdout.endswith(f"{path} can be run\n")


def test_a_bad_file_is_all_problems_on_stderr_and_exits_with_1(tmp_path: Path) -> None:
    path = write_config(tmp_path, PLAIN.replace("bind", "bnid").replace("https://", "ftp://", 1))
    result = check(path)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.splitlines() == [
        f'{path}:2: listener.mail.bnid: unknown key; did you mean "bind"?',
        f'{path}:6: backend.exchange.servers[0]: the scheme must be https or http, not "ftp"',
        f"{path} cannot be run: 2 errors",
    ]


def offloaded(text: str) -> str:
    """One server is reached over plain http, and that is meant."""
    return text.replace("https://", "http://", 1).replace('kind = "exchange"', 'kind = "exchange"\nallow_ssl_offload = true')


def test_ssl_offload_is_refused_with_the_reason(tmp_path: Path) -> None:
    result = check(write_config(tmp_path, PLAIN.replace("https://", "http://", 1)))
    assert result.exit_code == 1
    assert "SSL offload: Extended Protection" in result.stderr
    assert "allow_ssl_offload = true" in result.stderr


def test_warnings_are_said_and_exit_with_0(tmp_path: Path) -> None:
    path = write_config(tmp_path, offloaded(PLAIN))
    result = check(path)
    assert result.exit_code == 0
    assert f"{path}:7: warning: backend.exchange.servers[0]: plain http" in result.stderr
    assert result.stdout.endswith("can be run (1 warning)\n")


def test_a_file_that_is_not_there_exits_with_1_and_wrong_use_with_2(tmp_path: Path) -> None:
    missing = check(tmp_path / "gone.toml")
    assert missing.exit_code == 1
    assert "gone.toml:1: cannot be read" in missing.stderr
    assert check().exit_code == 2
    assert check("--jsno", "x").exit_code == 2


def test_an_expired_certificate_is_an_error_here(tmp_path: Path) -> None:
    past = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    write_certificate(tmp_path, "mail.example.com", not_after=past)
    result = check(write_config(tmp_path, TLS.format("mail.example.com")))
    assert result.exit_code == 1
    assert "listener.mail.certificate: " in result.stderr
    assert "expired on 2020-01-01" in result.stderr


def test_scripts_get_one_json_object(tmp_path: Path) -> None:
    write_certificate(tmp_path, "mail.example.com")
    path = write_config(tmp_path, offloaded(TLS.format("mail.example.com")))
    result = check(path, "--json")
    answer = json.loads(result.stdout)
    assert (result.exit_code, answer["ok"], answer["file"]) == (0, True, str(path))
    assert answer["problems"][0]["severity"] == "warning"
    assert answer["problems"][0]["line"] == 8
    assert answer["settings"]["backends"][0]["kind"] == "exchange"
    assert answer["settings"]["timeouts"]["client_idle"] == 900
    (certificate,) = answer["certificates"]
    assert certificate["names"] == ["mail.example.com"]


def test_scripts_get_problems_as_json_too(tmp_path: Path) -> None:
    result = check(write_config(tmp_path, "x = 1"), "--json")
    answer = json.loads(result.stdout)
    assert (result.exit_code, answer["ok"], answer["settings"]) == (1, False, None)
    assert {each["key"] for each in answer["problems"]} == {"x", "listener", "backend"}


def test_check_imports_neither_the_laboratory_nor_the_reactor(tmp_path: Path) -> None:
    """Start-up time, and: nothing may be started by a check."""
    path = write_config(tmp_path, PLAIN)
    script = (
        "import sys; from mapiproxy.commands import main\n"
        "try: main()\n"
        "except SystemExit as end: assert end.code == 0, end\n"
        "print([m for m in sys.modules if m.startswith(('mapiproxy.lab', 'twisted.internet'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "check", str(path)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_certificates_of_the_status_page_are_looked_at_too(tmp_path: Path) -> None:
    write_certificate(tmp_path, "admin.example.com", not_after=datetime.datetime(2020, 1, 1))
    (tmp_path / "ca.pem").write_text("no certificate")
    text = PLAIN + '[admin]\nbind = "127.0.0.1:8444"\ncertificate = "admin.example.com.pem"\n'
    path = write_config(tmp_path, text + 'key = "admin.example.com.key"\nclient_ca = "ca.pem"\n')
    result = CliRunner().invoke(main, ["check", str(path)])

    assert result.exit_code == 1
    assert "admin.certificate: " in result.stderr
    assert "expired on 2020-01-01" in result.stderr
    assert "admin.client_ca: " in result.stderr
    assert "no certificate in this file" in result.stderr


def test_where_the_status_page_will_be_is_said(tmp_path: Path) -> None:
    path = write_config(tmp_path, PLAIN + '[admin]\nbind = "127.0.0.1:8444"\n')
    result = CliRunner().invoke(main, ["check", str(path)])

    assert result.exit_code == 0
    assert "status page  http://127.0.0.1:8444/" in result.output
