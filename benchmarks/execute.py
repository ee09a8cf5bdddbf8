"""CPU per Execute: mapiproxy against HAProxy, the same requests to the same backend in the same run.

    python benchmarks/execute.py [--requests 6000] [--connections 1] [--rounds 5] [--json]

What is measured is the CPU time of the proxy's process, threads included, from /proc; neither wall clock
nor the load's own time counts. Rounds alternate between the proxies, so that whatever else the machine does
meets both, and the median round is reported. The request is Outlook's: a head of 1 kB, 300 bytes of body;
the answer is a preamble and 2 kB of binary in two chunks. TLS to the client, kept alive. Every answer is
checked. mapiproxy runs as it does for real, the log switched on.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.proxyprocess import ProxyProcess  # noqa: E402

from mapiproxy.lab.authority import Authority  # noqa: E402

TICK = os.sysconf("SC_CLK_TCK")
PREAMBLE = (
    b"PROCESSING\r\nDONE\r\nX-ElapsedTime: 3\r\nX-StartTime: Mon, 05 Jan 2026 08:00:00 GMT\r\n\r\n"
)
BINARY = bytes(2000)
SESSION = b"U2Vzc2lvbkNvbnRleHRPZk91dGxvb2tUaGF0SXNMb25nRW5vdWdo" * 2
GUID = b"{A5E9D50A-1314-4880-9EE7-4CD1CDCD8CC5}"

REQUEST = (
    b"POST /mapi/emsmdb/?MailboxId=616c6963-6540-6578-616d-706c01000000@example.test HTTP/1.1\r\n"
    b"Host: localhost\r\nConnection: Keep-Alive\r\nCache-Control: no-cache\r\nPragma: no-cache\r\n"
    b"Accept: application/mapi-http\r\nContent-Type: application/mapi-http\r\n"
    b"User-Agent: Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.10386; Pro)\r\n"
    b"X-RequestType: Execute\r\nX-RequestId: " + GUID + b":2\r\nX-ClientInfo: " + GUID + b":1\r\n"
    b"X-ClientApplication: Outlook/16.0.10386.20000\r\nClient-Request-Id: " + GUID + b"\r\n"
    b"X-User-Identity: alice@example.test\r\nX-MS-CookieUri-Requested: t\r\nX-FeatureVersion: 1\r\n"
    b"Authorization: Bearer " + b"eyJ0eXAiOiJKV1Qi" * 8 + b"\r\n"
    b"Cookie: MapiContext=" + SESSION + b"; MapiSequence=740-XTl+OA==; MapiRouting=UlVNOmFiY2Q=\r\n"
    b"Content-Length: 300\r\n\r\n" + bytes(300)
)
ANSWER = (
    b"HTTP/1.1 200 OK\r\nCache-Control: private\r\nTransfer-Encoding: chunked\r\n"
    b"Content-Type: application/mapi-http\r\nServer: Microsoft-IIS/10.0\r\n"
    b"request-id: 3fe8b64c-9d09-495d-9123-c7759ae9bbfb\r\nX-CalculatedBETarget: exch1.example.test\r\n"
    b"X-RequestType: Execute\r\nX-RequestId: " + GUID + b":2\r\nX-ClientInfo: " + GUID + b":1\r\n"
    b"X-ResponseCode: 0\r\nX-PendingPeriod: 30000\r\nX-ExpirationInfo: 900000\r\n"
    b"X-ServerApplication: Exchange/15.02.2562.045\r\n"
    b"Set-Cookie: MapiContext=" + SESSION + b"; path=/mapi/emsmdb; secure; HttpOnly\r\n"
    b"Set-Cookie: MapiSequence=741-XTl+OA==; path=/mapi/emsmdb; secure; HttpOnly\r\n\r\n"
    b"%x\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(PREAMBLE), PREAMBLE, len(BINARY), BINARY)
)


def serve(context: ssl.SSLContext | None) -> int:
    """A backend as a process of its own: reads a whole request, sends the answer; prints its port."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=256)
    print(listening.getsockname()[1], flush=True)

    def talk(plain: socket.socket) -> None:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = context.wrap_socket(plain, server_side=True) if context else plain
        waiting = b""
        while piece := connection.recv(65536):
            waiting += piece
            while (end := waiting.find(b"\r\n\r\n")) >= 0 and len(waiting) >= end + 304:
                waiting = waiting[end + 304 :]
                connection.sendall(ANSWER)

    while True:
        plain, _ = listening.accept()
        threading.Thread(target=talk, args=(plain,), daemon=True).start()


