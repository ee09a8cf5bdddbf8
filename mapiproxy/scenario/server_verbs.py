"""What happens to the servers behind the proxy, as steps of a scenario."""

from __future__ import annotations

from typing import Any, ClassVar

from mapiproxy.scenario.verbs import Base, Complaint, verb


class _Machine(Base):
    names: ClassVar[dict[str, str]] = {"server": "server"}
    harm: ClassVar[bool] = True


@verb
class Crash(_Machine):
    """The process is gone; after *lasting* a new one starts. grommunio's contexts die with it."""

    server: tuple[str, ...] = ()
    lasting: float | None = None

    async def act(self, stage: Any) -> None:
        hosts = stage.hosts_of(self.server)
        for host in hosts:
            host.say("crashes", harm=True)
            await host.crash()
        if self.lasting is not None:
            await stage.pause(self.lasting)
            for host in hosts:
                await host.restart()
                host.say("is up again", harm=False)


@verb
class Restart(_Machine):
    """The process is ended, and a new one starts at once."""

    server: tuple[str, ...] = ()

    async def act(self, stage: Any) -> None:
        for host in stage.hosts_of(self.server):
            host.say("restarts", harm=True)
            await host.restart()


@verb
class Flap(_Machine):
    """Crash and start again, *times* times: gone for *down*, there for *up*."""

    server: tuple[str, ...] = ()
    times: int = 3
    down: float = 10.0
    up: float = 20.0

    async def act(self, stage: Any) -> None:
        hosts = stage.hosts_of(self.server)
        for number in range(self.times):
            if number:
                await stage.pause(self.up)
            await Crash(tuple(host.name.lower() for host in hosts), self.down).act(stage)

    def complaints(self) -> tuple[Complaint, ...]:
        return () if 1 <= self.times <= 1000 else (Complaint("times", "must be from 1 to 1000"),)


@verb
class Freeze(_Machine):
    """The process stops in its tracks: connections are accepted, nothing is answered."""

    server: tuple[str, ...] = ()
    lasting: float | None = None

    async def act(self, stage: Any) -> None:
        hosts = stage.hosts_of(self.server)
        for host in hosts:
            host.say("freezes", harm=True)
            host.freeze()
        if self.lasting is not None:
            await stage.pause(self.lasting)
            for host in hosts:
                host.thaw()
                host.say("goes on", harm=False)


@verb
class Forget(_Machine):
    """The server forgets all contexts, as when its application pool is recycled."""

    server: tuple[str, ...] = ()

    async def act(self, stage: Any) -> None:
        for host in stage.hosts_of(self.server):
            host.say("forgets its contexts", harm=True)
            host.contexts.clear()


@verb
class Slow(_Machine):
    """An Execute takes *lasting* from now on: the server is slow."""

    server: tuple[str, ...] = ()
    lasting: float = 0.02

    async def act(self, stage: Any) -> None:
        for host in stage.hosts_of(self.server):
            host.server.options.execute_delay = self.lasting
            host.say(f"an Execute takes {self.lasting:g}s", harm=True)
