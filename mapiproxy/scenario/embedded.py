"""The laboratory inside somebody's own tests: ``with Lab() as lab``, in virtual time.

Everything a scenario's file can do, as calls: people with an Outlook, devices, steps, expectations. Nothing
happens but in :meth:`Lab.advance` and :meth:`Lab.run`, and minutes take no time.
"""

from __future__ import annotations

import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Self, TypeVar

from twisted.internet.defer import CancelledError, Deferred

from mapiproxy.lab.happening import Happening
from mapiproxy.lab.network.device import Device
from mapiproxy.lab.outlook import Book
from mapiproxy.lab.outlook.book import summed
from mapiproxy.lab.virtual import VirtualReactor
from mapiproxy.scenario.evidence import log_lines
from mapiproxy.scenario.expecting import read_expectations
from mapiproxy.scenario.facts import gather
from mapiproxy.scenario.judging import judge
from mapiproxy.scenario.network import check_device
from mapiproxy.scenario.people import Person
from mapiproxy.scenario.reading import Scenario
from mapiproxy.scenario.shape import ClientTable, DeviceTable, ProxyTable, ServersTable
from mapiproxy.scenario.stage import Stage
from mapiproxy.scenario.steps import EVERYBODY, SERVER_WORDS, make_step
from mapiproxy.settings.problems import Problems, SettingsError
from mapiproxy.settings.units import parse_duration

T = TypeVar("T")

#: The log is flushed once a second.
_FLUSH = 1.1


