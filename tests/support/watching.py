"""Looking at a running proxy from outside: its output, its page, its control socket."""

from __future__ import annotations

import json
import re
import socket
import time
from pathlib import Path

from support.proxyprocess import PATIENCE, ProxyProcess


def send(port: int, data: bytes) -> bytes:
    """What comes back for one request."""
    with socket.create_connection(("127.0.0.1", port), 20) as line:
        line.sendall(data)
        came = b""
        while piece := line.recv(65536):
            came += piece
        return came


def wait_for(running: ProxyProcess, pattern: str) -> re.Match[str]:
    """A line of its output."""
    until = time.monotonic() + PATIENCE
    while (found := re.search(pattern, "".join(running.said))) is None:
        assert time.monotonic() < until, pattern
        time.sleep(0.01)
    return found


def order(folder: Path, **wanted: object) -> str:
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(folder / "control"))
        line.sendall(json.dumps(wanted).encode() + b"\n")
        with line.makefile() as answers:
            return answers.readline()
