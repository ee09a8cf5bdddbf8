"""Lab servers as processes of their own, and an Outlook that a test plays by hand, byte by byte."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import ssl
import struct
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from support.proxyprocess import PATIENCE, ROOT, ProxyProcess, configuration

from mapiproxy.lab import bodies, rops
from mapiproxy.lab.journal import read_journal
from mapiproxy.lab.users import LabUser

NAMES = {"exchange": "EXCH", "grommunio": "GROM"}
HEALTH = 'interval = "200ms"\nfast = "100ms"\ntimeout = "1s"\nrise = 1\nfall = 2\nejection = "300ms"'


def quiet_port() -> int:
    """A free port that no outgoing connection will be given, so a killed server can have it again."""
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.randrange(min(20000, lowest - 1000), lowest)
        with socket.socket() as trying:
            try:
                trying.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class LabProcess:
    """A lab server that can be killed, stopped in its tracks, and started again on its port.

    :param port: a free one if it is not given.
    """

    def __init__(
        self, kind: str, name: str, folder: Path, users: list[LabUser], *options: str, port: int = 0
    ) -> None:
        self.name = name
        self.journal = folder / "journal"
        self._command = [
            sys.executable, "-m", "mapiproxy.lab.server", "--kind", kind, "--name", name, "--mark",
            "--journal", str(self.journal), *options,
            *(word for user in users for word in ("--user", f"{user.login}:{user.password}")),
        ]  # fmt: skip
        self.port = port or quiet_port()
        self.start()

    def start(self) -> None:
        """Start it, on the port that it had."""
        self.process = subprocess.Popen(
            [*self._command, "--port", str(self.port)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        assert said, f"{self.name} did not start on port {self.port}"
        assert json.loads(said)["port"] == self.port

    def kill(self) -> None:
        """SIGKILL: nothing is said, nothing is finished."""
        self.process.kill()
        self.process.wait(PATIENCE)
        if self.process.stdout is not None:
            self.process.stdout.close()

    def restart(self) -> None:
        """Killed, and there again with nothing in its memory."""
        self.kill()
        self.start()

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)


class Field:
    """A proxy (or several) in front of lab servers, all processes.

    :ivar labs: by name.
    """

    def __init__(self, kind: str, folder: Path, people: int, *options: str, servers: int = 2) -> None:
        self.kind = kind
        self.folder = folder
        self.users = [LabUser(f"user{number}@example.test", "secret") for number in range(people)]
        names = [f"{NAMES[kind]}{number + 1}" for number in range(servers)]
        self.labs = {name: LabProcess(kind, name, folder, self.users, *options) for name in names}
        key = folder / "route.key"
        key.write_text("sixteen bytes and some more\n")
        key.chmod(0o600)
        self.proxies: list[ProxyProcess] = []

    def proxy(self) -> ProxyProcess:
        """One more proxy with the same configuration."""
        folder = self.folder / f"proxy{len(self.proxies)}"
        folder.mkdir()
        more = f'[affinity]\nkey_file = "{self.folder / "route.key"}"\n[control]\nsocket = "{folder / "c"}"\n'
        ports = {name: lab.port for name, lab in self.labs.items()}
        running = ProxyProcess(folder, configuration(folder, ports, self.kind, more, HEALTH))
        self.proxies.append(running)
        # The listener is bound first; privileges may have to be dropped in between.
        until = time.monotonic() + PATIENCE
        while not (folder / "c").exists():
            assert time.monotonic() < until, "".join(running.said)
            time.sleep(0.01)
        return running

    def outlook(self, user: LabUser, proxy: int = 0) -> Outlook:
        return Outlook(self, user, self.proxies[proxy])

    def ask(self, command: str, proxy: int = 0, **arguments: object) -> dict[str, object]:
        """An order over the control socket."""
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(PATIENCE)
            line.connect(str(self.proxies[proxy].folder / "c"))
            line.sendall(json.dumps({"command": command, **arguments}).encode() + b"\n")
            with line.makefile("rb") as came:
                reply: dict[str, object] = json.loads(came.readline())
        return reply

    def revive(self) -> None:
        """Every lab server runs again, and the proxies know."""
        for lab in self.labs.values():
            if lab.process.poll() is not None:
                lab.start()
        until = time.monotonic() + PATIENCE
        for number in range(len(self.proxies)):
            while not all(row["up"] for row in self.ask("servers", number)["servers"]):  # type: ignore[attr-defined]
                assert time.monotonic() < until, self.ask("servers", number)
                time.sleep(0.05)

    def executions(self) -> Counter[str]:
        """How often each X-RequestId was executed, on all servers together."""
        return Counter(line["request_id"] for line in self.events("execute"))

    def events(self, event: str) -> list[dict[str, Any]]:
        """The lines of all servers' book about *event* (see :class:`mapiproxy.lab.journal.Journal`)."""
        return [line for line in read_journal(self.folder / "journal") if line["event"] == event]

    def stop(self) -> None:
        """End all of them, whatever one of them makes of it."""
        with ExitStack() as last:
            for lab in self.labs.values():
                last.callback(lab.kill)
            for proxy in self.proxies:
                last.callback(proxy.stop)


@contextmanager
def field(kind: str, folder: Path, people: int, *options: str, servers: int = 2) -> Iterator[Field]:
    """The field, cleared at the end."""
    made = Field(kind, folder, people, *options, servers=servers)
    try:
        made.proxy()
        yield made
    finally:
        made.stop()


