"""Which devices are there? One file each; :func:`make_device` makes one from a table.

``{ device = "idle_firewall", timeout = "60s", mode = "rst", listen = "127.0.0.1:0", to = ["127.0.0.1:443"],
rules = [{ fault = "latency", delay = "200ms" }] }``
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from attrs import asdict

from mapiproxy.lab.happening import Tell, tell_nobody
from mapiproxy.lab.network.addresses import Address
from mapiproxy.lab.network.device import Device
from mapiproxy.lab.network.devices.buffering_proxy import BufferingProxy
from mapiproxy.lab.network.devices.captive_portal import CaptivePortal
from mapiproxy.lab.network.devices.h2_front import H2Front
from mapiproxy.lab.network.devices.idle_firewall import IdleFirewall
from mapiproxy.lab.network.devices.least_connections import LeastConnections
from mapiproxy.lab.network.devices.multiplexer import Multiplexer
from mapiproxy.lab.network.devices.nat import Nat
from mapiproxy.lab.network.devices.source_affinity import SourceAffinity
from mapiproxy.lab.network.devices.waf import Waf
from mapiproxy.lab.network.reading import BadRule, keys_of, known_name, refuse_unknown, take
from mapiproxy.lab.network.tls import PassThrough, Termination
from mapiproxy.settings.units import BadValue, parse_bind

#: The name in a table → the device.
DEVICES: Mapping[str, type[Device]] = {
    "wire": Device,
    "idle_firewall": IdleFirewall,
    "nat": Nat,
    "source_affinity": SourceAffinity,
    "least_connections": LeastConnections,
    "multiplexer": Multiplexer,
    "h2_front": H2Front,
    "captive_portal": CaptivePortal,
    "buffering_proxy": BufferingProxy,
    "waf": Waf,
}

_COMMON = ("device", "name", "listen", "to", "rules")


def make_device(
    table: Mapping[str, Any],
    reactor: Any,
    random: Random,
    tell: Tell = tell_nobody,
    *,
    tls: Termination | PassThrough | None = None,
    to: list[Address] | None = None,
    anywhere: bool = False,
) -> Device:
    """The device of a table; *to* if the servers are known elsewhere.

    :raise BadRule: the text names the key and what is allowed.
    """
    kind = known_name(table, "device", DEVICES)
    cls = DEVICES[kind]
    refuse_unknown(table, {*_COMMON, *keys_of(cls.Settings)}, kind)
    settings = take(cls.Settings, table, kind)
    servers = _addresses(table.get("to", []), f"{kind}: to") if to is None else to
    (listen,) = _addresses([table.get("listen", "127.0.0.1:0")], f"{kind}: listen")
    rules = table.get("rules", [])
    if not isinstance(rules, list | tuple) or not all(isinstance(each, Mapping) for each in rules):
        raise BadRule(f"{kind}: rules: write a list of tables")
    name = table.get("name", kind)
    if not isinstance(name, str) or not name:
        raise BadRule(f"{kind}: name: write a text")
    return cls(
        name, reactor, random, tell, to=servers, listen=listen, tls=tls, rules=rules, anywhere=anywhere,
        **asdict(settings, recurse=False),
    )  # fmt: skip


def _addresses(given: object, where: str) -> list[Address]:
    values = [given] if isinstance(given, str) else given
    if not isinstance(values, list | tuple):
        raise BadRule(f'{where}: write "HOST:PORT" or a list of them')
    try:
        return [(bind.host, bind.port) for bind in map(parse_bind, values)]
    except BadValue as error:
        raise BadRule(f"{where}: {error}") from None
