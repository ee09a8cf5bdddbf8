"""A lab server's book of what it has executed and answered, that outlives the server.

Each line leaves in one write to a file opened for appending, so what stands in it has happened even if the
process was killed right after, and several servers can share a file.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mapiproxy.lab.backend import Seen


class Journal:
    """The book, open for writing.

    A line has ``server``, ``event``, ``request_id``, ``login`` and ``code``. The event is ``execute``
    where an Execute begins to be executed (*code* is null: it has not ended), ``refused`` for a code
    that is not 0, else the X-RequestType in lower case; *code* is the X-ResponseCode of the head.
    """

    def __init__(self, path: Path, server: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._server = server

    def executed(self, request_id: str, login: str) -> None:
        """An Execute is being executed now."""
        self._write("execute", request_id, login, None)

    def answered(self, seen: Seen) -> None:
        """A request has got its answer's head; what is no MAPI (probes, 401s) is left out."""
        event = (seen.request_type or "").lower()
        if seen.code is None or (event == "execute" and seen.code == 0):
            return
        self._write("refused" if seen.code else event, seen.request_id, seen.login, seen.code)

    def close(self) -> None:
        """Write no more."""
        os.close(self._file)

    def _write(
        self, event: str, request_id: str | None, login: str | None, code: int | None
    ) -> None:
        line = {
            "server": self._server,
            "event": event,
            "request_id": request_id,
            "login": login,
            "code": code,
        }
        os.write(self._file, json.dumps(line).encode() + b"\n")


def read_journal(path: Path) -> Iterator[dict[str, Any]]:
    """Its lines, as :class:`Journal` describes them; none if there is no file."""
    if path.exists():
        for line in path.read_text().splitlines():
            yield json.loads(line)


def count_executions(*paths: Path) -> Counter[str]:
    """X-RequestId → how often its Execute was executed, by all servers that wrote these files."""
    lines = (line for path in paths for line in read_journal(path))
    return Counter(line["request_id"] for line in lines if line["event"] == "execute")
