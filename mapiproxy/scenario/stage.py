"""The stage of a scenario: servers, devices, the real proxy, people with an Outlook; and striking it all.

Everything is put up from a :class:`Scenario`, and taken down whatever happened: that is what makes a
scenario revert by itself. What is done with it meanwhile is the verbs' business.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from random import Random
from typing import Any

from twisted.internet.defer import Deferred

from mapiproxy.lab.authority import Authority
from mapiproxy.lab.dialect import LabOptions
from mapiproxy.lab.dialing import Address
from mapiproxy.lab.happening import Happening, Tell
from mapiproxy.lab.outlook import Outlook
from mapiproxy.lab.server import LOOPBACK
from mapiproxy.lab.tls import server_context
from mapiproxy.lab.users import LabUser, Users
from mapiproxy.scenario.hosts import Books, Host
from mapiproxy.scenario.network import Box, make_boxes
from mapiproxy.scenario.people import make_outlook
from mapiproxy.scenario.proxies import NAME, ProxyNode, Upstream
from mapiproxy.scenario.reading import EVERYBODY, Scenario
from mapiproxy.scenario.telling import Said

DOMAIN = "lab.test"


class CannotAct(Exception):
    """A step could not be carried out; says why."""


class Stage:
    """The stage.

    :param free_port: gives ports that nobody has.
    :ivar began: the moment 0 of the scenario on the reactor's clock.
    :ivar marks: when each named step happened.
    :ivar boxes: devices by name; there may be several of a name, one for each network or server.
    """

    def __init__(
        self,
        scenario: Scenario,
        kind: str,
        reactor: Any,
        folder: Path,
        seed: int,
        *,
        wall: Callable[[], float],
        free_port: Callable[[], int],
        tell: Tell,
    ) -> None:
        self.scenario = scenario
        self.kind = kind
        self.reactor = reactor
        self.folder = folder
        self.random = Random(seed)
        self.began = reactor.seconds()
        self.books = Books()
        self.said = Said(lambda: self.now, tell)
        self.marks: dict[str, float] = {}
        self.hosts: dict[str, Host] = {}
        self.nodes: list[ProxyNode] = []
        self.boxes: dict[str, list[Box]] = {}
        self.people: dict[str, Outlook] = {}
        self.networks: dict[str, Address] = {}
        self._sources: dict[str, str] = {}
        self._wall = wall
        self._free_port = free_port
        self._tell = tell
        self._pauses: set[Any] = set()
        self.users = Users([LabUser(self.login(name), secrets.token_hex(4)) for name, _ in scenario.people])

    @property
    def now(self) -> float:
        """Seconds since the scenario began."""
        return float(self.reactor.seconds()) - self.began

    @staticmethod
    def login(name: str) -> str:
        """alice@lab.test."""
        return f"{name}@{DOMAIN}"

    def user(self, name: str) -> LabUser:
        """The account of somebody."""
        found = self.users.find_login(self.login(name))
        assert found is not None, "users are made of the scenario's people"
        return found

    # Putting up.

    def set_up(self) -> None:
        """Servers, server-side devices, proxies, client-side devices, people; nobody works yet."""
        self.said.begin()
        authority = Authority(self.folder)
        here = authority.issue(NAME, "localhost", LOOPBACK)
        behind = authority.issue("localhost", LOOPBACK, stem="servers")
        self._set_up_hosts(server_context(behind.certificate, behind.key))
        upstreams = []
        for name, host in self.hosts.items():
            port = self._chain("server-side", name, [(LOOPBACK, host.port)], behind)
            upstreams.append(Upstream(name, port))
        key_file = self.folder / "route.key"
        key_file.touch(0o600)
        key_file.write_text(secrets.token_urlsafe(32) + "\n")
        for number in range(1, self.scenario.proxy.nodes + 1):
            node = ProxyNode(
                number, self.folder, self.kind, self._free_port(), upstreams, here, authority.ca_file,
                key_file, self.scenario.proxy.extra, self.reactor, self.reactor.seconds, self._wall,
            )  # fmt: skip
            node.start()
            self.nodes.append(node)
        self._set_up_people(authority, here)

    def _set_up_hosts(self, tls: Any) -> None:
        table = self.scenario.servers
        shared: Host | None = None
        for name in self.scenario.server_names:
            options = LabOptions(
                execute_delay=table.execute,
                answer_size=table.answer,
                pending_period=table.pending_period,
                wait_length=table.wait,
                expiry=table.expiry,
                idle_limit=table.idle_limit,
                body_limit=table.body_limit,
                mark=True,
            )
            host = Host(
                self.kind, name, self.users, options, self.reactor, tls=tls,
                ntlm=table.authentication == "ntlm", books=self.books, tell=self._tell, shared=shared,
            )  # fmt: skip
            host.port = self._free_port()
            host.start()
            self.hosts[name] = host
            if self.kind == "exchange" and shared is None:
                shared = host

    def _set_up_people(self, authority: Authority, issued: Any) -> None:
        names = [each.network for each in self.scenario.clients]
        names += [step.verb.to for step in self.scenario.steps if step.word == "switch"]  # type: ignore[attr-defined]
        for network in dict.fromkeys(names):
            self.networks[network] = Address(
                LOOPBACK,
                self._chain("client-side", network, [(LOOPBACK, node.port) for node in self.nodes], issued),
                NAME,
                ca_file=authority.ca_file,
            )
            self._sources[network] = f"127.0.{len(self._sources) + 1}."
        for number, (name, table) in enumerate(self.scenario.people):
            self.people[name] = make_outlook(self, name, table, number)

    def _chain(self, place: str, where: str, to: list[tuple[str, int]], issued: Any) -> int:
        """The devices between one network, or server, and *to*; returns the port where they begin."""
        port = to[0][1]
        for table in reversed(self.scenario.devices):
            if table.place == place and where.lower() in ((table.network or table.server or where).lower(),):
                several = sum(len(each) for each in self.boxes.values()) and table.name in self.boxes
                box = make_boxes(self, table, where, to, self._free_port(), issued, again=bool(several))
                box.start()
                self.boxes.setdefault(table.name or "", []).append(box)
                to, port = [(LOOPBACK, box.port)], box.port
        return port

    def source(self, network: str, number: int) -> str:
        """The address that the person of that number has in a network."""
        return f"{self._sources[network]}{number % 250 + 1}"

    # Who is meant.

    def clients_of(self, names: Sequence[str]) -> list[tuple[str, Outlook]]:
        """Those people; everybody if none is named."""
        if not names or EVERYBODY in names:
            return list(self.people.items())
        return [(name, self.people[name]) for name in names]

    def hosts_of(self, names: Sequence[str]) -> list[Host]:
        """Those servers. ``home`` is where the first client's session is, ``others`` are all but that."""
        found: list[Host] = []
        for name in names or ("home",):
            if name == "all":
                found += self.hosts.values()
            elif name in ("home", "others"):
                home = self.home()
                found += [each for each in self.hosts.values() if (each is home) == (name == "home")]
            else:
                found.append(self.hosts[name.upper()])
        return list(dict.fromkeys(found))

    def home(self) -> Host:
        """Where the first client's session is, as the proxy knows it."""
        first = next(iter(self.people))
        reply = self.nodes[0].order("sessions", mailbox=self.user(first).mailbox_id, limit=1)
        if not reply["sessions"]:
            raise CannotAct(f"{first} has no session yet: nobody knows which server is home")
        return self.hosts[reply["sessions"][0]["backend"]]

    # Time and the timeline.

    def tell(self, lane: str, label: str, *, harm: bool = False, detail: str = "") -> None:
        """Put a moment on the timeline."""
        kind = "fault" if harm else "state"
        self._tell(Happening(at=self.reactor.seconds(), lane=lane, kind=kind, label=label, detail=detail))

    async def pause(self, seconds: float) -> None:
        """So much time; cut short when the stage is struck."""
        over: Deferred[None] = Deferred()
        timer = self.reactor.callLater(seconds, over.callback, None)
        entry = (timer, over)
        self._pauses.add(entry)
        try:
            await over
        finally:
            self._pauses.discard(entry)

    def cut_pauses(self) -> None:
        """Steps that are waiting to undo something need not: all is taken down."""
        for timer, over in list(self._pauses):
            if timer.active():
                timer.cancel()
            over.cancel()

    # Taking down.

    async def strike(self) -> list[str]:
        """Take everything down, whatever state it is in. Returns what could not be done, in words."""
        wrong: list[str] = []
        self.cut_pauses()
        for what, end in self._ends():
            try:
                await end()
            except Exception as error:
                wrong.append(f"{what}: {type(error).__name__}: {error}")
        self.said.end()
        return wrong

    def _ends(self) -> Iterable[tuple[str, Callable[[], Any]]]:
        yield from ((name, person.kill_for_good) for name, person in self.people.items())
        yield from ((f"proxy {node.number}", node.stop) for node in self.nodes)
        yield from ((box.name, box.stop) for boxes in self.boxes.values() for box in boxes)
        yield from ((name, host.crash) for name, host in self.hosts.items())
