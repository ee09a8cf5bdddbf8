"""The devices of a scenario: where each stands, chained between networks, proxy and servers.

What devices and faults do is the laboratory's (mapiproxy.lab.network); here they are placed. A device that
stands before several networks or servers is one box for each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from mapiproxy.lab.authority import Authority
from mapiproxy.lab.happening import Tell
from mapiproxy.lab.server import LOOPBACK
from mapiproxy.scenario.shape import DeviceTable
from mapiproxy.settings.problems import KeyPath, Problems

Where = tuple[str, int]
Box = Any


class Network:
    """Everything between clients and servers but the proxy.

    :ivar boxes: by the name of the device.
    """

    def __init__(
        self,
        tables: Sequence[DeviceTable],
        reactor: Any,
        free_port: Callable[[], int],
        chance: Callable[[str], Random],
        tell: Tell,
    ) -> None:
        self.boxes: dict[str, list[Box]] = {}
        self._tables = tables

    def use(self, authority: Authority | None, name: str) -> None: ...

    def chain(self, place: str, where: str, to: list[Where]) -> int:
        return to[0][1]

    def lanes(self) -> dict[str, str]:
        return {}

    async def stop(self) -> None: ...


def check_device(table: DeviceTable, path: KeyPath, problems: Problems) -> None: ...
