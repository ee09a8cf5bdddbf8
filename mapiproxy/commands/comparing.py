"""Certificates of listeners, of servers, and the names that are published: what fits and what does not.

Shared by ``cert`` and ``check --online``. Reaches servers; starts nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from mapiproxy.net.certificates import Certificate
from mapiproxy.net.leaf import Shown, ask, fetch
from mapiproxy.net.probe import wanted_of
from mapiproxy.policy.protection import Leaf, judge
from mapiproxy.settings import Server, Settings


@frozen
class Compared:
    """One server behind one listener.

    :ivar wrong: what breaks clients; ``odd``: what will, or may.
    """

    listener: str
    server: Server
    shown: Shown
    wrong: tuple[str, ...]
    odd: tuple[str, ...]


@frozen
class Asked:
    """One virtual directory of one server, asked as a probe would.

    :ivar error: what is wrong with it; ``version``: of Exchange, where the server tells.
    """

    backend: str
    server: str
    vdir: str
    error: str | None
    version: str | None


def compare(settings: Settings, certificates: Sequence[tuple[str, Certificate]]) -> list[Compared]:
    """Every server behind every listener."""
    shown: dict[str, Shown] = {}
    found = []
    for listener in settings.listeners:
        group = settings.backend(listener.backend)
        mine = [each for name, each in certificates if name == listener.name]
        leaves = [Leaf(listener.name, each.fingerprint) for each in mine]
        for server in group.servers:
            if server.tls and server.url not in shown:
                verify = group.verify
                shown[server.url] = fetch(
                    server.host,
                    server.port,
                    verify.ca,
                    verify.fingerprint,
                    settings.timeouts.connect,
                    group.proxy_protocol,
                )
            there = shown.get(server.url, Shown())
            wrong: list[str] = []
            odd: list[str] = []
            if there.error is not None:
                wrong.append(f"{there.stage}: {there.error}")
            if there.doubt is not None:
                (odd if group.verify.off else wrong).append(f"not believed: {there.doubt}")
            line = judge(listener.name, leaves, Leaf(server.name, there.fingerprint, server.tls), group.kind)
            if line is not None:
                odd.append(line)
            found.append(Compared(listener.name, server, there, tuple(wrong), tuple(odd)))
    return found


def ask_all(settings: Settings) -> list[Asked]:
    """Every virtual directory of every server."""
    asked = []
    for group in settings.backends:
        for server in group.servers:
            for vdir in group.vdirs:
                if vdir.enabled:
                    wanted = wanted_of(group.kind, vdir.shape)
                    told = ask(
                        server.host,
                        server.port,
                        server.tls,
                        wanted,
                        settings.timeouts.connect,
                        group.proxy_protocol,
                    )
                    asked.append(Asked(group.name, server.name, vdir.name, told.error, told.version))
    return asked
