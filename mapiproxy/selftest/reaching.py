"""Name, TCP, TLS: the way to the server, walked stage by stage, and then again for each connection.

Says where the way ends and why that may be. Knows nothing of HTTP.
"""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

from cryptography.x509 import Certificate
from twisted.internet.endpoints import (
    TCP4ClientEndpoint,
    TCP6ClientEndpoint,
    connectProtocol,
    wrapClientTLS,
)
from twisted.internet.error import ConnectError, ConnectionRefusedError, NoRouteError, TimeoutError
from twisted.internet.threads import deferToThread

from mapiproxy.lab.dialing import Address
from mapiproxy.lab.errors import DialFailed
from mapiproxy.lab.line import ClientLine
from mapiproxy.net.certificates import BadCertificate, find_names, is_covered
from mapiproxy.net.tls import describe_tls_failure
from mapiproxy.net.trust import BackendCreator, Trust
from mapiproxy.selftest.target import Target
from mapiproxy.selftest.trail import Grade, Stage, Trail, Trouble

#: A certificate that ends within so many days is worth a warning.
SOON = 30
#: More addresses of a name are not tried.
_MOST = 8

Resolve = Callable[[str, int], Awaitable[list[str]]]

#: What OpenSSL says, and what it means to somebody who wants to read mail.
_TLS_REASONS = {
    "wrong version number": "what listens there does not speak TLS",
    "packet length too long": "what listens there does not speak TLS",
    "record layer failure": "what listens there does not speak TLS",
    "http request": "what listens there does not speak TLS",
    "no application protocol": "the server wants HTTP/2 only, and MAPI over HTTP is HTTP/1.1",
    "unsupported protocol": "the server speaks nothing newer than TLS 1.1",
    "protocol version": "the server does not speak a version of TLS that is fit for use (1.2, 1.3)",
    "unrecognized name": "the server knows no site of that name",
    "certificate required": "the server wants a client certificate, which Outlook does not send",
    "closed in mid-handshake": "something does not like the name that is asked for, or there is no TLS",
}


