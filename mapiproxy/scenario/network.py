"""The devices of a scenario: where each stands, chained between networks, proxy and servers.

What devices and faults do is the laboratory's (mapiproxy.lab.network); here they are placed. A device that
stands before several networks or servers is one box for each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from mapiproxy.lab.authority import Authority
from mapiproxy.lab.happening import Tell
from mapiproxy.lab.network.device import Device
from mapiproxy.lab.network.devices import DEVICES, make_device
from mapiproxy.lab.network.reading import BadRule, keys_of, known_name, refuse_unknown, take
from mapiproxy.lab.network.rule import Rule, parse_rule
from mapiproxy.lab.network.tls import PASS_THROUGH, PassThrough, Termination
from mapiproxy.lab.server import LOOPBACK
from mapiproxy.scenario.shape import DeviceTable
from mapiproxy.settings.problems import KeyPath, Problems
from mapiproxy.settings.units import show

Where = tuple[str, int]
#: How a device treats TLS, if the scenario says it: passes it unread, or ends it and begins it anew.
TLS = ("pass", "end")


class Network:
    """Everything between clients and servers but the proxy.

    :param coming: rules that steps are going to add, by the name of the device.
    :ivar boxes: by the name of the device.
    """

    def __init__(
        self,
        tables: Sequence[DeviceTable],
        coming: Mapping[str, Sequence[Mapping[str, Any]]],
        reactor: Any,
        free_port: Callable[[], int],
        chance: Callable[[str], Random],
        tell: Tell,
    ) -> None:
        self.boxes: dict[str, list[Device]] = {}
        self._tables = tables
        self._coming = coming
        self._reactor = reactor
        self._free_port = free_port
        self._chance = chance
        self._tell = tell
        self._lanes: dict[str, str] = {}
        self._authority: Authority | None = None
        self._name = ""

    def use(self, authority: Authority | None, name: str) -> None:
        """Whose certificates devices that end TLS show, for which name; nobody's: none can."""
        self._authority, self._name = authority, name

    def chain(self, place: str, where: str, to: list[Where], *, several: bool) -> int:
        """The devices before *to*, for one network or server; the first in the file is the first on the way
        from the client. Returns the port where they begin, which is that of *to* if there are none.

        :param several: whether there is more than one network, or server.
        """
        for table in reversed(self._tables):
            narrowed = table.network if place == "client-side" else table.server
            if table.place != place or (narrowed or where).lower() != where.lower():
                continue
            known = table.name or ""
            lane = f"{known}/{where}" if several and narrowed is None else known
            box = self._box(table, lane, to)
            to = [(LOOPBACK, box.start())]
            self.boxes.setdefault(known, []).append(box)
            self._lanes[lane] = "client device" if place == "client-side" else "server device"
        return to[0][1]

    def _box(self, table: DeviceTable, lane: str, to: list[Where]) -> Device:
        tables = [*table.rest.get("rules", ()), *self._coming.get(table.name or "", ())]
        inside = any(parse_rule(each).looks_inside for each in tables) or _kind(table).needs_plaintext
        ends = table.rest.get("tls", "end" if inside else "pass") == "end"
        tls: Termination | PassThrough = PASS_THROUGH
        if ends:
            if self._authority is None:
                raise BadRule(f"{table.name}: nobody here has the certificate to end TLS with")
            name = self._name if table.place == "client-side" else LOOPBACK
            tls = Termination.by(self._authority, name, "localhost", LOOPBACK, server_name=name)
        given = {**_plain(table), "name": lane, "listen": f"{LOOPBACK}:{self._free_port()}"}
        return make_device(
            given, self._reactor, self._chance(f"device {lane}"), self._tell, tls=tls, to=list(to)
        )

    def lanes(self) -> dict[str, str]:
        """Lane to the part of the stage."""
        return dict(self._lanes)

    async def stop(self) -> None:
        """All of them stop; their faults go with them."""
        for boxes in self.boxes.values():
            for box in boxes:
                await box.stop()


#: What a device is that is not said to be any other: it passes everything on, but for its rules.
PLAIN = "wire"
#: Keys that every device has; the others are settings of its kind.
_OURS = ("tls", "rules", "device")


def _kind(table: DeviceTable) -> type[Device]:
    return DEVICES[table.rest.get("device", PLAIN)]


def _plain(table: DeviceTable) -> dict[str, Any]:
    """As mapiproxy.lab.network wants it."""
    rest = {key: value for key, value in table.rest.items() if key != "tls"}
    return {"device": PLAIN, **rest}


def check_device(table: DeviceTable, path: KeyPath, problems: Problems) -> None:
    """Whether a device of the file can be made."""
    tls, rules = table.rest.get("tls"), table.rest.get("rules", [])
    if tls is not None and tls not in TLS:
        problems.error((*path, "tls"), f'must be "pass" or "end", not {show(tls)}')
    if not isinstance(rules, list):
        problems.error((*path, "rules"), f"must be a list of tables, not {show(rules)}")
        rules = []
    for number, each in enumerate(rules):
        check_rule(each, (*path, "rules", number), problems)
    try:
        kind = DEVICES[known_name(_plain(table), "device", DEVICES)]
        settings = {key: value for key, value in table.rest.items() if key not in _OURS}
        refuse_unknown(settings, keys_of(kind.Settings), "")
        take(kind.Settings, settings, "")
    except BadRule as bad:
        text = str(bad).removeprefix(": ")
        named = [word for word in text.split(": ") if word in table.rest]
        problems.error((*path, *named[:1]), text)


def check_rule(given: object, path: KeyPath, problems: Problems) -> Rule | None:
    """Whether a rule of the file can be made."""
    if not isinstance(given, dict):
        problems.error(path, f'must be a table like {{fault = "reset"}}, not {show(given)}')
        return None
    try:
        return parse_rule(given)
    except BadRule as bad:
        problems.error(path, str(bad))
        return None


