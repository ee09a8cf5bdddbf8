"""What happens to people at their Outlook: the life of a laptop, as steps of a scenario.

How an Outlook lives through it is the laboratory's (mapiproxy.lab.outlook); here it is only told to.
"""

from __future__ import annotations

from typing import Any, ClassVar

from attrs import field

from mapiproxy.scenario.verbs import Base, Complaint, verb

_CLIENTS = {"client": "client"}


class _Life(Base):
    names: ClassVar[dict[str, str]] = _CLIENTS
    ours: ClassVar[bool] = False


@verb
class Hibernate(_Life):
    """The lid is closed: nothing is sent, nothing is said; after *lasting* it is opened again."""

    client: tuple[str, ...] = ()
    lasting: float | None = None

    async def act(self, stage: Any) -> None:
        chosen = stage.clients_of(self.client)
        for _, outlook in chosen:
            outlook.hibernate()
        if self.lasting is not None:
            await stage.pause(self.lasting)
            for _, outlook in chosen:
                outlook.resume()


@verb
class Resume(_Life):
    """The lid is opened, or the pause is over."""

    client: tuple[str, ...] = ()

    async def act(self, stage: Any) -> None:
        for _, outlook in stage.clients_of(self.client):
            outlook.resume()


@verb
class Pause(_Life):
    """Work offline is switched on, and after *lasting* off: connections are closed in order."""

    client: tuple[str, ...] = ()
    lasting: float | None = None

    async def act(self, stage: Any) -> None:
        chosen = stage.clients_of(self.client)
        for _, outlook in chosen:
            outlook.pause()
        if self.lasting is not None:
            await stage.pause(self.lasting)
            for _, outlook in chosen:
                outlook.resume()


@verb
class Switch(_Life):
    """To another network: all sockets die without a word, and after *gap* there is another address."""

    to: str | None = field(default=None, metadata={"needed": True})
    client: tuple[str, ...] = ()
    gap: float | None = None
    names: ClassVar[dict[str, str]] = {"client": "client", "to": "network"}

    async def act(self, stage: Any) -> None:
        stage.switch([name for name, _ in stage.clients_of(self.client)], self.to, self.gap or 0.0)


@verb
class VpnFlap(_Life):
    """A tunnel drops and comes back after *down*, *times* times, with *up* between."""

    client: tuple[str, ...] = ()
    down: float = 5.0
    up: float = 20.0
    times: int = 1

    async def act(self, stage: Any) -> None:
        for number in range(self.times):
            if number:
                await stage.pause(self.up)
            for _, outlook in stage.clients_of(self.client):
                outlook.vpn_flap(self.down)
            await stage.pause(self.down)

    def complaints(self) -> tuple[Complaint, ...]:
        return () if 1 <= self.times <= 1000 else (Complaint("times", "must be from 1 to 1000"),)


@verb
class Kill(_Life):
    """The process is ended as a task manager does; after *lasting* it is started again."""

    client: tuple[str, ...] = ()
    lasting: float | None = None

    async def act(self, stage: Any) -> None:
        chosen = stage.clients_of(self.client)
        for _, outlook in chosen:
            outlook.kill()
        if self.lasting is not None:
            await stage.pause(self.lasting)
            for _, outlook in chosen:
                outlook.open()


@verb
class Open(_Life):
    """Outlook is started."""

    client: tuple[str, ...] = ()

    async def act(self, stage: Any) -> None:
        for _, outlook in stage.clients_of(self.client):
            outlook.open()


@verb
class Close(_Life):
    """Outlook is ended by its user: it says Disconnect."""

    client: tuple[str, ...] = ()

    async def act(self, stage: Any) -> None:
        for _, outlook in stage.clients_of(self.client):
            await outlook.close()


@verb
class Mail(Base):
    """New mail comes: *count* messages, one each *every*."""

    names: ClassVar[dict[str, str]] = _CLIENTS
    client: tuple[str, ...] = ()
    count: int = 1
    every: float = 1.0

    async def act(self, stage: Any) -> None:
        for number in range(self.count):
            if number:
                await stage.pause(self.every)
            for name, _ in stage.clients_of(self.client):
                stage.deliver(name)
