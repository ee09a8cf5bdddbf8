"""multiplexer: a balancer that shares its connections to servers among all clients.

To save connections; and so the second client speaks as the first where NTLM has authenticated a connection.
For test identities only: never put it in front of people's mailboxes.
"""

from __future__ import annotations

from typing import Any

from mapiproxy.lab.network.devices.balancing import RequestBalancingDevice
from mapiproxy.lab.network.flow import Flow
from mapiproxy.lab.network.leg import Upstream
from mapiproxy.lab.network.sharing import PerRequest, Pool


class Multiplexer(RequestBalancingDevice):
    """A pool of connections for everybody."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._pool = Pool(self)

    def upstream(self, flow: Flow) -> Upstream:
        return PerRequest(self, flow, self._pool, shared=True)

    def stop(self) -> Any:
        self._pool.close()
        return super().stop()
