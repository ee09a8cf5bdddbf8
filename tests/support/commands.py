"""A command of ours as a process of its own, which says on its first line where it listens."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


class Running:
    """``with Running("lab", "toxiproxy", "--port", "0") as command:``

    :ivar port: where it listens.
    """

    def __init__(self, *arguments: str) -> None:
        code = "from mapiproxy.commands import main; main()"
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-c", code, *arguments], cwd=ROOT, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.first = self.process.stdout.readline()
        found = re.search(r"listens on (?:http://)?\S+:(\d+)", self.first)
        if found is None:
            self.process.kill()
            raise AssertionError(self.first + self.process.communicate()[0])
        self.port = int(found[1])

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()

    def type(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")

    def interrupt(self) -> str:
        """Ctrl-C; what it says until it has ended."""
        self.process.send_signal(signal.SIGINT)
        return self.rest()

    def rest(self) -> str:
        """What it says until it has ended by itself."""
        assert self.process.stdout is not None
        told = self.process.stdout.read()
        self.process.wait(timeout=20)
        return told
