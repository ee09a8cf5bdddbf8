"""``mapiproxy lab device``: in front of a real server, told, steered and stopped; and what it refuses."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner
from support.commands import Running

from mapiproxy.commands import main


class Hello(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def web() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hello)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_a_device_tells_obeys_and_counts(web: str) -> None:
    with Running("lab", "device", "waf", "--to", web, "--methods", "GET", "--seed", "7") as command:
        assert command.first == f"waf listens on 127.0.0.1:{command.port} in front of {web} (seed 7)\n"
        url = f"http://127.0.0.1:{command.port}/"
        assert requests.get(url).text == "hello"
        assert requests.delete(url).status_code == 403
        command.type('add { fault = "http_status", status = 503 }')
        told = [command.line()]
        while told[-1] != "added http_status":
            told.append(command.line())
        assert requests.get(url).status_code == 503
        told += command.interrupt().splitlines()
        assert any("waf fault      method_filter  connection 2, request 1" in each for each in told)
        assert any("waf connection accepted  connection 1" in each for each in told)
        assert told[-4].startswith("connections 3 (open 0")
        assert told[-2:] == ["struck by method_filter: 1", "struck by http_status: 1"]
        assert command.process.returncode == 0


def test_it_ends_tls_with_a_certificate_of_its_own_authority(web: str, tmp_path: Path) -> None:
    folder = tmp_path / "ca"
    arguments = ("--authority", str(folder), "--plain-to", "--rule", 'fault = "expired_certificate", limit = 1')
    with Running("lab", "device", "wire", "--to", web, *arguments) as command:
        url = f"https://localhost:{command.port}/"
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(url, verify=str(folder / "ca.pem"))
        assert requests.get(url, verify=str(folder / "ca.pem")).text == "hello"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["idle-firewall"], "idle_firewall: timeout is needed"),
        (["nat", "--timeout", "5s"], "nat: unknown key timeout"),
        (["wire", "--listen", "0.0.0.0:0"], "0.0.0.0 is not a loopback address, and nobody said anywhere: give --anywhere"),
        (["wire", "--rule", "latency"], "is not a TOML inline table"),
        (["wire", "--rule", 'fault = "latncy"'], "did you mean latency"),
        (["wire", "--pass-tls", "--rule", 'fault = "reset", phase = "idle"'], "passes TLS unread"),
        (["wire", "--pass-tls", "--authority", "x"], "does not go with a certificate"),
        (["wire", "--certificate", __file__], "--certificate and --key go together"),
        (["wire", "--certificate", __file__, "--key", __file__], "the certificate cannot be used"),
        (["wire", "--to", "nowhere"], "--to: "),
        (["h2-front"], "h2 is agreed on in TLS"),
    ],
)
def test_mistakes_are_told_before_anything_runs(arguments: list[str], text: str) -> None:
    result = CliRunner().invoke(main, ["lab", "device", *arguments, "--to", "127.0.0.1:9"])
    assert result.exit_code in (1, 2)
    assert text in result.stderr


def test_a_port_that_is_taken_is_told(web: str) -> None:
    with Running("lab", "device", "wire", "--to", web) as first:
        with pytest.raises(AssertionError, match="Address already in use"):
            Running("lab", "device", "wire", "--to", web, "--listen", f"127.0.0.1:{first.port}")
