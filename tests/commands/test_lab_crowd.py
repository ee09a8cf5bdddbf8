"""``mapiproxy lab crowd``: bounds, refusals, and a small crowd against a server of its own."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from mapiproxy.commands import main
from mapiproxy.commands.lab_crowd import address_of, allow_sockets, is_here, rows
from mapiproxy.lab.outlook import Book

ROOT = Path(__file__).parents[2]


def run(*asked: str) -> Result:
    return CliRunner().invoke(main, ["lab", "crowd", *asked])


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["--url", "https://mail.example.com"], "--anywhere"),
        (["--url", "https://192.0.2.1:443"], "--anywhere"),
        (["--url", "ftp://127.0.0.1"], "https://HOST:PORT"),
        (["--url", "https://127.0.0.1:99999999"], "out of range"),
        (["--url", "http://127.0.0.1:1/mapi"], "https://HOST:PORT"),
        (["--url", "http://127.0.0.1:1", "--clients", "0"], "--clients"),
        (["--url", "http://127.0.0.1:1", "--clients", "20001"], "--clients"),
        (["--url", "http://127.0.0.1:1", "--duration", "30"], "a duration needs a unit"),
        (["--url", "http://127.0.0.1:1", "--duration", "25h"], "24h"),
        (["--url", "http://127.0.0.1:1", "--pace", "0"], "--pace"),
        ([], "--url"),
    ],
)
def test_what_cannot_be_meant_is_refused(asked: list[str], said: str) -> None:
    result = run(*asked)
    assert result.exit_code == 2
    assert said in result.output


@pytest.mark.parametrize(("host", "here"), [("127.0.0.1", True), ("127.8.9.1", True), ("192.0.2.1", False)])
def test_only_loopback_is_here(host: str, here: bool) -> None:
    assert is_here(host) is here
    assert not is_here("no.such.host.invalid")


def test_an_address_is_made_of_a_url() -> None:
    address = address_of("https://localhost", None, None, False)
    assert (address.host, address.port, address.name, address.tls) == ("127.0.0.1", 443, "localhost", True)
    elsewhere = address_of("http://192.0.2.1:8080/", "mail.example.com", None, True)
    assert (elsewhere.host, elsewhere.port, elsewhere.authority) == ("192.0.2.1", 8080, "mail.example.com:8080")


def test_more_sockets_than_the_system_allows_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda which: (1024, 4096))
    kept: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "setrlimit", lambda which, limits: kept.append(limits))
    allow_sockets(1000)
    assert kept == []
    allow_sockets(2000)
    assert kept == [(2000, 4096)]
    with pytest.raises(click.ClickException, match="ulimit"):
        allow_sockets(5000)


def test_the_table_shows_what_is_in_the_book() -> None:
    book = Book(executes_answered=4, time_sum=2.0, outage_max=3.0, mail=2, late_sum=1.0)
    book.codes.update({10: 1, 0: 4})
    shown = dict(rows(book, 10.0))
    assert shown["an Execute took, mean / most"] == "500.0 ms / 0 ms"
    assert shown["mail was late, mean / most"] == "500.0 ms / 0 ms"
    assert shown["X-ResponseCodes"] == "0: 4, 10: 1"
    assert shown["longest without service"] == "3.00 s"
    assert dict(rows(Book(), 0.0))["X-ResponseCodes"] == "none"


@pytest.fixture
def url() -> Iterator[str]:
    command = [sys.executable, "-m", "mapiproxy.lab.server", "--crowd", "5", "--mail-every", "1"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield json.loads(server.stdout.readline())["url"]
        server.kill()


def crowd(*asked: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from mapiproxy.commands import main; main()", "lab", "crowd", *asked]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


def test_a_crowd_works_and_says_what_it_saw(url: str) -> None:
    done = crowd("--url", url, "--clients", "5", "--duration", "3s", "--within", "500ms", "--pace", "20")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing wrong" in done.stdout
    assert "5 Outlooks" in done.stdout


def test_a_crowd_tells_a_script(url: str) -> None:
    done = crowd("--url", url, "--clients", "2", "--duration", "2s", "--within", "100ms", "--alone", "--json")
    assert done.returncode == 0, done.stderr
    book = json.loads(done.stdout)
    assert (book["outlooks"], book["wrong_answers"], book["crashes"]) == (2, 0, [])
    # The own mailbox and the address book of each.
    assert book["connects"] == 4


def test_a_crowd_that_nobody_answers_has_failed() -> None:
    done = crowd("--url", "http://127.0.0.1:1", "--clients", "2", "--duration", "1s")
    assert done.returncode == 1
    assert "0 / 0 / 0" in done.stdout
    assert "nobody could work" in done.stdout
    assert "no connection: " in done.stdout
    assert "refused" in done.stdout
