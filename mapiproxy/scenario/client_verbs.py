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
        chosen = stage.persons(self.client)
        for person in chosen:
            person.outlook.hibernate()
        await _go_on(stage, chosen, self.lasting)


@verb
class Pause(_Life):
    """The process stands still, as one that is stopped or swapped out; after *lasting* it goes on."""

    client: tuple[str, ...] = ()
    lasting: float | None = None

    async def act(self, stage: Any) -> None:
        chosen = stage.persons(self.client)
        for person in chosen:
            person.outlook.pause()
        await _go_on(stage, chosen, self.lasting)


@verb
class Resume(_Life):
    """After hibernate or pause."""

    client: tuple[str, ...] = ()

    async def act(self, stage: Any) -> None:
        for person in stage.persons(self.client):
            person.outlook.resume()


async def _go_on(stage: Any, chosen: Any, lasting: float | None) -> None:
    if lasting is not None:
        await stage.pause(lasting)
        for person in chosen:
            person.outlook.resume()


@verb
class Switch(_Life):
    """To another network: all sockets die, and after *gap* there is another address.

    Without *reset* no packet of the old sockets leaves any more, and nobody else hears of it.
    """

    to: str | None = field(default=None, metadata={"needed": True})
    client: tuple[str, ...] = ()
    gap: float = 2.0
    reset: bool = False
    names: ClassVar[dict[str, str]] = {"client": "client", "to": "network"}

    async def act(self, stage: Any) -> None:
        stage.add_network(self.to)
        for person in stage.persons(self.client):
            person.move(self.to, self.gap, self.reset)


@verb
class Unplug(_Life):
    """There is no network; after *lasting* it is there again, with the same address."""

    client: tuple[str, ...] = ()
    lasting: float | None = None
    reset: bool = False

    async def act(self, stage: Any) -> None:
        chosen = stage.persons(self.client)
        for person in chosen:
            person.outlook.unplug(reset=self.reset)
        if self.lasting is not None:
            await stage.pause(self.lasting)
            for person in chosen:
                person.outlook.plug()


@verb
class VpnFlap(_Life):
    """A tunnel breaks and is there again after *gap*; *times* times, one *every* so often."""

    client: tuple[str, ...] = ()
    gap: float = 5.0
    every: float = 30.0
    times: int = 1
    reset: bool = False

    async def act(self, stage: Any) -> None:
        for number in range(self.times):
            if number:
                await stage.pause(self.every)
            for person in stage.persons(self.client):
                person.outlook.vpn_flap(gap=self.gap, reset=self.reset)

    def complaints(self) -> tuple[Complaint, ...]:
        return () if 1 <= self.times <= 1000 else (Complaint("times", "must be from 1 to 1000"),)


@verb
class Kill(_Life):
    """The program crashes; after *lasting* it is started again."""

    client: tuple[str, ...] = ()
    lasting: float | None = None

    async def act(self, stage: Any) -> None:
        chosen = stage.persons(self.client)
        for person in chosen:
            person.outlook.kill()
        if self.lasting is not None:
            await stage.pause(self.lasting)
            for person in chosen:
                person.open()


@verb
class Open(_Life):
    """Outlook is started."""

    client: tuple[str, ...] = ()

    async def act(self, stage: Any) -> None:
        for person in stage.persons(self.client):
            person.open()


@verb
class Close(_Life):
    """Outlook is ended by its user: it says Disconnect. After *lasting* it is started again."""

    client: tuple[str, ...] = ()
    lasting: float | None = None

    async def act(self, stage: Any) -> None:
        chosen = stage.persons(self.client)
        for person in chosen:
            await person.outlook.close()
        if self.lasting is not None:
            await stage.pause(self.lasting)
            for person in chosen:
                person.open()


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
            for person in stage.persons(self.client):
                stage.deliver(person)
