"""Is everything gone when a scenario is over? Listeners, connections and timers that were left behind.

On a virtual reactor all of it can be counted; on a real one the scenario's own ports are tried.
"""

from __future__ import annotations

import socket
from typing import Any

from mapiproxy.lab.server import LOOPBACK
from mapiproxy.lab.virtual import VirtualReactor
from mapiproxy.scenario.stage import Stage


def left_over(stage: Stage, reactor: Any) -> list[str]:
    """What is left, in words; asked when the stage has been struck."""
    found = [
        f"{name}: {len(host.server.connections)} connections"
        for name, host in stage.hosts.items()
        if host.server.connections
    ]
    if isinstance(reactor, VirtualReactor):
        found += [f"somebody listens on {host}:{port}" for host, port in sorted(reactor.ports)]
    else:
        found += [f"somebody listens on port {port}" for port in stage.ports if _listens(port)]
    return found


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return True
    return False
