"""Addresses of hosts: how they are shown, and whether only this machine can reach them."""

from __future__ import annotations

import ipaddress

#: Host and port.
Address = tuple[str, int]


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine can reach *host*."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def show(address: Address) -> str:
    """``host:port``, IPv6 in brackets."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
