"""Where the lab's client connects to, and how a connection comes about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attrs import frozen
from twisted.internet.abstract import isIPAddress
from twisted.internet.endpoints import (
    HostnameEndpoint,
    TCP4ClientEndpoint,
    connectProtocol,
)
from twisted.internet.protocol import Protocol

from mapiproxy.lab.errors import DialFailed
from mapiproxy.lab.tls import SecureEndpoint, client_options


@frozen
class Address:
    """A server as a client knows it.

    :ivar host: where to connect; *name*: whom to expect there (TLS name and Host header).
    :ivar ca_file: the CA to trust; ``None`` for the system's.
    """

    host: str
    port: int
    name: str = "localhost"
    tls: bool = True
    ca_file: Path | None = None

    @property
    def authority(self) -> str:
        """The Host header."""
        usual = 443 if self.tls else 80
        return self.name if self.port == usual else f"{self.name}:{self.port}"

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.authority}"


async def dial(reactor: Any, address: Address, line: Protocol) -> None:
    """Connect *line*, TLS handshake included. :raise DialFailed:"""
    where = f"{address.host}:{address.port}"
    endpoint: Any
    if isIPAddress(address.host):
        endpoint = TCP4ClientEndpoint(reactor, address.host, address.port, timeout=10)
    else:
        endpoint = HostnameEndpoint(reactor, address.host, address.port, timeout=10)
    if address.tls:
        try:
            options = client_options(address.name, address.ca_file)
        except (OSError, ValueError) as error:
            raise DialFailed(f"{where}: the CA file {address.ca_file}: {error}") from error
        endpoint = SecureEndpoint(options, endpoint, reactor)
    try:
        await connectProtocol(endpoint, line)
    except Exception as error:
        raise DialFailed(f"{where}: {error or type(error).__name__}") from error
