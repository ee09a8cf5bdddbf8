"""Where the lab's client connects to, and how a connection comes about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attrs import frozen
from twisted.internet.abstract import isIPAddress
from twisted.internet.endpoints import (
    HostnameEndpoint,
    TCP4ClientEndpoint,
)
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, Protocol

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


class _One(Factory):
    """For one connection. Twisted's connectProtocol makes a class each time, which adds up in a crowd."""

    noisy = False

    def __init__(self, line: Protocol) -> None:
        self._line = line

    def buildProtocol(self, addr: IAddress | None) -> Protocol:
        return self._line


#: How long a connection may take to come about, in seconds.
LIMIT = 10.0


def tls_for(address: Address) -> Any:
    """What a client of this address checks, to be used for many connections. :raise DialFailed:"""
    try:
        return client_options(address.name, address.ca_file)
    except (OSError, ValueError) as error:
        where = f"{address.host}:{address.port}"
        raise DialFailed(f"{where}: the CA file {address.ca_file}: {error}") from error


async def dial(
    reactor: Any, address: Address, line: Protocol, *, source: str | None = None, tls: Any = None
) -> None:
    """Connect *line*. :raise DialFailed:

    :param source: the address to come from; ``None``: whichever the system takes.
    :param tls: as :func:`tls_for` gave it; ``None``: made anew.
    """
    where = f"{address.host}:{address.port}"
    endpoint: Any
    binding = None if source is None else (source, 0)
    if isIPAddress(address.host):
        endpoint = TCP4ClientEndpoint(
            reactor, address.host, address.port, timeout=LIMIT, bindAddress=binding
        )
    else:
        endpoint = HostnameEndpoint(reactor, address.host, address.port, timeout=LIMIT, bindAddress=binding)
    if address.tls:
        endpoint = SecureEndpoint(tls or tls_for(address), endpoint, reactor)
    try:
        await endpoint.connect(_One(line))
    except Exception as error:
        raise DialFailed(f"{where}: {error or type(error).__name__}") from error
