"""What can be configured, as frozen values; times are seconds, sizes are bytes, paths are absolute.

These are what the service is built from. Must not know TOML or files: a test or the laboratory
makes them directly.
"""

from __future__ import annotations

import ipaddress
import socket
from pathlib import Path
from typing import Any

from attrs import Factory, field, frozen

from mapiproxy.backends.health import HealthRules
from mapiproxy.backends.kind import Kind
from mapiproxy.backends.vdir import MAPI, VirtualDirectory
from mapiproxy.policy.authloop import Guard as Guard  # likewise
from mapiproxy.policy.firewall import Firewall, Network
from mapiproxy.policy.mapihttp import MapiHttp
from mapiproxy.policy.published import Published
from mapiproxy.policy.rules import Timeouts as Timeouts  # values are kept where they are obeyed
from mapiproxy.policy.usage import Quotas as Quotas


def short_host_name() -> str:
    """This machine's name up to the first dot."""
    return socket.gethostname().partition(".")[0] or "localhost"


@frozen
class Bind:
    """Where to listen: an address without brackets, or a host name; port 0 is any free one."""

    host: str
    port: int

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@frozen
class CertificateFiles:
    """One certificate: PEM files, or one PKCS#12 file. One of ``certificate`` and ``pkcs12`` is
    set.

    :ivar certificate: the server's own certificate; its chain may follow in the same file.
    :ivar key: its private key; ``None`` when it is in the certificate's file.
    :ivar chain: intermediate certificates, if not in the certificate's file.
    :ivar passphrase_file: its first line opens the key or the PKCS#12 file.
    :ivar names: server names (SNI) it is for; empty: those in the certificate.
    """

    certificate: Path | None = None
    key: Path | None = None
    chain: Path | None = None
    pkcs12: Path | None = None
    passphrase_file: Path | None = None
    names: tuple[str, ...] = ()


@frozen
class ListenerTls:
    """How a listener speaks TLS; the first certificate is for clients that name no other."""

    certificates: tuple[CertificateFiles, ...]
    minimum: str = "1.2"
    policy: str = "intermediate"


@frozen
class Listener:
    """Where clients come in; ``tls`` is ``None`` for plain HTTP, ``backend`` names a group.

    :ivar trusted: networks of proxies before us.
    :ivar proxy_protocol: they begin each connection with a PROXY header, and nobody else may connect.
    """

    name: str
    bind: tuple[Bind, ...]
    tls: ListenerTls | None
    backend: str
    trusted: tuple[Network, ...] = ()
    proxy_protocol: bool = False


@frozen
class Server:
    """One server of a group; ``weight`` is its share of new mailboxes, 0 for none."""

    name: str
    url: str
    host: str
    port: int
    tls: bool
    weight: int = 100


@frozen
class Verify:
    """How a backend's certificate is verified: by ``ca`` (``None``: the system's) or, if there are
    any, by pinned SHA-256 ``fingerprint``\\ s in lower-case hex; not at all when ``off``.
    """

    ca: Path | None = None
    fingerprint: tuple[str, ...] = ()
    off: bool = False


@frozen
class BackendGroup:
    """Servers of one kind that publish the same virtual directories.

    :ivar mapi_http: whether mailboxes may use MAPI/HTTP.
    :ivar allow_ssl_offload: plain http to Exchange is meant.
    :ivar proxy_protocol: ``v1`` or ``v2`` of the header that connections begin with, or ``off``.
    :ivar published: what is done to answers of Autodiscover.
    """

    name: str
    kind: Kind
    servers: tuple[Server, ...]
    vdirs: tuple[VirtualDirectory, ...] = (MAPI,)
    verify: Verify = Verify()
    mapi_http: MapiHttp = field(factory=MapiHttp)
    allow_ssl_offload: bool = False
    proxy_protocol: str = "off"
    published: Published = field(factory=Published)


@frozen
class Limits:
    """``head``: bytes of a request's or answer's head (Kerberos tickets are large);
    ``connections``: client connections at a time.
    """

    head: int = 131_072
    connections: int = 20_000


