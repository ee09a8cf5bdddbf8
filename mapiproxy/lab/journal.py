"""A lab server's book of what it has executed, that outlives the server.

Each line leaves in one write to a file opened for appending, so what stands in it has happened even if the
process was killed right after, and several servers can share a file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path


class Journal:
    """The book, open for writing."""

    def __init__(self, path: Path, server: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._server = server

    def executed(self, request_id: str, login: str) -> None:
        """An Execute is being executed now."""
        line = {"server": self._server, "request_id": request_id, "login": login}
        os.write(self._file, json.dumps(line).encode() + b"\n")

    def close(self) -> None:
        """Write no more."""
        os.close(self._file)


def read_journal(path: Path) -> Iterator[dict[str, str]]:
    """Its lines: ``server``, ``request_id``, ``login``."""
    if path.exists():
        for line in path.read_text().splitlines():
            yield json.loads(line)
