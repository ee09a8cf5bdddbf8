"""Another product in the proxy's place: HAProxy or nginx, from an example in conf/peers, as a process.

The example is what people run; only what a laboratory has to change is changed: addresses, certificates,
and all durations, which are divided by the speed at which the lab's time passes (``lab/faster.py``). What the
product would wait for by default is written out, so that it is divided as well.
"""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from attrs import define, field, frozen
from twisted.internet.threads import deferToThreadPool

from mapiproxy.lab.authority import Issued
from mapiproxy.lab.server import LOOPBACK
from mapiproxy.scenario import operator_verbs
from mapiproxy.scenario.library import shipped
from mapiproxy.scenario.proxies import RefusedOrder, Upstream
from mapiproxy.scenario.reading import Scenario

PROGRAMS = ("haproxy", "nginx")
ENDINGS = {"haproxy": "cfg", "nginx": "conf"}
#: What nginx waits by default (its documentation), where the example does not say otherwise.
NGINX_DEFAULTS = {
    "client_header_timeout": "60s", "client_body_timeout": "60s", "send_timeout": "60s",
    "keepalive_timeout": "75s", "proxy_connect_timeout": "60s", "proxy_read_timeout": "60s",
    "proxy_send_timeout": "60s",
}  # fmt: skip
#: Real seconds that a program may take to listen, and to leave.
PATIENCE = 10.0

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"\b(\d+)(ms|s|m|h|d)\b")
#: Below this a duration would measure the machine: reaching somebody on it takes real time.
_LEAST_MS = 250


class NoPeer(Exception):
    """The product is not on this machine, or did not start; says why."""


