"""``mapiproxy run`` starts, stops on a signal, refuses a broken file; the service is a stand-in."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.certs import issue_weak
from support.settings_files import PLAIN, write_config

STAND_IN = """
import sys, types
from twisted.application.service import MultiService, Service
from twisted.internet.error import CannotListenError
from twisted.logger import Logger

class StandIn(Service):
    def startService(self):
        if self.settings.proxy.name == "no-port":
            raise CannotListenError("127.0.0.1", 8080, OSError(98, "Address already in use"))
        # Said from within the loop: signals are taken from there on.
        self.reactor.callLater(0, self.say)
    def say(self):
        Logger().info("started with {count} listener", count=len(self.settings.listeners))
    def stopService(self):
        Logger().info("stopped")

def make_service(settings, reactor, file):
    assert file.is_file()
    service = MultiService()
    inner = StandIn()
    inner.settings, inner.reactor = settings, reactor
    inner.setServiceParent(service)
    return service

sys.modules["mapiproxy.service"] = module = types.ModuleType("mapiproxy.service")
module.make_service = make_service
from mapiproxy.commands import main
main()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_logs_to_stdout_and_a_signal_stops_it_cleanly(
    tmp_path: Path, number: signal.Signals
) -> None:
    path = write_config(tmp_path, PLAIN)
    with subprocess.Popen(
        [sys.executable, "-u", "-c", STAND_IN, "run", str(path)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        # A shell's background job inherits that SIGINT is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:  # fmt: skip
        assert process.stdout is not None
        seen = [next(process.stdout)]
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert "started with 1 listener" in seen[0]
    assert "stopped" in out
    assert (process.returncode, err) == (0, "")


def test_a_broken_file_is_a_list_of_problems_and_exit_code_1(tmp_path: Path) -> None:
    path = write_config(tmp_path, PLAIN.replace("bind", "bnid"))
    done = subprocess.run(
        [sys.executable, "-c", STAND_IN, "run", str(path)], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f'{path}:2: listener.mail.bnid: unknown key; did you mean "bind"?\n'


def test_an_address_that_is_taken_is_said_in_one_line(tmp_path: Path) -> None:
    path = write_config(tmp_path, PLAIN + '[proxy]\nname = "no-port"\n')
    done = subprocess.run(
        [sys.executable, "-c", STAND_IN, "run", str(path)], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"{path}: Couldn't listen on 127.0.0.1:8080")
    assert done.stderr.count("\n") == 1


def test_a_key_that_openssl_refuses_is_a_line_and_exit_code_1(tmp_path: Path) -> None:
    weak = issue_weak(tmp_path / "weak.pem").both
    path = write_config(tmp_path, PLAIN.replace("tls = false", f'certificate = "{weak}"'))
    program = "from mapiproxy.commands import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "run", str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == f"{path}: {weak}: TLS: ee key too small"
    assert "Traceback" not in done.stderr
