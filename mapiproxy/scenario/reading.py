"""From a scenario's file to a scenario, or to every reason why not, each with its line.

Strict like the main configuration, and with its parts: an unknown key is an error that says what may have
been meant.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen

from mapiproxy.scenario import device_verbs
from mapiproxy.scenario.causes import CAUSES
from mapiproxy.scenario.expecting import read_expectations
from mapiproxy.scenario.judging import Expected
from mapiproxy.scenario.network import check_device
from mapiproxy.scenario.shape import (
    ONE_OR_MANY,
    PARSERS,
    PLACES,
    ClientTable,
    DeviceTable,
    ProxyTable,
    ScenarioTable,
    ServersTable,
)
from mapiproxy.scenario.steps import EVERYBODY, SERVER_WORDS, known_words, read_steps
from mapiproxy.scenario.verbs import Step
from mapiproxy.settings.lines import find_lines
from mapiproxy.settings.problems import KeyPath, Problem, Problems, SettingsError, meant
from mapiproxy.settings.structure import make_converter, read_shape
from mapiproxy.settings.units import show

#: Faults for which it matters how many bytes there are.
_COUNTING = ("bandwidth", "slicer", "limit_data")
_NAME = re.compile(r"[a-z][a-z0-9_-]*")
#: No file may ask for more; what is beyond is not even counted, for a typing error must not fill the memory.
_MOST_SERVERS, _MOST_NODES, _MOST_CLIENTS, _MOST_CONTEXTS = 9, 4, 500, 20


@frozen
class Scenario:
    """What is played. See :class:`mapiproxy.scenario.shape.ScenarioTable` for what the parts mean.

    :ivar name: of the file, without its ending.
    :ivar expected: by kind of server.
    """

    file: Path
    title: str
    why: str
    causes: tuple[str, ...]
    seed: int
    time: str
    kinds: tuple[str, ...]
    duration: float
    servers: ServersTable
    proxy: ProxyTable
    devices: tuple[DeviceTable, ...]
    clients: tuple[ClientTable, ...]
    steps: tuple[Step, ...]
    expected: Mapping[str, tuple[Expected, ...]] = field(factory=dict, repr=False)

    @property
    def name(self) -> str:
        """What it is called."""
        return self.file.stem

    @property
    def people(self) -> tuple[tuple[str, ClientTable], ...]:
        """Everybody with an Outlook, by name."""
        return tuple((name, table) for table in self.clients for name in names_of(table))

    def rules_to_come(self) -> dict[str, list[dict[str, Any]]]:
        """Rules that steps are going to add, by the name of the device."""
        coming: dict[str, list[dict[str, Any]]] = {}
        for step in self.steps:
            if isinstance(step.verb, device_verbs.Fault):
                coming.setdefault(step.verb.device or "", []).append(step.verb.rule)
        return coming

    @property
    def counts_bytes(self) -> bool:
        """Whether a device does something after so many bytes: then handshakes must be equally long."""
        rules = [rule for device in self.devices for rule in device.rest.get("rules", ())]
        rules += [rule for coming in self.rules_to_come().values() for rule in coming]
        return any(rule.get("fault") in _COUNTING or "after_bytes" in rule for rule in rules)

    @property
    def server_names(self) -> tuple[str, ...]:
        """MBX1, MBX2."""
        return tuple(f"MBX{number + 1}" for number in range(min(self.servers.count, _MOST_SERVERS)))


def names_of(table: ClientTable) -> list[str]:
    """alice, alice2, alice3."""
    name = table.name or "alice"
    count = min(table.count, _MOST_CLIENTS)
    return [name if number == 1 else f"{name}{number}" for number in range(1, count + 1)]


def load_scenario(path: Path) -> Scenario:
    """The scenario in a file. :raise SettingsError: with every problem."""
    try:
        text = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except OSError as error:
        raise SettingsError([Problem(path, 1, "", f"cannot be read: {error.strerror}")]) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise SettingsError([Problem(path, line, "", "not UTF-8 text")]) from None
    return read_scenario(text, path)


def read_scenario(text: str, path: Path) -> Scenario:
    """The scenario in a text that stands, or could stand, in the file *path*. Raises as above."""
    problems = Problems(path)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r" \(at line (\d+), column (\d+)\)$", str(error))
        line = int(found[1]) if found else text.rstrip("\n").count("\n") + 1
        words = str(error)[: found.start()] if found else str(error)
        raise SettingsError([Problem(path, line, "", f"not valid TOML: {words}")]) from None
    problems.lines = find_lines(text)
    table = read_shape(document, ScenarioTable, make_converter(path.parent, PARSERS, ONE_OR_MANY), problems)
    scenario = _build(table, path, problems)
    if problems.any_errors():
        raise SettingsError(problems.in_order())
    return scenario


def _build(table: ScenarioTable, path: Path, problems: Problems) -> Scenario:
    if not _NAME.fullmatch(path.stem):
        problems.error((), f'"{path.stem}" is no name: a file is called like wifi-to-lte.toml')
    for key in ("title", "why", "duration", "client", "expect", "kinds", "causes"):
        if not getattr(table, key):
            problems.missing((key,), f"missing; every scenario has {_EXAMPLES[key]}")
    for number, cause in enumerate(table.causes):
        if cause not in CAUSES:
            problems.error(("causes", number), f'unknown cause "{cause}"{known_words(cause, CAUSES)}')
    _check_counts(table, problems)
    scenario = Scenario(
        path, table.title or "", table.why or "", table.causes, table.seed, table.time, table.kinds,
        table.duration or 60.0, table.servers, table.proxy, table.device, table.client, (),
    )  # fmt: skip
    networks = {each.network for each in table.client} | {
        str(each["to"]) for each in table.step if each.get("do") == "switch" and "to" in each
    }
    _check_devices(scenario, networks, problems)
    known = {
        "client": [*(name for name, _ in scenario.people), EVERYBODY],
        "device": [each.name or "" for each in scenario.devices],
        "server": [*(name.lower() for name in scenario.server_names), *SERVER_WORDS],
    }
    steps = read_steps(table.step, scenario.duration, known, problems)
    names = {step.name for step in steps}
    expected: dict[str, tuple[Expected, ...]] = {
        kind: read_expectations(table.expect, kind, names, problems) for kind in table.kinds
    }
    return Scenario(
        path, scenario.title, scenario.why, scenario.causes, scenario.seed, scenario.time, scenario.kinds,
        scenario.duration, scenario.servers, scenario.proxy, scenario.devices, scenario.clients, steps,
        expected,
    )  # fmt: skip


_EXAMPLES = {
    "title": 'a title = "..." in a few words',
    "why": 'a why = "..." that says whom this happens to',
    "duration": 'a duration = "5m"',
    "client": "at least one [[client]]",
    "expect": "an [expect] table",
    "kinds": 'kinds = ["exchange", "grommunio"]',
    "causes": 'causes = ["hibernation"]',
}


def _check_counts(table: ScenarioTable, problems: Problems) -> None:
    for path, value, most in (
        (("servers", "count"), table.servers.count, _MOST_SERVERS),
        (("proxy", "nodes"), table.proxy.nodes, _MOST_NODES),
        *((("client", n, "count"), each.count, _MOST_CLIENTS) for n, each in enumerate(table.client)),
        *((("client", n, "contexts"), each.contexts, _MOST_CONTEXTS) for n, each in enumerate(table.client)),
    ):
        if not 1 <= value <= most:
            problems.error(path, f"must be from 1 to {most}")
    seen: set[str] = set()
    for number, each in enumerate(table.client):
        for name in names_of(each):
            if not _NAME.fullmatch(name) or name == EVERYBODY:
                problems.error(("client", number, "name"), f'"{name}" is no name for a client')
            if name in seen:
                problems.error(("client", number, "name"), f'there is another client "{name}"')
            seen.add(name)


def _check_devices(scenario: Scenario, networks: set[str], problems: Problems) -> None:
    seen: set[str] = set()
    for number, device in enumerate(scenario.devices):
        path: KeyPath = ("device", number)
        if device.name is None:
            problems.missing((*path, "name"), 'missing; write name = "firewall"')
        elif device.name in seen:
            problems.error((*path, "name"), f'there is another device "{device.name}"')
        seen.add(device.name or "")
        if device.place is None:
            problems.missing((*path, "place"), 'missing; write place = "client-side" or "server-side"')
        elif device.place not in PLACES:
            text = f'must be "client-side" or "server-side", not {show(device.place)}'
            problems.error((*path, "place"), text)
        if device.network is not None and device.place == "server-side":
            problems.error((*path, "network"), "a server-side device has no network of clients")
        elif device.network is not None and device.network not in networks:
            known = meant(device.network, networks)
            problems.error((*path, "network"), f'no client is ever in a network "{device.network}"{known}')
        if device.server is not None and device.place == "client-side":
            problems.error((*path, "server"), "a client-side device is before the proxy, not before a server")
        elif device.server is not None and device.server.upper() not in scenario.server_names:
            problems.error((*path, "server"), _no_server(device.server, scenario, ()))
        check_device(device, path, problems)


def _no_server(name: str, scenario: Scenario, more: tuple[str, ...]) -> str:
    return f'there is no server "{name}"{known_words(name, [*map(str.lower, scenario.server_names), *more])}'
