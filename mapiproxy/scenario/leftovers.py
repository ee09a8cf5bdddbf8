"""Is everything gone when a scenario is over? Listeners, connections and timers that were left behind.

On a virtual reactor all of it can be counted; on a real one the scenario's own ports are tried.
"""

from __future__ import annotations

import socket
from typing import Any

from mapiproxy.lab.server import LOOPBACK
from mapiproxy.lab.virtual import VirtualReactor
from mapiproxy.scenario.stage import Stage

#: What was closed just now needs a round trip to be gone.
_SETTLE = 0.2
#: Virtual time in which whatever still lives would show itself.
_LONG = 7200.0


async def left_over(stage: Stage, reactor: Any) -> list[str]:
    """What is left, in words; asked when the stage has been struck."""
    await stage.pause(_SETTLE)
    found = [
        f"{name}: {len(host.server.connections)} connections"
        for name, host in stage.hosts.items()
        if host.server.connections
    ]
    if isinstance(reactor, VirtualReactor):
        found += [f"somebody listens on {host}:{port}" for host, port in sorted(reactor.ports)]
        await stage.pause(_LONG)
        # What is due later than that was due anyway: the loop itself has none.
        found += sorted(f"a timer for {_name(call.func)}" for call in reactor.getDelayedCalls())
    else:
        found += [f"somebody listens on port {port}" for port in stage.used if _listens(port)]
    return found


def _name(function: Any) -> str:
    return str(getattr(function, "__qualname__", function))


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return True
    return False
