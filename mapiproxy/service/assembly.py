"""Builds the parts of a service from settings: pools, endpoints, TLS, log. Starts nothing.

What can be wrong with a file or a certificate shows here, before anything that runs is touched; that is
what makes it possible to refuse a reload (complaint 44).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from ipaddress import ip_address
from itertools import count
from typing import Any

from twisted.internet.endpoints import (
    HostnameEndpoint,
    TCP4ClientEndpoint,
    TCP6ClientEndpoint,
)
from twisted.internet.interfaces import IStreamClientEndpoint

from mapiproxy.backends.fleet import Backend, Pool
from mapiproxy.backends.vdir import MAPI, VirtualDirectory
from mapiproxy.net.certificates import CertificateSource, load_certificate, parse_fingerprint
from mapiproxy.net.frontdoor import FrontDoors
from mapiproxy.net.logfile import HttpProxyLog
from mapiproxy.net.logretention import Retention
from mapiproxy.net.prelude import AnnouncedEndpoint
from mapiproxy.net.tls import ListenerCreator, Policy, SecureEndpoint, secure_factory
from mapiproxy.net.trust import BackendCreator, Trust
from mapiproxy.policy.routecookie import RouteKeys
from mapiproxy.record.columns import LogIdentity
from mapiproxy.record.ledger import Ledger
from mapiproxy.record.opening import open_ledger
from mapiproxy.record.rca import make_address_book, make_client_access
from mapiproxy.settings import (
    Affinity,
    BackendGroup,
    CertificateFiles,
    ListenerTls,
    Log,
    Server,
    read_keys,
    read_passphrase,
)
from mapiproxy.wire.heads import RequestHead


def make_backend(server: Server, group: BackendGroup, vdir: VirtualDirectory = MAPI) -> Backend:
    """A virtual directory of a server, as rules see it."""
    return Backend(
        server.name, server.host, server.port, server.tls, group.kind, server.weight, vdir=vdir.name
    )


def make_pool(group: BackendGroup, vdir: VirtualDirectory = MAPI) -> Pool:
    """A virtual directory of a group of servers, as rules see it."""
    backends = tuple(make_backend(server, group, vdir) for server in group.servers)
    return Pool(group.name, group.kind, backends, vdir)


def make_endpoints(group: BackendGroup, reactor: Any) -> dict[str, IStreamClientEndpoint]:
    """Server name to where it is reached, TLS and its verification included.

    :raise BadCertificate: the authorities' file cannot be used.
    """
    pins: Any = [parse_fingerprint(text) for text in group.verify.fingerprint]
    trust = Trust(group.verify.ca, pins, group.verify.off)
    endpoints = {}
    for server in group.servers:
        endpoint = _tcp(reactor, server.host, server.port)
        creator = BackendCreator(server.host, trust)
        secure = partial(SecureEndpoint, creator, clock=reactor) if server.tls else None
        if group.proxy_protocol != "off":
            endpoint = AnnouncedEndpoint(endpoint, group.proxy_protocol, secure)
        elif secure is not None:
            endpoint = secure(endpoint)
        endpoints[server.name] = endpoint
    return endpoints


def _tcp(reactor: Any, host: str, port: int) -> IStreamClientEndpoint:
    """Addresses are dialled as they are, without a trip to the resolver's threads."""
    try:
        version = ip_address(host).version
    except ValueError:
        return HostnameEndpoint(reactor, host, port)
    return (TCP4ClientEndpoint if version == 4 else TCP6ClientEndpoint)(reactor, host, port)


def make_creator(tls: ListenerTls | None) -> ListenerCreator | None:
    """The listener's side of TLS; ``None`` for a plain one.

    :raise BadCertificate: a certificate cannot be used.
    """
    if tls is None:
        return None
    certificates = [load_certificate(_source(files)) for files in tls.certificates]
    return ListenerCreator(certificates, Policy(tls.policy), tls.minimum)


def _source(files: CertificateFiles) -> CertificateSource:
    return CertificateSource(
        certificate=files.certificate,
        key=files.key,
        chain=files.chain,
        pkcs12=files.pkcs12,
        passphrase=read_passphrase(files.passphrase_file) if files.passphrase_file else None,
        names=files.names,
    )


def wrap(creator: ListenerCreator | None, doors: FrontDoors, clock: Any) -> Any:
    """The factory that a port gets: with TLS in front unless the listener is a plain one."""
    if creator is None:
        return doors
    return secure_factory(creator, False, doors, clock)


def make_log(
    log: Log,
    reactor: Any,
    wall: Callable[[], float] = time.time,
    clock: Callable[[], float] = time.monotonic,
) -> HttpProxyLog | None:
    """The HttpProxy log, not started; ``None`` when there is to be none."""
    if not log.enabled:
        return None
    identity = LogIdentity(log.server_name, log.version)
    also = []
    if log.mapi_client_access:
        also.append(make_client_access(identity))
    if log.mapi_address_book:
        also.append(make_address_book(identity))
    return HttpProxyLog(
        log.directory,
        identity,
        reactor=reactor,
        wall=wall,
        clock=clock,
        bare_header=log.bare_header,
        bom=log.bom,
        roll_size=log.roll_size,
        flush=log.flush,
        retention=Retention(log.retention, log.folder_size),
        also=also,
    )


def read_route_keys(affinity: Affinity) -> RouteKeys | None:
    """The keys of the route cookie; ``None`` when there is to be none. Raises OSError."""
    if affinity.key_file is None:
        return None
    return RouteKeys(read_keys(affinity.key_file))


def make_ledger_opener(wall: Callable[[], float]) -> Callable[[float, RequestHead | None, str, int], Ledger]:
    """Ledgers with ids of their own: random for each process, counted within it."""
    noise = os.urandom(8).hex()
    prefix = f"{noise[:8]}-{noise[8:12]}-4{noise[12:15]}-8{noise[13:16]}-"
    number = count(int.from_bytes(os.urandom(4), "big"))

    def opener(now: float, head: RequestHead | None, ip: str, port: int) -> Ledger:
        return open_ledger(f"{prefix}{next(number):012x}", now, wall(), head, ip, port)

    return opener
