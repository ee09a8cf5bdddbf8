"""Is this address in one of these networks? Asked for each request, so an address is looked at once.

An IPv4 address that came as IPv6 (``::ffff:10.0.0.1``, as a socket for both tells it) is the IPv4 address,
in networks as well; otherwise a rule about 10.0.0.0/8 would depend on how the listener is bound.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_MAPPED = IPv6Network("::ffff:0:0/96")
#: The longest an address can be as text, with a zone; beyond that nothing is looked at.
_LONGEST = 64


def read_address(text: str) -> Address | None:
    """An address without brackets and port; its zone (``%eth0``) is left out. ``None``: it is none."""
    if len(text) > _LONGEST:
        return None
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if address.version == 6 and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def read_network(text: str) -> Network:
    """``10.0.0.0/8``, ``fd00::/8``, or one address. :raise ValueError: with a text for the operator."""
    try:
        network = ip_network(text.strip())
    except ValueError as error:
        raise ValueError(_explain(text.strip(), error)) from None
    if network.version == 6 and network.subnet_of(_MAPPED):
        return IPv4Network((int(network.network_address) & 0xFFFFFFFF, network.prefixlen - 96))
    return network


def _explain(text: str, error: ValueError) -> str:
    try:
        meant = ip_network(text, strict=False)
    except ValueError:
        return f"{text!r} is no network: write 10.0.0.0/8, fd00::/8 or a single address"
    return f"{text!r} has bits set beyond its prefix: write {meant}"


class Networks:
    """Some networks; equal to another of the same ones. Addresses that are no addresses are in none."""

    __slots__ = ("_holds", "networks")

    def __init__(self, networks: Iterable[Network | str] = ()) -> None:
        self.networks: tuple[Network, ...] = tuple(
            read_network(str(network)) for network in networks
        )
        self._holds = lru_cache(maxsize=4096)(self._look)

    def __bool__(self) -> bool:
        return bool(self.networks)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Networks) and self.networks == other.networks

    def __hash__(self) -> int:
        return hash(self.networks)

    def __repr__(self) -> str:
        return f"Networks({', '.join(map(str, self.networks))})"

    def holds(self, ip: str) -> bool:
        """Whether one of them has this address, given as text."""
        return bool(self.networks) and self._holds(ip)

    def _look(self, ip: str) -> bool:
        address = read_address(ip)
        return address is not None and any(address in network for network in self.networks)
