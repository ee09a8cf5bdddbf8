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
from mapiproxy.lab.dialing import Address, tls_for
from mapiproxy.lab.happening import Happening, Tell
from mapiproxy.lab.network.device import Device
from mapiproxy.lab.outlook import Receipts
from mapiproxy.lab.server import LOOPBACK
from mapiproxy.lab.users import LabUser, Users
from mapiproxy.scenario.hosts import Books, Host, make_hosts
from mapiproxy.scenario.network import Network
from mapiproxy.scenario.people import Person, Roaming, make_person
from mapiproxy.scenario.proxies import NAME, RefusedOrder, Upstream, make_own_node
from mapiproxy.scenario.reading import Scenario
from mapiproxy.scenario.shape import ClientTable
from mapiproxy.scenario.steps import EVERYBODY
from mapiproxy.scenario.target import Target
from mapiproxy.scenario.telling import Said

DOMAIN = "lab.test"


class CannotAct(Exception):
    """A step could not be carried out; says why."""


class Stage:
    """The stage.

    :param free_port: gives ports that nobody has.
    :param target: a proxy that is not ours: then there are only people and their network.
    :param make_node: puts a proxy there: ours, or another product (peers.py).
    :ivar began: the moment 0 of the scenario on the reactor's clock.
    :ivar marks: when each named step happened.
    :ivar delivered: new mails that have come.
    :ivar used: the ports of everything here.
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
        target: Target | None = None,
        make_node: Callable[..., Any] = make_own_node,
    ) -> None:
        self.scenario = scenario
        self.kind = kind
        self.reactor = reactor
        self.seed = seed
        self.target = target
        self.folder = folder
        self.wall = wall
        self._make_node = make_node
        self.began = float(reactor.seconds())
        self.books = Books()
        self.receipts = Receipts()
        self.said = Said(reactor.seconds, self.began, tell)
        self.marks: dict[str, float] = {}
        self.delivered = 0
        self.hosts: dict[str, Host] = {}
        self.nodes: list[Any] = []
        self.people: dict[str, Person] = {}
        self.users = Users(() if target is None else target.users)

        def another_port() -> int:
            self.used.append(free_port())
            return self.used[-1]

        self._free_port = another_port
        self.network = Network(
            scenario.devices, scenario.rules_to_come(), reactor, another_port, self.chance, tell
        )
        self.used: list[int] = []
        self._tell = tell
        self._pauses: set[tuple[Any, Deferred[None]]] = set()
        self._there = Address(LOOPBACK, 0)
        self._tls: Any = None
        self._entrances: dict[str, int] = {}
        self._networks: list[str] = []
        self._to: list[tuple[str, int]] = []

    @property
    def now(self) -> float:
        """Seconds since the scenario began."""
        return float(self.reactor.seconds()) - self.began

    def chance(self, name: str) -> Random:
        """Somebody's own chance, so that one more does not change the others'."""
        return Random(f"{self.seed}/{name}")

    def _account(self, name: str, contexts: int, number: int) -> LabUser:
        """Of somebody, and of the shared mailboxes that they open besides their own."""
        if self.target is not None:
            return self.target.users[number]
        opens = tuple(f"shared{each}@{DOMAIN}" for each in range(1, contexts))
        for login in opens:
            if self.users.find_login(login) is None:
                self.users.add(LabUser(login, secrets.token_hex(4)))
        return self.users.add(LabUser(f"{name}@{DOMAIN}", secrets.token_hex(4), opens=opens))

    # Putting up.

    def set_up(self) -> None:
        """Servers, server-side devices, proxies, client-side devices, people; nobody works yet."""
        self.said.begin()
        if self.target is not None:
            self._there = self.target.address
            self._to = [(self._there.host, self._there.port)]
            self.network.use(None, "")
        else:
            self._to = self._set_up_servers()
        self._tls = tls_for(self._there) if self._there.tls else None
        names = [each.network for each in self.scenario.clients]
        names += [getattr(step.verb, "to", None) or "" for step in self.scenario.steps]
        self._networks = [name for name in dict.fromkeys(names) if name]
        for name in self._networks:
            self.add_network(name)
        for name, table in self.scenario.people:
            self.add_person(name, table)

    def add_network(self, name: str) -> None:
        """One that people can be in, with the devices that stand before it."""
        if name not in self._networks:
            self._networks.append(name)
        if name not in self._entrances:
            several = len(self._networks) > 1
            self._entrances[name] = self.network.chain("client-side", name, self._to, several=several)

    def _set_up_servers(self) -> list[tuple[str, int]]:
        authority = Authority(self.folder, rsa=self.scenario.counts_bytes)
        here = authority.issue(NAME, "localhost", LOOPBACK)
        behind = authority.issue("localhost", LOOPBACK, stem="servers")
        self.network.use(authority, NAME)
        self.hosts = make_hosts(
            self.scenario, self.kind, self.users, self.reactor, behind, self.books, self._tell,
            self._free_port,
        )  # fmt: skip
        several = len(self.hosts) > 1
        upstreams = [
            Upstream(name, self.network.chain("server-side", name, [(LOOPBACK, host.port)], several=several))
            for name, host in self.hosts.items()
        ]
        key_file = self.folder / "route.key"
        key_file.touch(0o600)
        key_file.write_text(secrets.token_urlsafe(32) + "\n")
        for number in range(1, self.scenario.proxy.nodes + 1):
            node = self._make_node(
                self, number, self._free_port(), upstreams, here, authority.ca_file, key_file
            )
            node.start()
            self.nodes.append(node)
        self._there = Address(LOOPBACK, self.nodes[0].port, NAME, ca_file=authority.ca_file)
        return [(LOOPBACK, node.port) for node in self.nodes]

    def add_person(self, name: str, table: ClientTable) -> Person:
        """Somebody with an Outlook that has not been started."""
        number = len(self.people)
        user = self._account(name, table.contexts, number)
        others = [found for login in user.opens if (found := self.users.find_login(login)) is not None]
        person = make_person(
            name, user, others,
            reactor=self.reactor,
            roaming=Roaming(table.network, self._entrances, self._there),
            profile=table.profile,
            pace=table.pace,
            kind=self.kind,
            random=self.chance(name),
            sources=lambda network: f"127.0.{self._networks.index(network) + 1}.{number % 250 + 1}",
            tls=self._tls,
            tell=self._tell,
            receipts=self.receipts,
            lab=self.target is None,
        )  # fmt: skip
        self.people[name] = person
        return person

    # Who is meant.

    def persons(self, names: Sequence[str]) -> list[Person]:
        """Those people; everybody if none is named."""
        if not names or EVERYBODY in names:
            return list(self.people.values())
        return [self.people[name] for name in names]

    def boxes(self, name: str) -> list[Device]:
        """A device: in each network, or before each server, where it stands."""
        return self.network.boxes.get(name, [])

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
        first = next(iter(self.people.values()))
        for node in self.nodes:
            name = node.home_of(first.user.mailbox_id)
            if name is not None:
                return self.hosts[name]
        raise CannotAct(f"{first.name} has no session: nobody knows which server is home")

    def deliver(self, person: Person) -> None:
        """A new mail for somebody, on the server where they are at home."""
        if not person.outlook.ready:
            raise CannotAct(f"{person.name} has no mailbox open: nobody would be told of a mail")
        name = self.nodes[0].home_of(person.user.mailbox_id) or next(iter(self.hosts))
        self.delivered += 1
        self.hosts[name].server.backend.deliver(person.user, self.reactor.seconds())
        self.tell(name, f"mail for {person.name}")

    async def take_over(self) -> None:
        """The first node dies; the next one takes its address, as a virtual address moves."""
        if len(self.nodes) < 2:
            raise CannotAct("there is no other node: write [proxy] nodes = 2")
        dead = self.nodes.pop(0)
        await dead.die()
        self.nodes[0].port = dead.port
        try:
            self.nodes[0].reload(None)
        except RefusedOrder as refused:
            raise CannotAct(f"the other node does not take the address: {refused}") from refused

    # Time and the timeline.

    def tell(self, lane: str, label: str, *, harm: bool = False, detail: str = "") -> None:
        """Put a moment on the timeline."""
        kind = "fault" if harm else "state"
        self._tell(Happening(at=self.reactor.seconds(), lane=lane, kind=kind, label=label, detail=detail))

    async def pause(self, seconds: float) -> None:
        """So much time; cut short when the stage is struck."""
        over: Deferred[None] = Deferred()
        entry = (self.reactor.callLater(seconds, over.callback, None), over)
        self._pauses.add(entry)
        try:
            await over
        finally:
            self._pauses.discard(entry)

    def lanes(self) -> dict[str, str]:
        """Lane to the part of the stage it belongs to (drawing.GROUPS)."""
        lanes = {"proxy": "proxy", "operator": "operator", **dict.fromkeys(self.hosts, "server")}
        lanes.update(dict.fromkeys(self.people, "client"))
        return {**lanes, **self.network.lanes()}

    # Taking down.

    async def strike(self) -> list[str]:
        """Take everything down, whatever state it is in. Returns what could not be done, in words."""
        wrong: list[str] = []
        for timer, over in list(self._pauses):
            timer.cancel()
            over.cancel()
        for what, end in self._ends():
            try:
                await end()
            except Exception as error:
                wrong.append(f"{what}: {type(error).__name__}: {error}")
        self.said.end()
        return wrong

    def _ends(self) -> Iterable[tuple[str, Callable[[], Any]]]:
        yield from ((person.name, person.end) for person in self.people.values())
        yield from ((f"proxy {node.number}", node.stop) for node in self.nodes)
        yield "the network", self.network.stop
        yield from ((name, host.crash) for name, host in self.hosts.items())
