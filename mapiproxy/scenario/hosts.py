"""One server behind the proxy, with everything that can happen to a machine: crash, freeze, restart.

Keeps the books of all the processes that ran there. Which contexts survive is as with the real ones: an
Exchange server here is the front end of an organisation, whose contexts live elsewhere; grommunio's live and
die with the process.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from attrs import define, field, frozen

from mapiproxy.lab.authority import Issued
from mapiproxy.lab.contexts import Contexts
from mapiproxy.lab.dialect import LabOptions
from mapiproxy.lab.freezing import FreezableReactor
from mapiproxy.lab.happening import Happening, Tell
from mapiproxy.lab.seen import Seen
from mapiproxy.lab.server import LabServer
from mapiproxy.lab.tls import server_context
from mapiproxy.lab.users import Users
from mapiproxy.scenario.reading import Scenario


@frozen
class Entry:
    """A request in the books: which server, which of its processes, and what was seen of it."""

    server: str
    process: int
    seen: Seen


@define
class Books:
    """The journals of all servers together.

    :ivar executed: server, process and login of each Execute that was executed, by X-RequestId.
    """

    entries: list[Entry] = field(factory=list)
    executed: Counter[str] = field(factory=Counter)


class Host:
    """The machine.

    :param shared: contexts of the organisation, for Exchange.
    :ivar server: the process that runs, or ran last.
    """

    def __init__(
        self,
        kind: str,
        name: str,
        users: Users,
        options: LabOptions,
        reactor: Any,
        *,
        tls: Any,
        books: Books,
        tell: Tell,
        shared: Host | None = None,
    ) -> None:
        self.name = name
        self.kind = kind
        self.up = False
        self._make: Callable[[], LabServer] = lambda: LabServer(
            kind, name, users, options, self.reactor, tls=tls
        )
        self.reactor = FreezableReactor(reactor)
        self._books = books
        self._tell = tell
        self._processes = 0
        self._shared = shared
        self.port = 0
        self.server = self._new_process()

    def _new_process(self) -> LabServer:
        server = self._make()
        self._processes += 1
        process = self._processes
        if self._shared is not None:
            server.backend.join(self._shared.server.backend)
        elif self.kind == "exchange" and self._processes > 1:
            server.backend.join(self.server.backend)

        def seen(one: Seen) -> None:
            self._books.entries.append(Entry(self.name, process, one))

        def executed(request_id: str, login: str) -> None:
            self._books.executed[request_id] += 1

        server.backend.on_seen = seen
        server.backend.on_execution = executed
        return server

    @property
    def contexts(self) -> Contexts:
        """Those that its process knows."""
        return self.server.backend.contexts

    def start(self) -> None:
        """Begin to listen, always on the same port."""
        self.port = self.server.start(self.port)
        self.up = True

    async def crash(self) -> None:
        """The process is gone: its connections are reset, new ones refused."""
        if not self.up:
            return
        self.up = False
        if self.reactor.frozen:
            self.reactor.thaw()
        if self.kind == "exchange":
            # The store goes on with what the front end had given to it, and lets its waits go.
            for delivery in list(self.server.deliveries):
                self.server.deliveries.discard(delivery)
                delivery.lost()
        await self.server.stop()

    async def restart(self) -> None:
        """A new process, at once."""
        await self.crash()
        self.server = self._new_process()
        self.start()

    def freeze(self) -> None:
        """Accept connections, and do nothing."""
        self.reactor.freeze()

    def thaw(self) -> None:
        """Go on."""
        self.reactor.thaw()

    def say(self, label: str, *, harm: bool, detail: str = "") -> None:
        """Put it on the timeline."""
        kind = "fault" if harm else "state"
        self._tell(
            Happening(at=self.reactor.seconds(), lane=self.name, kind=kind, label=label, detail=detail)
        )


def make_hosts(
    scenario: Scenario,
    kind: str,
    users: Users,
    reactor: Any,
    issued: Issued,
    books: Books,
    tell: Tell,
    free_port: Callable[[], int],
) -> dict[str, Host]:
    """The servers of a scenario, started."""
    table = scenario.servers
    tls = server_context(issued.certificate, issued.key)
    hosts: dict[str, Host] = {}
    for name in scenario.server_names:
        options = LabOptions(
            execute_delay=table.execute,
            pending_period=table.pending_period,
            wait_length=table.wait,
            expiry=table.expiry,
            idle_limit=table.idle_limit,
            body_limit=table.body_limit,
            mark=True,
        )
        host = Host(
            kind, name, users, options, reactor,
            tls=tls,
            books=books,
            tell=tell,
            shared=next(iter(hosts.values()), None) if kind == "exchange" else None,
        )  # fmt: skip
        host.port = free_port()
        host.start()
        hosts[name] = host
    return hosts
