"""What can a person tell a device that runs? One line, one order, one answer.

Knows no terminal: text in, text out.
"""

from __future__ import annotations

import tomllib
from typing import Any

from mapiproxy.lab.network.device import Device
from mapiproxy.lab.network.devices.captive_portal import CaptivePortal
from mapiproxy.lab.network.devices.nat import Nat
from mapiproxy.lab.network.reading import BadRule

HELP = "add RULE | remove NAME | rules | reset | counters | rebind (nat) | log in (captive_portal)"


def read_table(text: str) -> dict[str, Any]:
    """A TOML inline table, with or without its braces.

    :raise BadRule: it is none.
    """
    text = text.strip()
    inner = text if text.startswith("{") else "{" + text + "}"
    try:
        document = tomllib.loads(f"rule = {inner}")
    except tomllib.TOMLDecodeError as error:
        raise BadRule(
            f"{text!r} is not a TOML inline table ({error}); write it like "
            '{ fault = "latency", delay = "200ms" }'
        ) from None
    if len(document) != 1 or not isinstance(document["rule"], dict):
        raise BadRule(f"{text!r} is more than one TOML inline table")
    return document["rule"]


def obey(device: Device, line: str) -> str:
    """Carry out an order; what to answer, perhaps several lines."""
    order, _, rest = line.strip().partition(" ")
    rest = rest.strip()
    if order == "add" and rest:
        try:
            return f"added {device.add(read_table(rest)).rule.name}"
        except BadRule as error:
            return str(error)
    if order == "remove" and rest:
        return f"removed {rest}" if device.remove(rest) else f"there is no rule {rest}"
    if order == "rules":
        names = [f"{play.rule.name} ({play.rule.direction})" for play in device.rulebook.in_play]
        return "\n".join(names) or "none"
    if order == "reset":
        device.reset()
        return "no rules but the device's own"
    if order == "counters":
        return "\n".join(device.counters.lines())
    if order == "rebind" and isinstance(device, Nat):
        device.rebind()
        return "rebound"
    if line.strip() == "log in" and isinstance(device, CaptivePortal):
        device.log_in()
        return "everybody is logged in"
    return HELP if order else ""
