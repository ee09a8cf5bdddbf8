"""least_connections: a balancer that knows no sessions, only how much each server has to do."""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from mapiproxy.lab.network.addresses import Address
from mapiproxy.lab.network.devices.balancing import RequestBalancingDevice
from mapiproxy.lab.network.flow import Flow
from mapiproxy.lab.network.leg import Upstream
from mapiproxy.lab.network.pieces import Exchange
from mapiproxy.lab.network.reading import switch
from mapiproxy.lab.network.sharing import PerRequest, Pool


@frozen
class LeastConnectionsSettings:
    """*per_request*: requests are balanced, over connections of the client's own; else connections are."""

    per_request: bool = switch(False)


class LeastConnections(RequestBalancingDevice):
    """A session's connections, or its requests, end up on different servers."""

    Settings: ClassVar[type] = LeastConnectionsSettings
    needs_plaintext = False

    @property
    def must_look(self) -> bool:
        return self.settings.per_request or super().must_look

    def upstream(self, flow: Flow) -> Upstream:
        if self.settings.per_request:
            return PerRequest(self, flow, Pool(self), shared=False)
        return super().upstream(flow)

    def target(self, flow: Flow) -> Address:
        return self.assign(flow, self.least())

    def asked(self, exchange: Exchange) -> None:
        if self.settings.per_request:
            super().asked(exchange)
