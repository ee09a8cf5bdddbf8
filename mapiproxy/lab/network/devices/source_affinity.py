"""source_affinity: a balancer that sends a client's address always to the same server."""

from __future__ import annotations

from hashlib import blake2b

from mapiproxy.lab.network.addresses import Address
from mapiproxy.lab.network.devices.balancing import BalancingDevice
from mapiproxy.lab.network.flow import Flow


class SourceAffinity(BalancingDevice):
    """By a hash of the address, so that it is the same in every run; a NAT's clients all go one way."""

    def target(self, flow: Flow) -> Address:
        digest = blake2b(flow.connection.client.encode(), digest_size=8).digest()
        return self.assign(flow, self.to[int.from_bytes(digest, "big") % len(self.to)])
