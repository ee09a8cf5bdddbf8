"""A service in this process with lab servers behind it, all over plain HTTP, from a file that can change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.lab import ALICE, USERS
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from mapiproxy.lab.client import Address, OutlookClient
from mapiproxy.lab.dialect import LabOptions
from mapiproxy.lab.server import LabServer
from mapiproxy.service import ProxyService, make_service
from mapiproxy.settings import load_settings

HERE = "127.0.0.1"
FILE = """\
[listener.mail]
bind = "127.0.0.1:0"
tls = false
[backend.lab]
kind = "{kind}"
{servers}
[health]
enabled = false
[log]
enabled = false
{more}
"""


class RunningCase(TestCase):
    """One lab server for each of *names*, and a service in front."""

    timeout = 30
    kind = "grommunio"
    names: tuple[str, ...] = ("ONE", "TWO")

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir(parents=True)
        self.file = self.folder / "m.toml"
        self.labs = {name: self.lab(name) for name in self.names}
        self.write()
        self.service: ProxyService = make_service(load_settings(self.file), reactor, self.file)
        self.service.privilegedStartService()
        self.service.startService()
        self.addCleanup(self.service.stopService)

    def lab(self, name: str, port: int = 0) -> LabServer:
        server = LabServer(self.kind, name, USERS, LabOptions(mark=True, pending_period=0.2), reactor)
        server.start(port)
        self.addCleanup(lambda: server.stop() if server in self.labs.values() else None)
        return server

    def write(self, more: str = "", **weights: int) -> None:
        """The file; servers with a weight of -1 are left out of it."""
        servers = "".join(
            f'[[backend.lab.server]]\nname = "{name}"\nurl = "{lab.url}"\nweight = {weights.get(name, 100)}\n'
            for name, lab in self.labs.items()
            if weights.get(name, 100) >= 0
        )
        self.file.write_text(FILE.format(kind=self.kind, servers=servers, more=more))

    def ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        return self.service.orders.answer({"command": command, **arguments})

    def client(self, user: Any = ALICE) -> OutlookClient:
        address = Address(HERE, self.service.ports[0].getHost().port, tls=False)
        client = OutlookClient(reactor, address, user, kind=self.kind)
        self.addCleanup(lambda: Deferred.fromCoroutine(client.close()))
        return client

    def backend(self, name: str) -> Any:
        return self.service.sites["lab"].pool.by_name[name]


def later(seconds: float) -> Deferred[None]:
    waited: Deferred[None] = Deferred()
    reactor.callLater(seconds, waited.callback, None)
    return waited
