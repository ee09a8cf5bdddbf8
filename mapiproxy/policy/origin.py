"""Whom do we believe about where a client comes from?

X-Forwarded-For is a list that each proxy adds to at its end. Only what trusted peers have added can be
believed, so the client is the last address in it that is not itself a trusted one. The list is read from
its end and no further than that: what stands before it was written by the client, who must not be able to
pass for the proxy before us by writing nonsense there, nor to make us read very much.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address

from attrs import frozen

from mapiproxy.policy.firewall import Network, plain_address

#: Nobody has more proxies of their own in a row.
_MOST_HOPS = 32


@frozen
class Origin:
    """Where a request comes from.

    :ivar ip: of the client; ``chain``: the value of X-Forwarded-For that came, if it is believed.
    :ivar secure: whether the client spoke TLS; ``None``: nobody said.
    """

    ip: str
    chain: str = ""
    secure: bool | None = None


def is_trusted(ip: str, trusted: Sequence[Network]) -> bool:
    """Whether a peer is one of ours."""
    try:
        address = ip_address(plain_address(ip))
    except ValueError:
        return False
    return any(address in network for network in trusted if network.version == address.version)


def origin_of(peer: str, chain: Sequence[bytes], proto: bytes | None, trusted: Sequence[Network]) -> Origin:
    """The origin of a request that *peer* brought.

    :param chain: the values of its X-Forwarded-For lines; *proto* of X-Forwarded-Proto.
    """
    if not is_trusted(peer, trusted):
        return Origin(peer)
    secure = None if proto is None else proto.strip().lower() == b"https"
    hops = b",".join(chain).rsplit(b",", _MOST_HOPS)[-_MOST_HOPS:] if chain else []
    kept: list[str] = []
    origin = None
    for hop in reversed(hops):
        address = _address(hop.decode("latin-1"))
        if address is None:
            # Could be meant to break a log; neither it nor what stands before it is passed on.
            break
        kept.append(hop.decode("latin-1").strip())
        if origin is None and not is_trusted(address, trusted):
            origin = address
    if origin is None:
        # Nobody but trusted ones: the first of them has asked for itself, or for whom it does not name.
        origin = _address(kept[-1]) if kept else None
    return Origin(origin or peer, ", ".join(reversed(kept)), secure)


def _address(hop: str) -> str | None:
    """An address, perhaps with a port or in brackets."""
    hop = hop.strip()
    if hop.startswith("["):
        hop = hop[1:].partition("]")[0]
    elif hop.count(":") == 1:
        hop = hop.partition(":")[0]
    try:
        return plain_address(str(ip_address(hop)))
    except ValueError:
        return None
