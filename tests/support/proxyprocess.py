"""The proxy as its own process, and the two ends that a test plays by hand with blocking sockets."""

from __future__ import annotations

import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mapiproxy.lab.authority import Authority

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 20.0


class ProxyProcess:
    """A running proxy: its port, its pid, its log."""

    def __init__(self, folder: Path, config: str) -> None:
        self.folder = folder
        self.file = folder / "mapiproxy.toml"
        self.file.write_text(config, encoding="utf-8")
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from mapiproxy.commands import main; main()", "run", str(self.file)],
            cwd=ROOT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said: list[str] = []
        self._listening = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._listening.wait(PATIENCE):
            self.stop()
            raise AssertionError("the proxy did not start:\n" + "".join(self.said))

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.said.append(line)
            found = re.search(r"listener \w+: .*port=(\d+)", line)
            if found:
                self.port = int(found[1])
                self._listening.set()

    @property
    def pid(self) -> int:
        return self._process.pid

    def resident(self) -> int:
        """Bytes of memory in use now."""
        return self._status("VmRSS")

    def most_resident(self) -> int:
        """The most bytes of memory that were ever in use."""
        return self._status("VmHWM")

    def _status(self, name: str) -> int:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1]) * 1024
        raise AssertionError(name)

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def stop(self) -> int:
        """SIGTERM, and wait; returns the exit status."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            status = self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise
        self._reader.join(PATIENCE)
        if self._process.stdout is not None:
            self._process.stdout.close()
        return status

    def log_rows(self) -> list[dict[str, str]]:
        """Rows of the HttpProxy\\Mapi log, by column; read after :meth:`stop`."""
        rows = []
        for file in sorted((self.folder / "log" / "Mapi").glob("HttpProxy_*.LOG")):
            lines = file.read_bytes().decode("utf-8").split("\r\n")
            names = lines[0].split(",")
            for line in lines[6:-1]:
                values = line.split(",")
                assert len(values) == len(names) == 74, line
                rows.append(dict(zip(names, values, strict=True)))
        return rows


def configuration(
    folder: Path, backends: dict[str, int], kind: str = "grommunio", more: str = "", health: str = ""
) -> str:
    """A proxy with TLS in front and plain backends on loopback, by name and port.

    :param health: keys of ``[health]``; without any the backends, which are mere plays, are not probed.
    """
    authority = Authority(folder)
    issued = authority.issue("localhost", "127.0.0.1")
    servers = "".join(
        f'[[backend.test.server]]\nname = "{name}"\nurl = "http://127.0.0.1:{port}"\n'
        for name, port in backends.items()
    )
    return (
        f'[listener.mail]\nbind = "127.0.0.1:0"\n'
        f'certificate = "{issued.certificate}"\nkey = "{issued.key}"\n'
        f'[backend.test]\nkind = "{kind}"\nvdirs = ["mapi"]\nallow_ssl_offload = true\n{servers}'
        f'[health]\n{health or "enabled = false"}\n'
        f'[log]\ndirectory = "{folder / "log"}"\nflush = "50ms"\n{more}'
    )


@contextmanager
def proxy(
    folder: Path, backends: dict[str, int], kind: str = "grommunio", more: str = ""
) -> Iterator[ProxyProcess]:
    """A proxy in front of these backends."""
    running = ProxyProcess(folder, configuration(folder, backends, kind, more))
    try:
        yield running
    finally:
        running.stop()


def connect(running: ProxyProcess, folder: Path) -> ssl.SSLSocket:
    """A client's TLS connection."""
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    plain = socket.create_connection(("127.0.0.1", running.port), PATIENCE)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return context.wrap_socket(plain, server_hostname="localhost")


Play = Callable[[socket.socket], None]


@contextmanager
def backend(play: Play) -> Iterator[int]:
    """A backend that plays *play* with each connection in a thread of its own; yields its port.

    What goes wrong in a play is raised here.
    """
    listening = socket.create_server(("127.0.0.1", 0))
    wrong: list[BaseException] = []
    threads: list[threading.Thread] = []

    def serve(connection: socket.socket) -> None:
        with connection:
            connection.settimeout(PATIENCE)
            try:
                play(connection)
            except BaseException as error:
                wrong.append(error)

    def accept() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            thread = threading.Thread(target=serve, args=(connection,), daemon=True)
            threads.append(thread)
            thread.start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        accepting.join(PATIENCE)
        for thread in threads:
            thread.join(PATIENCE)
    if wrong:
        raise wrong[0]


def read_exactly(connection: socket.socket, size: int) -> bytes:
    """So many bytes; fewer only when the peer closed."""
    came = bytearray()
    while len(came) < size:
        piece = connection.recv(size - len(came))
        if not piece:
            break
        came += piece
    return bytes(came)


def read_until(connection: socket.socket, end: bytes) -> bytes:
    """Bytes up to and including *end* (or up to the peer's close)."""
    came = bytearray()
    while not came.endswith(end):
        piece = connection.recv(1)
        if not piece:
            break
        came += piece
    return bytes(came)
