"""A lab server as a process of its own."""

from __future__ import annotations

import json
import socket
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from support.lab import ALICE, request_bytes
from support.lab_sockets import Wire
from support.processes import Answer, LabProcess
from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import ProcessProtocol
from twisted.trial.unittest import TestCase

from mapiproxy.lab.journal import read_journal


class ProcessTests(TestCase):
    timeout = 20

    @inlineCallbacks
    def test_it_runs_as_a_process_and_prints_its_address(self) -> Any:
        lines: Deferred[bytes] = Deferred()
        ended: Deferred[None] = Deferred()

        class Child(ProcessProtocol):
            said = b""

            def outReceived(self, data: bytes) -> None:
                self.said += data
                if self.said.endswith(b"\n") and not lines.called:
                    lines.callback(self.said)

            def processEnded(self, reason: Any) -> None:
                ended.callback(None)

        arguments = [sys.executable, "-m", "mapiproxy.lab.server", "--kind", "grommunio"]
        child = reactor.spawnProcess(Child(), sys.executable, arguments, env=None)
        address = json.loads((yield lines))
        self.assertEqual((address["kind"], address["tls"]), ("grommunio", False))
        wire = yield connectProtocol(
            TCP4ClientEndpoint(reactor, address["host"], address["port"]), Wire()
        )
        reply = yield wire.ask(request_bytes("Connect"))
        self.assertEqual(reply.code, 0)
        child.signalProcess("TERM")
        yield ended
        yield wire.closed


@pytest.mark.parametrize("kind", ["exchange", "grommunio"])
def test_what_it_was_executing_when_it_was_killed_stands_in_its_journal(kind: str, tmp_path: Path) -> None:
    """And on its port it comes back, with nothing else that it knew."""
    server = LabProcess(kind, "ONE", tmp_path, [ALICE], "--execute-delay", "30")
    try:
        with socket.create_connection(("127.0.0.1", server.port), 10) as line:
            line.sendall(request_bytes("Connect", request_id="{G}:1"))
            connected = Answer(b"")
            while not connected.whole:
                connected = Answer(connected.raw + line.recv(65536))
            cookies = "; ".join(
                value.decode().partition(";")[0] for name, value in connected.fields if name == b"set-cookie"
            )
            line.sendall(request_bytes("Execute", cookies=cookies, request_id="{G}:2"))
            until = time.monotonic() + 10
            while len(list(read_journal(server.journal))) < 2 and time.monotonic() < until:
                time.sleep(0.01)
            port = server.port
            server.restart()
        assert server.port == port
        with socket.create_connection(("127.0.0.1", port), 10) as line:
            line.sendall(request_bytes("Execute", cookies=cookies, request_id="{G}:3"))
            refused = Answer(b"")
            while not refused.whole:
                refused = Answer(refused.raw + line.recv(65536))
    finally:
        server.kill()

    assert refused.code == {"exchange": 10, "grommunio": 2}[kind]
    told = [(line["event"], line["request_id"], line["code"]) for line in read_journal(server.journal)]
    assert told == [
        ("connect", "{G}:1", 0), ("execute", "{G}:2", None), ("refused", "{G}:3", refused.code),
    ]  # fmt: skip
