"""What balancers have in common: how many flows or requests each server has."""

from __future__ import annotations

from typing import Any

from mapiproxy.lab.network.addresses import Address, show
from mapiproxy.lab.network.device import Device
from mapiproxy.lab.network.flow import Flow
from mapiproxy.lab.network.pieces import Exchange


class BalancingDevice(Device):
    """Counts what is under way at each server.

    :ivar load: server → flows, or requests where requests are balanced.
    """

    def __init__(self, *arguments: Any, **more: Any) -> None:
        self.load: dict[Address, int] = {}
        self._at: dict[object, Address] = {}
        super().__init__(*arguments, **more)

    def least(self) -> Address:
        """The server with the least; of equals the first that was named."""
        return min(self.to, key=lambda address: self.load.get(address, 0))

    def assign(self, what: Flow | Exchange, address: Address) -> Address:
        """Count it there until :meth:`free`; what has been assigned stays where it is."""
        if what in self._at:
            return self._at[what]
        self._at[what] = address
        self.load[address] = self.load.get(address, 0) + 1
        return address

    def free(self, what: Flow | Exchange) -> None:
        """It is over."""
        address = self._at.pop(what, None)
        if address is not None:
            self.load[address] -= 1

    def address_of(self, exchange: Exchange) -> Address:
        """Where a request goes."""
        return self.assign(exchange, self.least())

    def flow_over(self, flow: Flow) -> None:
        self.free(flow)
        for what in list(self._at):
            if isinstance(what, Exchange) and what.connection is flow.connection:
                self.free(what)
        super().flow_over(flow)


class RequestBalancingDevice(BalancingDevice):
    """Chooses a server for each request."""

    needs_plaintext = True

    def asked(self, exchange: Exchange) -> None:
        exchange.backend = show(self.assign(exchange, self.least()))

    def answered(self, exchange: Exchange) -> None:
        """A request is over, one way or the other."""
        self.free(exchange)