class Answer:
    """What came back: ``whole`` says whether it was complete by its own framing."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        head, self.begun, self.body = raw.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        self.status = int(lines[0].split(b" ")[1]) if self.begun else None
        self.fields = [(k.lower(), v) for k, _, v in (line.partition(b": ") for line in lines[1:])]

    def get(self, name: bytes) -> bytes | None:
        return next((value for key, value in self.fields if key == name), None)

    @property
    def whole(self) -> bool:
        if not self.begun:
            return False
        length = self.get(b"content-length")
        if length is not None:
            return len(self.body) >= int(length)
        return self.body.endswith(b"0\r\n\r\n")

    @property
    def framed(self) -> bool:
        """Whether its head says how to tell its end: then losing the connection cannot be taken for that."""
        return self.get(b"content-length") is not None or self.get(b"transfer-encoding") == b"chunked"

    @property
    def code(self) -> int | None:
        late = self.body.rpartition(b"DONE\r\n")[2].partition(b"\r\n\r\n")[0]
        for line in late.split(b"\r\n"):
            if line.lower().startswith(b"x-responsecode:"):
                return int(line.split(b":")[1])
        value = self.get(b"x-responsecode")
        return int(value) if value is not None else None

    @property
    def backend(self) -> str | None:
        for name in (b"x-beserver", b"x-lab-backend", b"x-calculatedbetarget", b"x-feserver"):
            value = self.get(name)
            if value is not None:
                return value.decode().partition(".")[0]
        return None


class Outlook:
    """One session, played by hand: cookies are kept, connections are whatever the test makes of them."""

    def __init__(self, field: Field, user: LabUser, proxy: ProxyProcess) -> None:
        self.field = field
        self.user = user
        self.proxy = proxy
        self.cookies: dict[bytes, bytes] = {}
        self.guid = f"{{{uuid.uuid4()}}}".upper()
        self.number = 0
        self.line: ssl.SSLSocket | None = None
        self.came = b""

    def dial(self) -> ssl.SSLSocket:
        """A new connection in place of the old one."""
        self.drop()
        context = ssl.create_default_context(cafile=str(self.proxy.folder / "ca.pem"))
        plain = socket.create_connection(("127.0.0.1", self.proxy.port), PATIENCE)
        self.line = context.wrap_socket(plain, server_hostname="localhost")
        return self.line

    def drop(self, reset: bool = False) -> None:
        """Lose the connection: as a firewall's reset, or as a process that ends."""
        if self.line is not None:
            if reset:
                self.line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.line.close()
            self.line, self.came = None, b""

    def request(self, request_type: str, body: bytes | None = None) -> tuple[bytes, bytes, str]:
        """A request's head and body, and its X-RequestId."""
        self.number += 1
        request_id = f"{self.guid}:{self.number}"
        if body is None:
            body = {
                "Connect": bodies.connect_request(self.user.dn),
                "Execute": bodies.execute_request(rops.nothing()),
                "NotificationWait": bodies.NOTIFICATION_WAIT_REQUEST,
                "Disconnect": bodies.DISCONNECT_REQUEST,
            }.get(request_type, b"")
        lines = [
            f"POST /mapi/emsmdb/?MailboxId={self.user.mailbox_id} HTTP/1.1", "Host: localhost",
            "Content-Type: application/mapi-http", f"X-RequestType: {request_type}",
            f"X-RequestId: {request_id}", f"X-ClientInfo: {self.guid}", "X-ClientApplication: Outlook/16.0",
            f"Authorization: {self.user.basic.decode()}", f"Content-Length: {len(body)}",
        ]  # fmt: skip
        if self.cookies:
            pairs = "; ".join(f"{k.decode()}={v.decode()}" for k, v in self.cookies.items())
            lines.append(f"Cookie: {pairs}")
        return "\r\n".join([*lines, "", ""]).encode(), body, request_id

    def read(self) -> Answer:
        """An answer, to its end or to the connection's; what :meth:`read_to` has read belongs to it."""
        assert self.line is not None
        came, self.came = bytearray(self.came), b""
        answer = Answer(bytes(came))
        while not answer.whole:
            try:
                piece = self.line.recv(1 << 20)
            except (ConnectionError, ssl.SSLError):
                break
            if not piece:
                break
            came += piece
            # Looked at as a whole only when it may be: some of these are large.
            if len(came) < 100_000 or came.endswith(b"0\r\n\r\n"):
                answer = Answer(bytes(came))
        answer = Answer(bytes(came))
        if answer.whole:
            for name, value in answer.fields:
                if name == b"set-cookie":
                    key, _, rest = value.partition(b"=")
                    self.cookies[key] = rest.partition(b";")[0]
        return answer

    def read_to(self, word: bytes) -> None:
        """Read until *word* has come once more."""
        assert self.line is not None
        seen = len(self.came)
        while word not in self.came[seen:]:
            piece = self.line.recv(1)
            assert piece, self.came
            self.came += piece

    def call(self, request_type: str, body: bytes | None = None) -> Answer:
        """One whole exchange, on the connection that is there, or on a new one."""
        head, sent, _ = self.request(request_type, body)
        if self.line is None:
            self.dial()
        assert self.line is not None
        self.line.sendall(head + sent)
        return self.read()

    def reconnect(self) -> Answer:
        """What the protocol wants when an outcome is not known: Connect with the old cookies (R1207)."""
        self.dial()
        self.guid = f"{{{uuid.uuid4()}}}".upper()
        return self.call("Connect")


assert os.name == "posix"
