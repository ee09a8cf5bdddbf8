"""How do people write durations, sizes, addresses and fingerprints?

Each ``parse_`` takes what stood in the file and raises :class:`BadValue` with a text that says how
to write it. Must not know where in the file it stands.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Any
from urllib.parse import urlsplit

from mapiproxy.policy.firewall import VersionTest, parse_version_test
from mapiproxy.settings.values import Bind

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {
    "B": 1,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "KIB": 2**10,
    "MIB": 2**20,
    "GIB": 2**30,
}
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?")


class BadValue(ValueError):
    """A value that cannot be meant; the text is for the person who wrote it."""


def parse_duration(value: object) -> float:
    """``"30s"``, ``"1h30m"``, ``"500ms"`` → seconds, more than zero."""
    if not isinstance(value, bool):
        bare = isinstance(value, int | float)
        if bare or (isinstance(value, str) and re.fullmatch(r"\d+(\.\d+)?", value.strip())):
            number = str(value).strip()
            raise BadValue(
                f'a duration needs a unit (ms, s, m, h, d): write "{number}s" if seconds are meant'
            )
    parts = _DURATION_PART.findall(value) if isinstance(value, str) else []
    if not parts or "".join(number + unit for number, unit in parts) != value:
        raise BadValue(f'{show(value)} is not a duration; write it like "30s", "5m" or "1h30m"')
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    if seconds <= 0:
        raise BadValue("a duration must be more than zero")
    return seconds


def parse_size(value: object) -> int:
    """``"128KiB"``, ``"10MB"`` or an integer → bytes, more than zero."""
    if isinstance(value, int) and not isinstance(value, bool):
        size = value
    else:
        match = re.fullmatch(r"(\d+)\s*([A-Za-z]+)", value) if isinstance(value, str) else None
        if match is None or match[2].upper() not in _BYTES:
            raise BadValue(
                f'{show(value)} is not a size; write it like "128KiB" or "10MB", or as bytes'
            )
        size = int(match[1]) * _BYTES[match[2].upper()]
    if size <= 0:
        raise BadValue("a size must be more than zero")
    return size


def parse_bind(value: object) -> Bind:
    """``"0.0.0.0:443"``, ``"[::]:443"`` or ``"name:443"``; port 0 lets the system choose."""
    if not isinstance(value, str):
        raise BadValue(f'{show(value)} is not an address; write "0.0.0.0:443"')
    host, colon, port = value.strip().rpartition(":")
    if not colon and value.strip().isdigit():
        raise BadValue(f'write address and port: "0.0.0.0:{value.strip()}" for all addresses')
    if not host and colon:
        raise BadValue(f'which address? Write "0.0.0.0:{port}" or "[::]:{port}" for all')
    if not colon or not re.fullmatch(r"\d{1,5}", port) or int(port) > 65535:
        raise BadValue(f'{show(value)} needs a port from 1 to 65535: write "ADDRESS:PORT"')
    return Bind(_parse_host(host), int(port))


def _parse_host(host: str) -> str:
    """A host as sockets want it: no brackets; addresses in their shortest form."""
    bracketed = host.startswith("[") and host.endswith("]")
    try:
        address = ipaddress.ip_address(host[1:-1] if bracketed else host)
    except ValueError:
        if bracketed:
            raise BadValue(f"{host} is not an IPv6 address") from None
        if re.fullmatch(r"[\d.]+", host):
            raise BadValue(f"{host} is not an IPv4 address") from None
        if not _HOST_NAME.fullmatch(host):
            raise BadValue(f"{show(host)} is neither an address nor a host name") from None
        return host.lower()
    if (address.version == 6) != bracketed:
        raise BadValue(f"write an IPv6 address in brackets, an IPv4 address without: {show(host)}")
    return str(address)


def parse_url(value: object) -> tuple[str, bool, str, int]:
    """A server's URL → (normal form, whether TLS, host, port). Nothing may follow the port."""
    if not isinstance(value, str):
        raise BadValue(f'{show(value)} is not a URL; write "https://exch1.example.com"')
    scheme, separator, rest = value.strip().partition("://")
    if not separator:
        raise BadValue(f'a server is a URL: write "https://{value.strip()}"')
    scheme = scheme.lower()
    if scheme not in ("http", "https"):
        raise BadValue(f'the scheme must be https or http, not "{scheme}"')
    try:
        parts = urlsplit(f"{scheme}://{rest}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise BadValue(f"{show(value)} is not a URL: {error}") from None
    if parts.username is not None or parts.password is not None:
        raise BadValue("a server's URL must not contain a user name or password")
    if parts.path not in ("", "/") or parts.query or parts.fragment or "?" in rest or "#" in rest:
        raise BadValue(
            f'a server is "{scheme}://HOST[:PORT]" without a path: clients\' paths pass unchanged'
        )
    if not host or port == 0:
        raise BadValue(f"{show(value)} names no {'port' if host else 'host'} to connect to")
    host = _parse_host(f"[{host}]" if ":" in host else host)
    usual = 443 if scheme == "https" else 80
    shown = f"[{host}]" if ":" in host else host
    tail = "" if port in (None, usual) else f":{port}"
    return f"{scheme}://{shown}{tail}", scheme == "https", host, port or usual


def parse_fingerprint(value: object) -> str:
    """SHA-256 of a certificate as ``openssl x509 -fingerprint -sha256`` prints it → lower-case
    hex.
    """
    if isinstance(value, str):
        plain = re.sub(r"[\s:]", "", value.partition("=")[2] or value).lower()
        if re.fullmatch(r"[0-9a-f]{64}", plain):
            return plain
        if re.fullmatch(r"[0-9a-f]{40}", plain):
            raise BadValue("this is a SHA-1 fingerprint; give the SHA-256 one (64 hex digits)")
    raise BadValue(f"{show(value)} is not a SHA-256 fingerprint (64 hex digits, colons allowed)")


def parse_published_url(value: object) -> str:
    """An internal or external URL as it is shown to clients, e.g. ``https://mail.example.com/mapi``."""
    if not isinstance(value, str):
        raise BadValue(f'{show(value)} is not a URL; write "https://mail.example.com/mapi"')
    parts = urlsplit(value.strip())
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
        raise BadValue(f'{show(value)} is not a URL; write it like "https://mail.example.com/mapi"')
    if parts.username is not None or parts.query or parts.fragment:
        raise BadValue("a published URL is only a scheme, a host and a path")
    if not re.fullmatch(r"[!#-;=?-~]+", value.strip()):
        raise BadValue(f"{show(value)} has characters that no URL has")
    return value.strip().rstrip("/")


def parse_network(value: object) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """``"10.0.0.0/8"``, ``"2001:db8::/32"``, or one address."""
    if isinstance(value, str):
        try:
            return ipaddress.ip_network(value.strip())
        except ValueError as error:
            raise BadValue(f"{show(value)} is not a network: {error}") from None
    raise BadValue(f'{show(value)} is not a network; write it like "10.0.0.0/8"')


def parse_version(value: object) -> VersionTest:
    """``"<16.0.4266"`` or ``"unknown"``."""
    if isinstance(value, str):
        try:
            return parse_version_test(value)
        except ValueError as error:
            raise BadValue(str(error)) from None
    raise BadValue(f'{show(value)} is not a version; write it like "<16.0.4266"')


def parse_table(value: object) -> dict[str, Any]:
    """A table whose keys somebody else knows."""
    if not isinstance(value, dict):
        raise BadValue(f"must be a table, not {show(value)}")
    return value


def show(value: object) -> str:
    """A value as one would find it in the file, cut to a readable length."""
    if isinstance(value, str):
        text = f'"{value}"'
    elif isinstance(value, bool):
        text = "true" if value else "false"
    else:
        text = {"list": "a list", "dict": "a table"}.get(type(value).__name__, str(value))
    return text if len(text) <= 60 else text[:57] + "..."