class Load:
    """Kept connections to one proxy, and what its process spends on them."""

    def __init__(self, name: str, port: int, pid: int, ca_file: Path, connections: int) -> None:
        self.name = name
        self._pid = pid
        context = ssl.create_default_context(cafile=str(ca_file))
        self._clients = []
        for _ in range(connections):
            plain = socket.create_connection(("127.0.0.1", port), 10)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._clients.append(context.wrap_socket(plain, server_hostname="localhost"))
        self.rounds: list[float] = []

    def cpu(self) -> float:
        """Seconds of CPU that the process has used, in user and kernel mode."""
        fields = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def drive(self, requests: int) -> float:
        """Send so many, check every answer; microseconds of the proxy's CPU for each."""
        before = self.cpu()
        for _ in range(requests // len(self._clients)):
            for client in self._clients:
                client.sendall(REQUEST)
            for client in self._clients:
                self._take_answer(client)
        return (self.cpu() - before) / requests * 1e6

    def _take_answer(self, client: ssl.SSLSocket) -> None:
        came = b""
        while not came.endswith(b"\r\n0\r\n\r\n"):
            piece = client.recv(65536)
            if not piece:
                raise SystemExit(f"{self.name} closed the connection after {came[:200]!r}")
            came += piece
        if not came.startswith(b"HTTP/1.1 200 ") or payload(came) != PREAMBLE + BINARY:
            raise SystemExit(f"{self.name} changed the answer: {came[:200]!r}")


def payload(answer: bytes) -> bytes:
    """The body without chunk framing, which HAProxy makes anew (and header names, which it lowers)."""
    rest = answer.partition(b"\r\n\r\n")[2]
    came = b""
    while True:
        size, _, rest = rest.partition(b"\r\n")
        if not int(size, 16):
            return came
        came += rest[: int(size, 16)]
        rest = rest[int(size, 16) + 2 :]


@contextmanager
def backend(certificate: Path | None, key: Path | None) -> Iterator[int]:
    """The backend's process; yields its port."""
    arguments = [sys.executable, __file__, "--serve"]
    if certificate is not None:
        arguments += [str(certificate), str(key)]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()


@contextmanager
def ours(folder: Path, files: tuple[Path, Path], url: str, log: bool) -> Iterator[tuple[int, int]]:
    """mapiproxy's port and pid."""
    folder.mkdir()
    running = ProxyProcess(
        folder,
        f'[listener.mail]\nbind = "127.0.0.1:0"\ncertificate = "{files[0]}"\nkey = "{files[1]}"\n'
        f'[backend.test]\nkind = "exchange"\nvdirs = ["mapi"]\n'
        f'allow_ssl_offload = true\nca_file = "{files[0].parent / "ca.pem"}"\nservers = ["{url}"]\n'
        # The backend is a play that knows one request; HAProxy does not probe it either.
        f'[health]\nenabled = false\n'
        f'[log]\ndirectory = "{folder / "log"}"\nenabled = {str(log).lower()}\n',
    )
    try:
        yield running.port, running.pid
    finally:
        running.stop()


@contextmanager
def haproxy(folder: Path, files: tuple[Path, Path], port: int, tls: bool) -> Iterator[tuple[int, int]]:
    """HAProxy's port and pid: one thread, no log, connections not shared, nothing inspected."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        own = free.getsockname()[1]
    both = folder / "both.pem"
    both.write_bytes(files[0].read_bytes() + files[1].read_bytes())
    leg = f" ssl verify required ca-file {files[0].parent / 'ca.pem'} verifyhost localhost" if tls else ""
    config = folder / "haproxy.cfg"
    config.write_text(
        "global\n  nbthread 1\n  maxconn 2000\ndefaults\n  mode http\n  timeout connect 5s\n"
        "  timeout client 900s\n  timeout server 900s\n  option http-keep-alive\n  option http-no-delay\n"
        f"frontend mail\n  bind 127.0.0.1:{own} ssl crt {both} alpn http/1.1\n"
        f"  default_backend mapi\nbackend mapi\n  http-reuse never\n  server one 127.0.0.1:{port}{leg}\n"
    )
    process = subprocess.Popen(["haproxy", "-db", "-f", str(config)], stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", own), 1).close()
                break
            except ConnectionRefusedError:
                time.sleep(0.05)
        yield own, process.pid
    finally:
        process.kill()
        process.wait()


def measure(requests: int, connections: int, rounds: int, tls_backend: bool) -> dict[str, Any]:
    """Microseconds per Execute by proxy: median, least and most of the rounds."""
    has_peer = shutil.which("haproxy") is not None
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        authority = Authority(folder)
        issued = authority.issue("localhost", "127.0.0.1")
        files = (issued.certificate, issued.key)
        port = stack.enter_context(backend(*(files if tls_backend else (None, None))))
        url = f"http{'s' if tls_backend else ''}://localhost:{port}".replace("localhost", "127.0.0.1")
        loads = []
        for name, log in (("mapiproxy", True), ("mapiproxy without log", False)):
            address = stack.enter_context(ours(folder / name.replace(" ", "-"), files, url, log))
            loads.append(Load(name, *address, authority.ca_file, connections))
        if has_peer:
            address = stack.enter_context(haproxy(folder, files, port, tls_backend))
            loads.append(Load("HAProxy", *address, authority.ca_file, connections))
        for load in loads:
            load.drive(max(connections, requests // 5))
        for _ in range(rounds):
            for load in loads:
                load.rounds.append(load.drive(requests))
    figures = {
        load.name: {
            "median": round(statistics.median(load.rounds), 1),
            "least": round(min(load.rounds), 1),
            "most": round(max(load.rounds), 1),
        }
        for load in loads
    }
    return {"backend": "https" if tls_backend else "http", "connections": connections, "us": figures}


def report(result: dict[str, Any]) -> None:
    """One table for people."""
    figures = result["us"]
    print(f"\n{result['connections']} connection(s), TLS to the client, {result['backend']} to the backend")
    peer = figures.get("HAProxy", {}).get("median")
    for name, row in figures.items():
        ratio = f"  {row['median'] / peer:4.1f} x HAProxy" if peer and name != "HAProxy" else ""
        print(f"  {name:22} {row['median']:7.1f} us  ({row['least']:.1f} to {row['most']:.1f}){ratio}")
    if peer is None:
        print("  HAProxy                is not installed: nothing to compare with (apt-get install haproxy)")


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--requests", type=int, default=6000, help="in each round")
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--backend", choices=("http", "https", "both"), default="http")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--serve", nargs="*", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve is not None:
        context = None
        if options.serve:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*options.serve)
        serve(context)
        return
    results = [
        measure(options.requests, connections, options.rounds, tls)
        for tls in {"http": (False,), "https": (True,), "both": (False, True)}[options.backend]
        for connections in options.connections
    ]
    if options.json:
        print(json.dumps(results, indent=2))
        return
    print(f"CPU per Execute, median of {options.rounds} rounds of {options.requests} requests")
    for result in results:
        report(result)


if __name__ == "__main__":
    main()
