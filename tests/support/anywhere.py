"""A lab server with TLS and clients of Outlook Anywhere, for trial."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.lab import ALICE, USERS
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from mapiproxy.lab.anywhere import OutlookAnywhere
from mapiproxy.lab.authority import Authority
from mapiproxy.lab.dialect import LabOptions
from mapiproxy.lab.dialing import Address
from mapiproxy.lab.server import LabServer
from mapiproxy.lab.tls import server_context


class AnywhereCase(TestCase):
    timeout = 20
    kind = "exchange"

    def start(self, *, tls: bool = True, name: str = "LAB1", **options: Any) -> LabServer:
        self.ca: Path | None = None
        context = None
        if tls:
            authority = Authority(Path(self.mktemp()))
            issued = authority.issue("mail.lab.test")
            context = server_context(issued.certificate, issued.key)
            self.ca = authority.ca_file
        server = LabServer(self.kind, name, USERS, LabOptions(**options), reactor, tls=context)
        server.start()
        self.addCleanup(server.stop)
        self.server = server
        return server

    def client(self, user: Any = ALICE, **given: Any) -> OutlookAnywhere:
        address = Address("127.0.0.1", self.server.port, "mail.lab.test", self.ca is not None, self.ca)
        client = OutlookAnywhere(reactor, address, user, **given)
        self.addCleanup(lambda: Deferred.fromCoroutine(client.close()))
        return client