async def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, as this machine knows them. :raise OSError:"""
    found = await deferToThread(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


class Route:
    """How a target is reached; :meth:`walk` comes first.

    :ivar address: where it was reached.
    :ivar certificate: the one that was shown there.
    :ivar connections: made so far.
    """

    def __init__(
        self, reactor: Any, target: Target, trust: Trust, patience: float, resolve: Resolve = resolve
    ) -> None:
        self.target = target
        self.address = ""
        self.certificate: Certificate | None = None
        self.connections = 0
        self._reactor = reactor
        self._trust = trust
        self._patience = patience
        self._resolve = resolve
        self._creator: BackendCreator | None = None

    @property
    def place(self) -> Address:
        """The target as the lab's client knows it; :meth:`dial` is what connects."""
        return Address(self.target.host, self.target.port, self.target.host, self.target.tls)

    async def walk(self, trail: Trail) -> ClientLine:
        """Stages DNS, TCP and TLS; returns a connection that stands. :raise Trouble:"""
        host, port = self.target.reach or (self.target.host, self.target.port)
        with trail.stage("DNS") as stage:
            addresses = await self._look_up(trail, host, port)
            stage.text = f"{host} is {', '.join(addresses)}" if addresses != [host] else f"{host}, as given"
        with trail.stage("TCP") as stage:
            line = await self._try_each(trail, addresses, port, stage)
        if self.target.tls:
            with trail.stage("TLS") as stage:
                await self._secure(trail, line, stage)
        return line

    async def dial(self, reactor: Any, address: Address, line: ClientLine) -> None:
        """Connect *line* on the way that was found. :raise DialFailed:"""
        self.connections += 1
        try:
            await self._connect(self.address, line)
        except Exception as error:
            raise DialFailed(f"{_why_tcp(error, self._where(self.address), self._patience)}") from error
        if self.target.tls:
            failure = await line.secured
            if failure is not None:
                raise DialFailed(f"TLS: {_why_tls(failure)}") from failure

    async def open(self) -> ClientLine:
        """One more connection. :raise DialFailed:"""
        line = ClientLine(self.connections + 1, self._reactor, self._patience)
        await self.dial(self._reactor, self.place, line)
        return line

    async def _look_up(self, trail: Trail, host: str, port: int) -> list[str]:
        try:
            return [str(ip_address(host))]
        except ValueError:
            pass

        async def ask() -> list[str]:
            return list(await self._resolve(host, port))[:_MOST]

        try:
            addresses = await trail.within(ask(), f"an address of {host}")
        except (OSError, UnicodeError) as error:
            text = getattr(error, "strerror", None) or error
            why = "the name is not known to this machine's DNS; --connect-to HOST:PORT tests it all the same"
            raise Trouble(f"no address of {host} ({text}): {why}", Grade.UNKNOWN) from error
        if not addresses:
            raise Trouble(f"{host} has no address", Grade.UNKNOWN)
        return addresses

    async def _try_each(self, trail: Trail, addresses: list[str], port: int, stage: Stage) -> ClientLine:
        """The first address that answers; those before it are worth a warning."""
        failures: list[tuple[str, Exception]] = []
        for address in addresses:
            self.address = address
            self.connections += 1
            line = ClientLine(self.connections, self._reactor, self._patience)
            try:
                await self._connect(address, line)
            except BadCertificate as error:
                raise Trouble(str(error), Grade.UNKNOWN) from error
            except Exception as error:
                failures.append((_why_tcp(error, self._where(address), self._patience), error))
                continue
            stage.text = f"connected to {self._where(address)}"
            for text, _ in failures:
                stage.warn(f"{text}; clients that try it first are slow")
            return line
        raise Trouble("; ".join(text for text, _ in failures)) from failures[0][1]

    def _where(self, address: str) -> str:
        port = (self.target.reach or (self.target.host, self.target.port))[1]
        return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"

    async def _connect(self, address: str, line: ClientLine) -> None:
        port = (self.target.reach or (self.target.host, self.target.port))[1]
        make = TCP6ClientEndpoint if ":" in address else TCP4ClientEndpoint
        endpoint: Any = make(self._reactor, address, port, timeout=self._patience)
        if self.target.tls:
            if self._creator is None:
                self._creator = BackendCreator(self.target.host, self._trust)
            endpoint = wrapClientTLS(self._creator, endpoint)
        await connectProtocol(endpoint, line)

    async def _secure(self, trail: Trail, line: ClientLine, stage: Stage) -> None:
        async def handshake() -> BaseException | None:
            return await line.secured

        try:
            failure = await trail.within(handshake(), "the server's part of the TLS handshake")
        except Trouble as trouble:
            line.abort()
            why = "what listens there does not speak TLS, or something on the way swallows it"
            raise Trouble(f"{trouble.text}: {why}") from trouble
        if failure is not None:
            raise Trouble(_why_tls(failure)) from failure
        certificate = self.certificate = line.certificate
        assert certificate is not None, "a handshake shows a certificate"
        names = ", ".join(find_names(certificate)[:8]) or "no name"
        ends = certificate.not_valid_after_utc
        stage.text = f"certificate for {names}, until {ends:%Y-%m-%d}"
        days = (ends - datetime.fromtimestamp(self._reactor.seconds(), UTC)).days
        if self._trust.off:
            stage.text = f"NOT VERIFIED (--insecure): {stage.text}"
            if not is_covered(self.target.host, find_names(certificate)):
                stage.warn(f"the certificate is for {names}, not for {self.target.host}")
            if days < 0:
                stage.warn(f"the certificate expired on {ends:%Y-%m-%d}")
        if 0 <= days < SOON:
            stage.warn(f"the certificate expires in {days} days, on {ends:%Y-%m-%d}")


def _why_tcp(error: Exception, where: str, patience: float) -> str:
    if isinstance(error, ConnectionRefusedError):
        return f"{where} refuses connections: nothing listens there, or a firewall says no"
    if isinstance(error, TimeoutError):
        return f"{where} does not answer within {patience:g} s: a firewall drops it, or nobody is there"
    if isinstance(error, NoRouteError):
        return f"there is no way from here to {where}"
    text = error.args[-1] if isinstance(error, ConnectError) and error.args else error
    return f"{where}: {text or type(error).__name__}"


def _why_tls(failure: BaseException) -> str:
    text = describe_tls_failure(failure).removeprefix("TLS: ")
    if text.startswith("certificate is for "):
        return f"the {text.replace(', wanted ', ', not ')}"
    if text.startswith("certificate of "):
        strange = "unknown CA" in text or "self-signed" in text
        hint = "; is an intermediate certificate left out? --ca-file names another CA to trust"
        return f"the {text}{hint if strange else ''}"
    if "Connection" in type(failure).__name__:
        text = "closed in mid-handshake"
    for sign, meaning in _TLS_REASONS.items():
        if sign in text.lower():
            return f"{meaning} ({text})"
    return text
