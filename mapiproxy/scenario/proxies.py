"""The proxy under test: configuration text, the real service, and what can be done to it.

Made from a file in the run's folder exactly as ``mapiproxy run`` would make it, so that a person can read
what ran.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from attrs import define, field, frozen
from twisted.internet.defer import maybeDeferred

from mapiproxy.lab.authority import Issued
from mapiproxy.lab.server import LOOPBACK
from mapiproxy.service import ProxyService, make_service
from mapiproxy.settings import load_settings

GROUP = "lab"
#: Where a scenario is not about the servers' health, probes cost more than all else in it.
_PROBES = '[health]\ninterval = "30s"\n'
NAME = "mail.lab.test"


@frozen
class Upstream:
    """A server as the proxy reaches it: perhaps through a device."""

    name: str
    port: int


@define(eq=False)
class ProxyNode:
    """One node.

    :ivar extra: text from the scenario; a reload with another one changes it.
    :ivar skew: seconds that its wall clock is ahead.
    """

    number: int
    folder: Path
    kind: str
    port: int
    upstreams: Sequence[Upstream]
    issued: Issued
    ca_file: Path
    key_file: Path
    extra: str
    reactor: Any
    clock: Callable[[], float]
    wall: Callable[[], float]
    skew: float = 0.0
    service: ProxyService | None = field(default=None, init=False)

    @property
    def file(self) -> Path:
        """Its configuration."""
        return self.folder / f"mapiproxy{self.number}.toml"

    @property
    def log_folder(self) -> Path:
        """Where its HttpProxy log is."""
        return self.folder / f"log{self.number}"

    def start(self) -> None:
        """Write the file, and run it. :raise SettingsError: the scenario's own text is no good."""
        self.file.write_text(self.text(), encoding="utf-8")
        service = make_service(
            load_settings(self.file),
            self.reactor,
            self.file,
            clock=self.clock,
            wall=lambda: self.wall() + self.skew,
            owns_process=False,
        )
        service.privilegedStartService()
        service.startService()
        self.service = service

    async def stop(self) -> None:
        """Stop it as a service manager would."""
        service, self.service = self.service, None
        if service is not None:
            await maybeDeferred(service.stopService)

    async def die(self) -> None:
        """Be gone without ceremony, like a process that was killed."""
        if self.service is not None:
            for front in self.service.fronts.values():
                front.unbind()
                front.doors.abort()
        await self.stop()

    def order(self, command: str, **arguments: Any) -> dict[str, Any]:
        """What the control socket would answer. :raise RefusedOrder: if it refuses."""
        if self.service is None:
            raise RefusedOrder("the proxy is not running")
        given = {key: value for key, value in arguments.items() if value is not None}
        reply = self.service.orders.answer({"command": command, **given})
        if not reply.get("ok"):
            problems = "; ".join(reply.get("problems") or ())
            raise RefusedOrder(f"{reply.get('error')} {problems}".strip())
        return reply

    def home_of(self, mailbox: str) -> str | None:
        """The server with the newest session of a mailbox; ``None`` when there is none."""
        if self.service is None:
            return None
        known = self.order("sessions", mailbox=mailbox, limit=1)["sessions"]
        return str(known[0]["backend"]) if known else None

    def reload(self, extra: str | None) -> dict[str, Any]:
        """Another text in the file, and the order to read it."""
        if extra is not None:
            self.extra = extra
        self.file.write_text(self.text(), encoding="utf-8")
        return self.order("reload")

    def text(self) -> str:
        """The file that it is run from."""
        servers = "".join(
            f'\n[[backend.{GROUP}.server]]\nname = "{each.name}"\nurl = "https://{LOOPBACK}:{each.port}"\n'
            for each in self.upstreams
        )
        return f"""\
# Written for a scenario. The same format as conf/mapiproxy.toml, which explains it.

[listener.outlook]
bind = "{LOOPBACK}:{self.port}"
certificate = "{self.issued.certificate}"
key = "{self.issued.key}"
backend = "{GROUP}"

[backend.{GROUP}]
kind = "{self.kind}"
vdirs = ["mapi"]
ca_file = "{self.ca_file}"
{servers}
[affinity]
key_file = "{self.key_file}"

[log]
directory = "{self.log_folder}"
server_name = "LAB{self.number}"
flush = "1s"

{self.extra}
{"" if "[health]" in self.extra else _PROBES}"""


class RefusedOrder(Exception):
    """The proxy did not do what an operator asked for."""


def make_own_node(
    stage: Any,
    number: int,
    port: int,
    upstreams: Sequence[Upstream],
    issued: Issued,
    ca_file: Path,
    key_file: Path,
) -> ProxyNode:
    """Our proxy on a stage, not started."""
    return ProxyNode(
        number, stage.folder, stage.kind, port, upstreams, issued, ca_file, key_file,
        stage.scenario.proxy.extra, stage.reactor, stage.reactor.seconds, stage.wall,
    )  # fmt: skip