class Lab:
    """Servers of a *kind*, the real proxy before them, and whoever is added.

    :param servers: how many; they are called MBX1, MBX2.
    :param extra: text for the proxy's configuration file.
    :param nodes: proxies with the same route key.
    :param settings: of the servers, as in ``[servers]`` of a scenario, times in seconds.
    :ivar reactor: the virtual one, for parts of one's own.
    :ivar happenings: all that was told so far.
    """

    def __init__(
        self,
        kind: str = "exchange",
        servers: int = 2,
        *,
        seed: int = 1,
        extra: str = "",
        nodes: int = 1,
        **settings: Any,
    ) -> None:
        self.reactor = VirtualReactor()
        self.happenings: list[Happening] = []
        self._kind = kind
        self._seed = seed
        self._servers = ServersTable(count=servers, **settings)
        self._proxy = ProxyTable(nodes, extra)
        self._devices: list[DeviceTable] = []
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._stage: Stage | None = None
        self._troubles: list[BaseException] = []

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="mapiproxy-lab-")
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        """Take everything down. :raise: what a step has failed with, if nothing else was raised."""
        try:
            if self._stage is not None:
                wrong = self.reactor.run(self._stage.strike(), limit=600)
                if error is None and wrong:
                    raise AssertionError("; ".join(wrong))
        finally:
            assert self._folder is not None, "it was entered"
            self._folder.cleanup()
        if error is None and self._troubles:
            raise self._troubles[0]

    @property
    def stage(self) -> Stage:
        """Everything behind the scenes; put up when it is first needed."""
        if self._stage is None:
            assert self._folder is not None, 'write "with Lab() as lab"'
            scenario = Scenario(
                Path("lab.toml"), "", "", (), self._seed, "virtual", (self._kind,), 1.0, self._servers,
                self._proxy, tuple(self._devices), (), (),
            )  # fmt: skip
            self._stage = Stage(
                scenario, self._kind, self.reactor, Path(self._folder.name), self._seed,
                wall=self.reactor.seconds, free_port=self.reactor.free_port, tell=self.happenings.append,
            )  # fmt: skip
            self._stage.set_up()
        return self._stage

    # Who and what there is.

    def device(self, name: str, place: str = "client-side", **keys: Any) -> None:
        """A device of the network, with the keys of ``[[device]]``; before anything happens.

        :raise SettingsError: a key that cannot be meant.
        """
        if self._stage is not None:
            raise RuntimeError("devices are put up before people: nothing may have happened yet")
        known = {key: keys.pop(key, None) for key in ("network", "server")}
        table = DeviceTable(name, place, known["network"], known["server"], keys)
        problems = Problems(Path("lab.device"))
        check_device(table, (name,), problems)
        if problems.any_errors():
            raise SettingsError(problems.in_order())
        self._devices.append(table)

    def outlook(
        self,
        name: str,
        *,
        profile: str = "cached",
        pace: float = 1.0,
        contexts: int = 1,
        network: str = "office",
    ) -> Person:
        """Somebody who starts Outlook now: ``outlook`` has the life events, ``book`` what they saw."""
        table = ClientTable(name, 1, profile, pace, contexts, network)  # type: ignore[arg-type]
        self.stage.add_network(network)
        person = self.stage.add_person(name, table)
        person.open()
        return person

    def boxes(self, name: str) -> list[Device]:
        """A device by name: in each network, or before each server, where it stands."""
        return self.stage.boxes(name)

    # What happens.

    def advance(self, time: str | float) -> None:
        """Let so much time pass: ``"90s"``, or seconds."""
        assert self.stage is not None
        self.reactor.advance(parse_duration(time) if isinstance(time, str) else time)
        if self._troubles:
            raise self._troubles.pop(0)

    def run(self, what: Coroutine[Any, Any, T] | Deferred[T], limit: str = "1h") -> T:
        """Let time pass until *what* has its result. :raise Stuck: it has none within *limit*."""
        assert self.stage is not None
        return self.reactor.run(what, parse_duration(limit))

    def do(self, word: str, **keys: Any) -> None:
        """What a step of a scenario does, with its keys: ``do("crash", server="home", lasting="20s")``.

        It begins now; what it undoes later happens as time passes, and an error is raised then.
        :raise SettingsError: a word or key that cannot be meant.
        """
        stage = self.stage
        names = {
            "client": [*stage.people, EVERYBODY],
            "device": [each.name or "" for each in self._devices],
            "server": [*(name.lower() for name in stage.hosts), *SERVER_WORDS],
        }
        problems = Problems(Path("lab.do"))
        step = make_step(word, keys, names, problems)
        if step is None or problems.any_errors():
            raise SettingsError(problems.in_order())
        stage.marks[word] = stage.now

        def failed(failure: Any) -> None:
            if failure.check(CancelledError) is None:
                self._troubles.append(failure.value)

        Deferred.fromCoroutine(step.act(stage)).addErrback(failed)
        self.reactor.advance(0)
        if self._troubles:
            raise self._troubles.pop(0)

    def order(self, command: str, **arguments: Any) -> dict[str, Any]:
        """What ``mapiproxy COMMAND --json`` would print. :raise RefusedOrder:"""
        reply: dict[str, Any] = self.stage.nodes[0].order(command, **arguments)
        return reply

    # What came of it.

    @property
    def book(self) -> Book:
        """What all people together saw."""
        return summed([person.book for person in self.stage.people.values()])

    def log_lines(self) -> list[str]:
        """The data lines of the HttpProxy log, the header line among them."""
        self.advance(_FLUSH)
        return [line for node in self.stage.nodes for line in log_lines(node.log_folder)]

    def messages(self) -> list[str]:
        """What the proxy said so far."""
        return [text for _, text in self.stage.said.says]

    def facts(self) -> dict[str, Any]:
        """Everything that can be expected, by name (see ``mapiproxy.scenario.subjects``)."""
        self.advance(_FLUSH)
        facts = gather(self.stage, self.stage.said.errors)
        return {**facts, "proxy_errors": len(self.stage.said.errors), "left_open": 0}

    def expect(self, **expected: Any) -> None:
        """As ``[expect]`` of a scenario: ``expect(reconnects=0, outage_max="2s", codes={"10": {"max": 1}})``.

        What every scenario expects is expected, too.
        :raise AssertionError: with a line for each that was not so.
        """
        problems = Problems(Path("lab.expect"))
        expectations = read_expectations(expected, self._kind, self.stage.marks, problems)
        if problems.any_errors():
            raise SettingsError(problems.in_order())
        failed = [str(each) for each in judge(expectations, self.facts()) if not each.ok]
        if failed:
            raise AssertionError("\n".join(failed))
