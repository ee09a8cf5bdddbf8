"""Whom do we believe about where a client comes from?

X-Forwarded-For is a list that each proxy adds to at its end. Only what trusted peers have added can be
believed, so the client is the last address in it that is not itself a trusted one.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address

from attrs import frozen

from mapiproxy.policy.firewall import Network, plain_address


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
    text = ", ".join(value.decode("latin-1") for value in chain)
    secure = None if proto is None else proto.strip().lower() == b"https"
    hops = [_address(hop) for hop in text.split(",")] if text.strip() else []
    if None in hops:
        # What is no address could be meant to break a log or a rule: none of it is believed.
        return Origin(peer, "", secure)
    known = [hop for hop in hops if hop is not None]
    for hop in reversed(known):
        if not is_trusted(hop, trusted):
            return Origin(hop, text, secure)
    return Origin(known[0] if known else peer, text, secure)


def _address(hop: str) -> str | None:
    """An address, perhaps with a port or in brackets."""
    hop = hop.strip()
    if hop.startswith("["):
        hop = hop[1:].partition("]")[0]
    elif hop.count(":") == 1:
        hop = hop.partition(":")[0]
    try:
        return str(ip_address(hop))
    except ValueError:
        return None
