"""What operators do, as steps of a scenario: through the same orders that the commands give."""

from __future__ import annotations

from typing import Any, ClassVar

from mapiproxy.scenario.verbs import Base, verb

LANE = "operator"


class _Order(Base):
    names: ClassVar[dict[str, str]] = {"server": "server"}


async def _order(stage: Any, command: str, servers: tuple[str, ...], **more: Any) -> None:
    for host in stage.hosts_of(servers):
        for node in stage.nodes:
            if node.service is not None:
                node.order(command, server=host.name, **more)
        stage.tell(LANE, f"{command} {host.name}")


@verb
class Drain(_Order):
    """``mapiproxy drain``: no new sessions; at the *deadline* it becomes maintenance."""

    server: tuple[str, ...] = ()
    deadline: float | None = None

    async def act(self, stage: Any) -> None:
        await _order(stage, "drain", self.server, deadline=self.deadline)


@verb
class Maint(_Order):
    """``mapiproxy maint``; after *lasting* ``mapiproxy ready``."""

    server: tuple[str, ...] = ()
    lasting: float | None = None

    async def act(self, stage: Any) -> None:
        hosts = tuple(host.name.lower() for host in stage.hosts_of(self.server))
        await _order(stage, "maint", hosts)
        if self.lasting is not None:
            await stage.pause(self.lasting)
            await _order(stage, "ready", hosts)


@verb
class Ready(_Order):
    """``mapiproxy ready``."""

    server: tuple[str, ...] = ("all",)

    async def act(self, stage: Any) -> None:
        await _order(stage, "ready", self.server)


@verb
class Weight(_Order):
    """``mapiproxy weight``."""

    server: tuple[str, ...] = ()
    weight: int = 100

    async def act(self, stage: Any) -> None:
        await _order(stage, "weight", self.server, weight=self.weight)


@verb
class KillSession(Base):
    """``mapiproxy kill``: the sessions of a client's mailbox; that of the address book stays."""

    names: ClassVar[dict[str, str]] = {"client": "client"}
    client: tuple[str, ...] = ()

    async def act(self, stage: Any) -> None:
        for person in stage.persons(self.client):
            mailbox = person.user.mailbox_id
            known = stage.nodes[0].order("sessions", mailbox=mailbox)["sessions"]
            for session in known:
                if session["endpoint"] == "emsmdb":
                    stage.nodes[0].order("kill", session=session["id"])
                    stage.tell(LANE, f"kill a session of {person.name}")


@verb
class Reload(Base):
    """``mapiproxy reload``, with another *extra* text in the file if there is one."""

    extra: str | None = None

    async def act(self, stage: Any) -> None:
        for node in stage.nodes:
            node.reload(self.extra)
        stage.tell(LANE, "reload")


@verb
class RestartProxy(Base):
    """The proxy is stopped as a service manager does it, and started again: an upgrade."""

    harm: ClassVar[bool] = True

    async def act(self, stage: Any) -> None:
        for node in stage.nodes:
            stage.tell(LANE, "restarts the proxy", harm=True)
            await node.stop()
            node.start()


@verb
class LoseProxy(Base):
    """The first node is gone, and the service's address moves to the second."""

    harm: ClassVar[bool] = True

    async def act(self, stage: Any) -> None:
        stage.tell(LANE, "node 1 dies, node 2 takes its address", harm=True)
        await stage.take_over()


@verb
class Clock(Base):
    """The proxy's wall clock jumps forward *by* so much, as when a machine corrects its time."""

    by: float = 3600.0
    harm: ClassVar[bool] = True

    async def act(self, stage: Any) -> None:
        for node in stage.nodes:
            node.skew += self.by
        stage.tell(LANE, f"the proxy's clock jumps by {self.by:g}s", harm=True)