@frozen
class Log:
    """The HttpProxy log, and what a back end would log.

    :ivar directory: gets a folder per protocol (``Mapi``) with hourly files.
    :ivar server_name: the ServerHostName column.
    :ivar version: the Exchange version that the log claims to be of; it decides the columns.
    :ivar bare_header: whether the first line is the list of fields without ``#Fields:``.
    :ivar bom: whether files begin with a UTF-8 byte order mark.
    :ivar roll_size: bytes after which a new file is begun within the hour.
    :ivar flush: seconds that a line may wait in memory.
    :ivar retention: seconds after which a file is removed.
    :ivar folder_size: bytes of a folder beyond which its oldest files are removed.
    :ivar mapi_client_access: whether ``MAPI Client Access`` is written, ``mapi_address_book`` whether
        ``MAPI AddressBook Service`` is.
    """

    enabled: bool = True
    directory: Path = Path("/var/log/mapiproxy")
    server_name: str = Factory(lambda: short_host_name().upper())
    version: str = "15.02.2562.045"
    bare_header: bool = True
    bom: bool = False
    roll_size: int = 10_000_000
    flush: float = 1.0
    retention: float = 30 * 86400.0
    folder_size: int = 1_000_000_000
    mapi_client_access: bool = False
    mapi_address_book: bool = False


@frozen
class Proxy:
    """This proxy itself; ``name`` stands in its own answers."""

    name: str = Factory(short_host_name)


@frozen
class Affinity:
    """``key_file``: a key in each line, shared by all nodes, for the route cookie; ``None``: no cookie."""

    key_file: Path | None = None


@frozen
class Control:
    """``socket``: where ``mapiproxy status`` and its like find this process; ``None``: nowhere."""

    socket: Path | None = None


@frozen
class Lab:
    """Devices of the laboratory before listeners of this very proxy: off, unless it is *enabled* here and
    ``mapiproxy run --lab`` says so as well.

    :ivar device: as written; what they mean is the laboratory's business (mapiproxy.lab.network).
    """

    enabled: bool = False
    device: tuple[dict[str, Any], ...] = ()


@frozen
class Admin:
    """The status page; each of ``token_file`` and ``client_ca`` that is given is asked for.

    :ivar bind: ``None``: there is no such page.
    :ivar names: host names that it may be asked for by, in lower case, beside its address.
    :ivar token_file: a token in each line.
    :ivar client_ca: who issues the certificates that clients must show.
    :ivar certificate: its own, chain included, in PEM; ``None`` for plain HTTP.
    :ivar key: its private key; ``None`` when it is in the certificate's file.
    :ivar read_only: nothing can be ordered there.
    """

    bind: Bind | None = None
    names: tuple[str, ...] = ()
    token_file: Path | None = None
    client_ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    read_only: bool = False

    @property
    def url(self) -> str | None:
        """Where a person finds it."""
        if self.bind is None:
            return None
        return f"{'https' if self.certificate else 'http'}://{self.bind}/"


@frozen
class Settings:
    """A whole configuration, checked: names refer to what exists, nothing collides."""

    listeners: tuple[Listener, ...]
    backends: tuple[BackendGroup, ...]
    timeouts: Timeouts = field(factory=Timeouts)
    limits: Limits = field(factory=Limits)
    log: Log = field(factory=Log)
    proxy: Proxy = field(factory=Proxy)
    health: HealthRules = field(factory=HealthRules)
    affinity: Affinity = field(factory=Affinity)
    control: Control = field(factory=Control)
    guard: Guard = field(factory=Guard)
    firewall: Firewall = field(factory=Firewall)
    quotas: Quotas = field(factory=Quotas)
    admin: Admin = field(factory=Admin)
    lab: Lab = field(factory=Lab)

    def backend(self, name: str) -> BackendGroup:
        """The group of that name; KeyError where there is none."""
        return {group.name: group for group in self.backends}[name]
