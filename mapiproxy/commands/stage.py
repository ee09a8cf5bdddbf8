"""The laboratory's stage: two backends, a throw-away CA, a configuration file and the real service.

Everything is written into one folder, so that a person can read what ran. The service is made from
that file exactly as ``mapiproxy run`` would make it; nothing here reaches into it.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import define, field, frozen
from twisted.internet.defer import maybeDeferred

from mapiproxy.backends.fleet import Backend
from mapiproxy.commands.examining import settings_or_exit
from mapiproxy.lab.authority import Authority
from mapiproxy.lab.client import Address
from mapiproxy.lab.dialect import LabOptions
from mapiproxy.lab.server import LOOPBACK, LabServer
from mapiproxy.lab.tls import server_context
from mapiproxy.lab.users import LabUser, Users
from mapiproxy.policy.routing import rendezvous

NAME = "mail.lab.test"
USUAL_PORT = 8443
_SERVERS = {"exchange": ("EXCH1", "EXCH2"), "grommunio": ("GROM1", "GROM2")}
_PEOPLE = ("alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy")

MakeService = Callable[[Any, Any], Any]


@frozen
class Part:
    """One mailbox of the play, and the backend that must get it."""

    user: LabUser
    backend: str


@define
class Stage:
    """What stands when the laboratory is set up.

    :ivar folder: CA, certificates, configuration and logs.
    :ivar service: the proxy's service, started.
    :ivar parts: one mailbox for each backend, placed as the proxy must place them.
    """

    folder: Path
    kind: str
    port: int
    ca_file: Path
    config: Path
    log_folder: Path
    parts: tuple[Part, ...]
    servers: list[LabServer] = field(factory=list)
    service: Any = None

    @property
    def key_file(self) -> Path:
        """The key of the route cookies."""
        return self.folder / "route.key"

    @property
    def socket(self) -> Path:
        """Where ``mapiproxy status`` and its like find the service."""
        return self.folder / "control.sock"

    @property
    def address(self) -> Address:
        """Where a client finds the proxy."""
        return Address(LOOPBACK, self.port, NAME, ca_file=self.ca_file)

    async def strike(self) -> None:
        """Stop the service, then the backends; the folder stays."""
        try:
            await maybeDeferred(self.service.stopService)
        finally:
            for server in self.servers:
                await server.stop()


def set_up(
    folder: Path, kind: str, port: int | None, reactor: Any, make_service: MakeService
) -> Stage:
    """Write the files, start backends and service.

    :param port: of the proxy's listener; ``None`` for 8443, or a free one if that is taken.
    :raise SystemExit: the configuration was refused (which has been said).
    """
    authority = Authority(folder)
    here = authority.issue(NAME, "localhost", LOOPBACK)
    parts = tuple(_cast(kind))
    users = Users([LabUser(f"{name}@lab.test", name) for name in _PEOPLE])
    options = LabOptions(pending_period=0.4, execute_delay=0.02, mark=True, wait_length=120)
    servers = []
    for name in _SERVERS[kind]:
        issued = authority.issue("localhost", LOOPBACK, stem=name.lower())
        tls = server_context(issued.certificate, issued.key)
        server = LabServer(kind, name, users, options, reactor, tls=tls)
        server.start()
        servers.append(server)
    stage = Stage(
        folder,
        kind,
        pick_port(port),
        authority.ca_file,
        folder / "mapiproxy.toml",
        folder / "log",
        parts,
        servers,
    )
    stage.key_file.touch(0o600)
    stage.key_file.write_text(secrets.token_urlsafe(32) + "\n")
    stage.config.write_text(configuration(stage, here.certificate, here.key), encoding="utf-8")
    stage.service = make_service(settings_or_exit(stage.config), reactor)
    stage.service.privilegedStartService()
    stage.service.startService()
    return stage


def _cast(kind: str) -> list[Part]:
    """For each backend the first person whose mailbox the hash places there."""
    backends = [Backend(name, LOOPBACK, 0) for name in _SERVERS[kind]]
    parts: dict[str, Part] = {}
    for name in _PEOPLE:
        user = LabUser(f"{name}@lab.test", name)
        home = rendezvous(user.mailbox_id, backends)
        assert home is not None, "every backend has a weight"
        parts.setdefault(home.name, Part(user, home.name))
    return list(parts.values())


def configuration(stage: Stage, certificate: Path, key: Path) -> str:
    """The file that the proxy is run from."""
    group = "lab"
    servers = "".join(
        f'\n[[backend.{group}.server]]\nname = "{server.name}"\nurl = "{server.url}"\n'
        for server in stage.servers
    )
    return f"""\
# Written by "mapiproxy lab". The same format as conf/mapiproxy.toml, which explains it.

[listener.outlook]
bind = "{LOOPBACK}:{stage.port}"
certificate = "{certificate}"
key = "{key}"
backend = "{group}"

[backend.{group}]
kind = "{stage.kind}"
vdirs = ["mapi", "autodiscover"]
ca_file = "{stage.ca_file}"
{servers}
[health]
interval = "1s"

[affinity]
key_file = "{stage.key_file}"

[control]
socket = "{stage.socket}"

[log]
directory = "{stage.log_folder}"
server_name = "LAB"
flush = "100ms"
"""


def pick_port(wanted: int | None) -> int:
    """A port on loopback: the wanted one, else the usual one, else any that is free now."""
    if wanted:
        return wanted
    for port in (USUAL_PORT, 0) if wanted is None else (0,):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError(f"no port is free on {LOOPBACK}")
