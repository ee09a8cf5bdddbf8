"""A lab server as a process of its own."""

from __future__ import annotations

import json
import sys
from typing import Any

from support.lab import request_bytes
from support.lab_sockets import Wire
from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import ProcessProtocol
from twisted.trial.unittest import TestCase


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