def find_program(name: str) -> str:
    """Its path. :raise NoPeer: it is not installed."""
    found = shutil.which(name, path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin:/sbin")
    if found is None:
        raise NoPeer(f"{name} is not on this machine; Debian's package is called {name}")
    return found


def example_of(program: str, kind: str) -> Path:
    """The example in conf/peers. :raise NoPeer: there is none."""
    name = f"{program}-{kind}.{ENDINGS[program]}"
    folder = shipped("peers")
    if folder is None or not (folder / name).is_file():
        raise NoPeer(f"there is no conf/peers/{name}")
    return folder / name


@define(eq=False)
class PeerNode:
    """The process. Has the face of ``proxies.ProxyNode``, but takes no orders.

    :param speed: seconds of the lab in a real one.
    :param find_home: from a mailbox id to the server that served it last.
    """

    program: str
    number: int
    folder: Path
    kind: str
    port: int
    upstreams: Sequence[Upstream]
    issued: Issued
    ca_file: Path
    speed: float
    reactor: Any
    find_home: Callable[[str], str | None]
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    #: What runs in this process: nothing.
    service = None

    @property
    def log_folder(self) -> Path:
        """Where an HttpProxy log would be."""
        return self.folder / f"log{self.number}"

    @property
    def file(self) -> Path:
        """What it is run from."""
        return self.folder / f"{self.program}{self.number}.{ENDINGS[self.program]}"

    def start(self) -> None:
        """Write the configuration and run it; returns when it listens. :raise NoPeer: it does not."""
        text = example_of(self.program, self.kind).read_text(encoding="utf-8")
        pem = self.folder / "peer.pem"
        pem.touch(0o600)
        pem.write_bytes(self.issued.certificate.read_bytes() + self.issued.key.read_bytes())
        if self.program == "haproxy":
            self.file.write_text(self.render_haproxy(text, pem), encoding="utf-8")
            command = [find_program("haproxy"), "-db", "-f", str(self.file)]
        else:
            self.file.write_text(self.render_nginx(text), encoding="utf-8")
            command = [find_program("nginx"), "-p", str(self.folder), "-c", str(self.file)]
        with (self.folder / f"{self.program}{self.number}.out").open("wb") as out:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        until = time.monotonic() + PATIENCE
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > until:
                said = (self.folder / f"{self.program}{self.number}.out").read_text(errors="replace")
                self._kill()
                raise NoPeer(f"{self.program} did not start: {said.strip()[-400:]}")
            time.sleep(0.05)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(0.5)
            return probe.connect_ex((LOOPBACK, self.port)) == 0

    async def stop(self) -> None:
        """End it, and wait until it is gone."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()

        def wait() -> None:
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

        await deferToThreadPool(self.reactor, self.reactor.getThreadPool(), wait)

    async def die(self) -> None:
        """Be gone without ceremony."""
        self._kill()

    def _kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def home_of(self, mailbox: str) -> str | None:
        """The server that served a mailbox last."""
        return self.find_home(mailbox)

    def order(self, command: str, **arguments: Any) -> dict[str, Any]:
        """There are no orders for it. :raise RefusedOrder: always."""
        raise RefusedOrder(f"{self.program} does not take the order {command}")

    def reload(self, extra: str | None) -> dict[str, Any]:
        """There is no other text for it. :raise RefusedOrder: always."""
        raise RefusedOrder(f"{self.program} is not reloaded here")

    # The text.

    def render_haproxy(self, text: str, pem: Path) -> str:
        """The example, for this stage."""
        text = re.sub(r"bind :443 ssl crt \S+", f"bind {LOOPBACK}:{self.port} ssl crt {pem}", text)
        text = re.sub(r"ca-file \S+", f"ca-file {self.ca_file}", text)
        lines = []
        for line in text.splitlines():
            words = line.split()
            if words[:1] == ["server"]:
                # "exch1" in the example is the first server of the stage, and so on.
                upstream = self.upstreams[int(words[1][-1]) - 1]
                words[1:3] = [upstream.name, f"{LOOPBACK}:{upstream.port}"]
                line = "    " + " ".join(words)
            elif words and not words[0].startswith("#"):
                line = self._faster(line)
            lines.append(line)
        return "\n".join(lines) + "\n"

    def render_nginx(self, text: str) -> str:
        """The example, for this stage; its files stay in the run's folder."""
        text = re.sub(r"listen 443", f"listen {LOOPBACK}:{self.port}", text)
        text = re.sub(r"ssl_certificate \S+;", f"ssl_certificate {self.issued.certificate};", text)
        text = re.sub(r"ssl_certificate_key \S+;", f"ssl_certificate_key {self.issued.key};", text)
        lines = []
        for line in text.splitlines():
            words = line.split()
            if words[:1] == ["server"] and words[1:] and ":443" in words[1]:
                upstream = self.upstreams[int(words[1].partition(".")[0][-1]) - 1]
                line = line.replace(words[1], f"{LOOPBACK}:{upstream.port}")
                # nginx counts these in whole seconds.
                line = re.sub(r"fail_timeout=\d+s", f"fail_timeout={max(1, round(10 / self.speed))}s", line)
            elif words and not words[0].startswith("#"):
                line = self._faster(line)
            lines.append(line)
        waits = "".join(
            f"    {name} {self._faster(value)};\n"
            for name, value in NGINX_DEFAULTS.items()
            if not re.search(rf"^    {name}\b", text, re.MULTILINE)
        )
        paths = "".join(
            f"    {name}_temp_path {self.folder}/{name};\n"
            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        ours = "daemon off;\nmaster_process off;\n"
        ours += f"pid {self.folder}/nginx.pid;\nerror_log {self.folder}/error.log;\n"
        inside = f"http {{\n    access_log off;\n{paths}{waits}"
        return ours + "\n".join(lines).replace("http {\n", inside, 1) + "\n"

    def _faster(self, line: str) -> str:
        def divided(match: re.Match[str]) -> str:
            seconds = int(match[1]) * _UNITS[match[2]]
            return f"{max(_LEAST_MS, round(seconds * 1000 / self.speed))}ms"

        return _DURATION.sub(divided, line)


@frozen
class Peer:
    """A product in the proxy's place, as a stage asks for one. *speed*: see :class:`PeerNode`."""

    program: str
    speed: float

    def __call__(
        self,
        stage: Any,
        number: int,
        port: int,
        upstreams: Sequence[Upstream],
        issued: Issued,
        ca_file: Path,
        key_file: Path,
    ) -> PeerNode:
        """The process, not started."""

        def find_home(mailbox: str) -> str | None:
            """Which server answered somebody last, from the servers' books."""
            logins = {each.user.login for each in stage.people.values() if each.user.mailbox_id == mailbox}
            for entry in reversed(stage.books.entries):
                if entry.seen.login in logins and entry.seen.code == 0:
                    return str(entry.server)
            return None

        return PeerNode(
            self.program, number, stage.folder, stage.kind, port, upstreams, issued, ca_file, self.speed,
            stage.reactor, find_home,
        )  # fmt: skip


def why_not(scenario: Scenario) -> str | None:
    """Why a scenario cannot be played with another product in our place, or ``None``."""
    if scenario.proxy.nodes > 1:
        return "needs several nodes of ours"
    for step in scenario.steps:
        if type(step.verb).__module__ == operator_verbs.__name__:
            return f"its step {step.name} is an order to our proxy"
    return None
