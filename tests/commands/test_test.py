"""``mapiproxy test`` as a command: its use, its exit codes, and what runs for real against processes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.lab import ALICE
from support.processes import LabProcess, quiet_port
from support.proxyprocess import ROOT, ProxyProcess

from mapiproxy.commands import main
from mapiproxy.lab.authority import Authority

NAME = "mail.lab.test"
#: Seconds for one run, on a machine that is busy with other things.
PATIENCE = 60


def use(*arguments: str, **environment: str) -> Result:
    """For what ends before anything is opened."""
    return CliRunner().invoke(main, ["test", *arguments], env=environment)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "either a URL is needed or --config FILE"),
        (["m", "--config", "x"], "either a URL is needed or --config FILE"),
        (["https://m/owa"], "the path is /owa"),
        (["https://a:b@m/"], "never a password in an argument"),
        (["m", "--probe", "OutlookRpcSelfTestProbe"], "there is no probe"),
        (["m", "--probe", "OutlookMapiHttpCtpProbe"], "logs on: --user says who"),
        (["m", "--timeout", "never"], "is not a duration"),
        (["m", "--wait", "0"], "more than zero"),
        (["m", "--no-such-option"], "No such option"),
        (["m", "--user", "a@b", "--password-file", "/nowhere/x"], "--password-file /nowhere/x"),
        (["m", "--user", "a@b"], "no password: give --password-file, set MAPIPROXY_TEST_PASSWORD"),
        (["m", "--user", "a@b", "--mailbox", "alice"], "neither a MailboxId (GUID@DOMAIN) nor an address"),
        (["m", "--user", "a@b", "--dn", "alice"], "is no legacy DN"),
        (["https://m/mapi/?MailboxId=x%0d%0aA:%20b"], "MailboxId is not GUID@DOMAIN"),
        (["m", "--ca-file", "/nowhere/ca.pem"], "does not exist"),
        (["--config", "/nowhere/m.toml"], "cannot be run"),
        (["--config", "x", "--connect-to", "h:1"], "--connect-to is for a URL"),
    ],
)
def test_wrong_use_is_unknown_to_monitoring(arguments, text):
    done = use(*arguments)
    assert done.exit_code == 3, done.output
    assert text in done.output


def test_an_empty_password_in_the_environment_is_none():
    """It would be tried, and counted against the account."""
    assert "no password" in use("m", "--user", "a@b", MAPIPROXY_TEST_PASSWORD="").output


@pytest.mark.parametrize(("content", "text"), [(b"", "is empty"), (b"\r\nx", "is empty"), (b"p\xffq", "is not UTF-8")])
def test_a_file_without_a_password_is_not_tried(tmp_path, content, text):
    file = tmp_path / "password"
    file.write_bytes(content)
    done = use("m", "--user", "a@b", "--password-file", str(file))
    assert (done.exit_code, text in done.output, "0xff" in done.output) == (3, True, False)


def test_a_password_is_no_argument():
    assert "--password " not in use("--help").output
    assert use("m", "--password", "x").exit_code == 3


class Scene:
    """A lab server over TLS as a process, its CA, and the command run against it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority(folder / "ca")
        self.issued = self.authority.issue(NAME, "localhost", "127.0.0.1")
        self.soon = self.authority.issue(NAME, stem="soon", not_after=datetime.now() + timedelta(days=5))
        self.labs: list[LabProcess] = []

    def lab(self, *options: str, both: Path | None = None, kind: str = "exchange") -> int:
        lab = LabProcess(
            kind, "LAB1", self.folder, [ALICE], "--certificate", str(both or self.issued.both),
            "--pending-period", "0.3", *options,
        )  # fmt: skip
        self.labs.append(lab)
        return lab.port

    def run(self, *arguments: str, password: str | None = ALICE.password) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "COLUMNS": "400"}
        environment.pop("MAPIPROXY_TEST_PASSWORD", None)
        if password is not None:
            environment["MAPIPROXY_TEST_PASSWORD"] = password
        done = subprocess.run(
            [sys.executable, "-c", "from mapiproxy.commands import main; main()", "test", *arguments,
             "--ca-file", str(self.authority.ca_file)],
            cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert ALICE.password not in done.stdout + done.stderr
        return done

    def at(self, port: int) -> list[str]:
        return [f"https://{NAME}:{port}/mapi", "--connect-to", f"127.0.0.1:{port}"]

    def stop(self) -> None:
        for lab in self.labs:
            lab.kill()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path)
    yield made
    made.stop()


def test_it_prints_what_exchange_prints(scene):
    done = scene.run(*scene.at(scene.lab()))
    assert done.returncode == 0, done.stderr
    head, row = done.stdout.splitlines()
    assert head.split()[:4] == ["MonitorIdentity", "StartTime", "EndTime", "Result"]
    time = r"\d{1,2}/\d{1,2}/\d{4} \d{1,2}:\d\d:\d\d [AP]M"
    identity = r"OutlookMapiHttp\.Protocol\\OutlookMapiHttpSelfTestProbe"
    assert re.fullmatch(rf"{identity}  {time}  {time}  Succeeded", row), row


