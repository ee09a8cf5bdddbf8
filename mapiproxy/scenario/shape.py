"""Which tables and keys may a scenario's file have, and of what type?

The file's own shape, like :mod:`mapiproxy.settings.tables`: attribute names are the keys, times are seconds.
What the steps are called is in verbs.py, what can be expected in subjects.py.
"""

from __future__ import annotations

from typing import Any, Literal

from attrs import Factory, field, frozen

from mapiproxy.settings.structure import Many, Parse
from mapiproxy.settings.units import BadValue, parse_duration, parse_size, show

Kind = Literal["exchange", "grommunio"]

#: Where a device stands.
PLACES = ("client-side", "server-side")


@frozen
class ServersTable:
    """``[servers]``: the servers behind the proxy, called mbx1, mbx2 and so on.

    :ivar expiry: idle life of a context (X-ExpirationInfo); *pending_period*: X-PendingPeriod.
    :ivar wait: how long a NotificationWait lasts without an event.
    :ivar execute: how long an Execute takes.
    :ivar idle_limit: after which a server closes a kept connection.
    """

    count: int = 2
    expiry: float = 900.0
    pending_period: float = 30.0
    wait: float = 300.0
    execute: float = 0.02
    idle_limit: float | None = 180.0
    body_limit: int = 50_000_000


@frozen
class ProxyTable:
    """``[proxy]``: the one under test.

    :ivar nodes: how many proxies there are, with the same route key; clients are sent to the first.
    :ivar extra: text that is appended to its configuration file; without a [health] table in it probes are
        sent every 30 seconds.
    """

    nodes: int = 1
    extra: str = ""


@frozen
class DeviceTable:
    """``[[device]]``: something in the network; its other keys are the network's (mapiproxy.lab.network).

    :ivar network: of clients, for a client-side one; *server*: for a server-side one. Without them it stands
        before all.
    """

    name: str | None = None
    place: str | None = None
    network: str | None = None
    server: str | None = None
    rest: dict[str, Any] = field(factory=dict)


@frozen
class ClientTable:
    """``[[client]]``: people with an Outlook.

    :ivar name: of the first; with a *count* the others are called alice2, alice3.
    :ivar profile: how it works, a name of the laboratory's (mapiproxy.lab.outlook).
    :ivar pace: so many times as fast as the profile.
    :ivar contexts: Session Contexts of each: its own mailbox, and shared ones.
    :ivar network: where it is connected, a name that devices and steps use.
    :ivar opens: when its Outlook is started.
    """

    name: str | None = None
    count: int = 1
    profile: Literal["cached", "online"] = "cached"
    pace: float = 1.0
    contexts: int = 1
    network: str = "office"
    opens: float = 0.0


@frozen
class ScenarioTable:
    """The whole file.

    :ivar causes: names of the catalogue (causes.py).
    :ivar time: whether it can be played in virtual time, in real time, or both.
    """

    title: str | None = None
    why: str | None = None
    causes: tuple[str, ...] = ()
    seed: int = 1
    time: Literal["virtual", "real", "both"] = "virtual"
    kinds: tuple[Kind, ...] = ("exchange", "grommunio")
    duration: float | None = None
    servers: ServersTable = Factory(ServersTable)
    proxy: ProxyTable = Factory(ProxyTable)
    device: tuple[DeviceTable, ...] = ()
    client: tuple[ClientTable, ...] = ()
    step: tuple[dict[str, Any], ...] = ()
    expect: dict[str, Any] = field(factory=dict)


def parse_moment(value: object) -> float:
    """A duration, or ``"0s"``."""
    return 0.0 if value == "0s" else parse_duration(value)


def _a_table(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadValue(f"must be a table, not {show(value)}")
    return value


def _a_device(value: object) -> DeviceTable:
    table = dict(_a_table(value))
    known = {key: table.pop(key) for key in ("name", "place", "network", "server") if key in table}
    for key, text in known.items():
        if not isinstance(text, str):
            raise BadValue(f"{key} must be a string, not {show(text)}")
    return DeviceTable(**known, rest=table)


def _a_pace(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1000:
        raise BadValue(f"must be a number above 0, not {show(value)}")
    return float(value)


def _never_or(value: object) -> float | None:
    return None if value == "never" else parse_duration(value)


PARSERS: dict[tuple[type, str], Parse] = {
    (ScenarioTable, "duration"): parse_duration,
    (ScenarioTable, "device"): _a_device,
    (ScenarioTable, "step"): _a_table,
    (ScenarioTable, "expect"): _a_table,
    (ServersTable, "expiry"): parse_duration,
    (ServersTable, "pending_period"): parse_duration,
    (ServersTable, "wait"): parse_duration,
    (ServersTable, "execute"): parse_moment,
    (ServersTable, "idle_limit"): _never_or,
    (ServersTable, "body_limit"): parse_size,
    (ClientTable, "opens"): parse_moment,
    (ClientTable, "pace"): _a_pace,
}

ONE_OR_MANY: Many = {(ScenarioTable, "causes"), (ScenarioTable, "kinds")}