def test_the_client_touch_point_with_ntlm_and_extended_protection_as_json(scene):
    port = scene.lab("--auth", "NTLM", "--extended-protection")
    file = scene.folder / "password"
    file.write_text(f"\ufeff{ALICE.password}\r\n")  # as Notepad writes it
    done = scene.run(*scene.at(port), "--user", ALICE.login, "--password-file", str(file), "--json", password=None)

    assert done.returncode == 0, done.stdout
    read = json.loads(done.stdout)
    (result,) = read["results"]
    assert (read["exit_code"], result["MonitorIdentity"]) == (0, "OutlookMapiHttpCtpProbe")
    stages = [stage["Name"] for stage in result["Stages"]]
    assert stages[:4] + stages[-1:] == ["DNS", "TCP", "TLS", "Health", "Disconnect"]
    assert "Reconnect (wait)" in stages


def test_one_is_for_what_works_and_is_wrong(scene):
    done = scene.run(*scene.at(scene.lab(both=scene.soon.both)), "--nagios")
    assert done.returncode == 1
    assert done.stdout.startswith("MAPIHTTP WARNING - OutlookMapiHttpSelfTestProbe")
    assert "the certificate expires in" in done.stdout
    assert "'TLS'=" in done.stdout.partition(" | ")[2]
    assert len(done.stdout.splitlines()) == 1


def test_two_is_for_what_failed_and_the_trace_shows_where(scene):
    done = scene.run(*scene.at(quiet_port()), "-v", "--list")
    assert done.returncode == 2
    assert re.search(r"(?m)^\d\d:\d\d:\d\d\.\d{3}  TCP +\d\.\d{3} s  failed +127\.0\.0\.1:\d+ refuses", done.stdout)
    assert "Result          : Failed" in done.stdout
    assert "Exception       : ConnectionRefusedError: " in done.stdout


def test_three_is_for_what_could_not_be_tried(scene):
    port = scene.lab("--auth", "NTLM")
    done = scene.run(*scene.at(port), "--user", "LAB\\alice", "--nagios")
    assert done.returncode == 3
    assert done.stdout.startswith("MAPIHTTP UNKNOWN - ")
    assert "a Connect needs the mailbox's legacy DN: give it with --dn" in done.stdout


def test_insecure_is_said_loudly(scene):
    wrong = scene.authority.issue_wrong_name()
    done = scene.run(*scene.at(scene.lab(both=wrong.both)), "--insecure")
    assert done.returncode == 1
    assert "NOT SECURE: certificates are not verified" in done.stderr


def test_who_interrupts_it_gets_no_verdict(scene):
    arguments = [*scene.at(scene.lab()), "--user", ALICE.login, "--wait", "10m", "-v", "--ca-file", str(scene.authority.ca_file)]
    running = subprocess.Popen(
        [sys.executable, "-u", "-c", "from mapiproxy.commands import main; main()", "test", *arguments],
        cwd=ROOT, env={**os.environ, "COLUMNS": "400", "MAPIPROXY_TEST_PASSWORD": ALICE.password},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert running.stdout is not None
    while "  Execute  " not in running.stdout.readline():
        assert running.poll() is None
    running.terminate()  # as Ctrl-C does, which a test run in the background would hand down ignored
    said, complaint = running.communicate(timeout=PATIENCE)
    assert (running.returncode, said, complaint) == (3, "", "Error: interrupted\n")


def test_a_password_that_was_refused_is_not_tried_at_the_next_listener(scene):
    lab, ports = scene.lab(), [quiet_port(), quiet_port()]
    config = "".join(
        f'[listener.l{port}]\nbind = "127.0.0.1:{port}"\ncertificate = "{scene.issued.both}"\n' for port in ports
    )
    config += (
        f'[backend.x]\nkind = "exchange"\nservers = ["https://localhost:{lab}"]\nca_file = "{scene.authority.ca_file}"\n'
        "[health]\nenabled = false\n[log]\nenabled = false\n"
    )
    running = ProxyProcess(scene.folder, config)
    try:
        done = scene.run("--config", str(running.file), "--user", ALICE.login, "--json", password="wrong")
    finally:
        running.stop()
    first, second = json.loads(done.stdout)["results"]
    assert done.returncode == 2
    assert first["Error"].startswith("Authentication: 401 for the password of")
    assert second["Error"].startswith("not tried: the password was refused by https://")
    assert (second["Stages"], second["Grade"]) == ([], "UNKNOWN")


@pytest.mark.parametrize("kind", ["exchange", "grommunio"])
def test_every_listener_of_a_file_is_tested_by_loopback(scene, kind):
    lab, port = scene.lab(kind=kind), quiet_port()
    config = (
        f'[listener.mail]\nbind = "0.0.0.0:{port}"\ncertificate = "{scene.issued.both}"\n'
        f'[backend.x]\nkind = "{kind}"\nservers = ["https://localhost:{lab}"]\nca_file = "{scene.authority.ca_file}"\n'
        "[health]\nenabled = false\n[log]\nenabled = false\n"
    )
    running = ProxyProcess(scene.folder, config)
    try:
        done = scene.run("--config", str(running.file), "--user", ALICE.login, "--json")
    finally:
        running.stop()
    assert done.returncode == 0, done.stdout
    (result,) = json.loads(done.stdout)["results"]
    assert result["MonitorIdentity"] == r"OutlookMapiHttpCtpProbe\mail"
    assert result["Url"] == f"https://{NAME}:{port}/mapi/"
    assert result["Result"] == "Succeeded"
