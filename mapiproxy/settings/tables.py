"""Which tables and keys may a configuration file have, and of what type?

The file's own shape: attribute names are the keys. Everything is optional here, so that one absent
key does not hide other problems; what must be there is asked for in
:mod:`mapiproxy.settings.building`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from attrs import Factory, field, frozen

from mapiproxy.backends.health import HealthRules
from mapiproxy.backends.kind import Kind
from mapiproxy.policy.firewall import Network, VersionTest
from mapiproxy.policy.usage import Quotas
from mapiproxy.settings.units import (
    parse_bind,
    parse_duration,
    parse_fingerprint,
    parse_network,
    parse_published_url,
    parse_size,
    parse_table,
    parse_url,
    parse_version,
)
from mapiproxy.settings.values import (
    Admin,
    Affinity,
    Bind,
    Control,
    Guard,
    Lab,
    Limits,
    Log,
    Proxy,
    Timeouts,
)

#: (normal form, whether TLS, host, port) of a server's URL.
Url = tuple[str, bool, str, int]


@frozen
class CertificateTable:
    """``[[listener.NAME.sni]]``: one more certificate."""

    certificate: Path | None = None
    key: Path | None = None
    chain: Path | None = None
    pkcs12: Path | None = None
    passphrase_file: Path | None = None
    names: tuple[str, ...] = ()


@frozen
class ListenerTable:
    """``[listener.NAME]``; the certificate's keys are for the default one."""

    bind: tuple[Bind, ...] = ()
    trusted: tuple[Network, ...] = ()
    proxy_protocol: bool = False
    backend: str | None = None
    tls: bool = True
    certificate: Path | None = None
    key: Path | None = None
    chain: Path | None = None
    pkcs12: Path | None = None
    passphrase_file: Path | None = None
    tls_minimum: Literal["1.2", "1.3"] | None = None
    tls_policy: Literal["intermediate", "modern"] = "intermediate"
    sni: tuple[CertificateTable, ...] = ()


@frozen
class ServerTable:
    """``[[backend.NAME.server]]``."""

    url: Url | None = None
    name: str | None = None
    weight: int = 100


@frozen
class FirewallTable:
    """``[[firewall]]``: one rule."""

    action: Literal["allow", "deny"] | None = None
    name: str | None = None
    network: tuple[Network, ...] = ()
    vdir: tuple[str, ...] = ()
    method: tuple[str, ...] = ()
    request_type: tuple[str, ...] = ()
    client_version: tuple[VersionTest, ...] = ()


@frozen
class VdirTable:
    """``[backend.NAME.vdir.mapi]`` and its like."""

    enabled: bool = True
    internal_url: str | None = None
    external_url: str | None = None
    iis_authentication_methods: tuple[Literal["Basic", "NTLM", "Negotiate", "OAuth"], ...] | None = None


@frozen
class BackendTable:
    """``[backend.NAME]``; ``servers`` is the short form of ``[[backend.NAME.server]]`` tables."""

    kind: Kind | None = None
    servers: tuple[Url, ...] = ()
    server: tuple[ServerTable, ...] = ()
    vdirs: tuple[str, ...] | None = None
    vdir: dict[str, VdirTable] = field(factory=dict)
    mapi_http_enabled: bool = True
    mapi_http_blocked: tuple[str, ...] = ()
    mapi_http_allowed: tuple[str, ...] = ()
    autodiscover_rewrite: bool = False
    autodiscover_homes: bool = False
    allow_ssl_offload: bool = False
    proxy_protocol: Literal["off", "v1", "v2"] = "off"
    verify: Literal["on", "off-insecure"] = "on"
    ca_file: Path | None = None
    fingerprint: tuple[str, ...] = ()


@frozen
class FileTable:
    """The whole file."""

    listener: dict[str, ListenerTable] = field(factory=dict)
    backend: dict[str, BackendTable] = field(factory=dict)
    timeouts: Timeouts = Factory(Timeouts)
    limits: Limits = Factory(Limits)
    log: Log = Factory(Log)
    proxy: Proxy = Factory(Proxy)
    health: HealthRules = Factory(HealthRules)
    affinity: Affinity = Factory(Affinity)
    control: Control = Factory(Control)
    guard: Guard = Factory(Guard)
    firewall: tuple[FirewallTable, ...] = ()
    quotas: Quotas = Factory(Quotas)
    admin: Admin = Factory(Admin)
    lab: Lab = Factory(Lab)


#: How a key's value is read where its type does not say it; ``*`` stands for every key of the
#: table.
PARSERS = {
    (ListenerTable, "trusted"): parse_network,
    (FirewallTable, "network"): parse_network,
    (FirewallTable, "client_version"): parse_version,
    (ListenerTable, "bind"): parse_bind,
    (ServerTable, "url"): parse_url,
    (BackendTable, "servers"): parse_url,
    (VdirTable, "internal_url"): parse_published_url,
    (VdirTable, "external_url"): parse_published_url,
    (BackendTable, "fingerprint"): parse_fingerprint,
    (Admin, "bind"): parse_bind,
    (Timeouts, "*"): parse_duration,
    (HealthRules, "interval"): parse_duration,
    (HealthRules, "fast"): parse_duration,
    (HealthRules, "timeout"): parse_duration,
    (HealthRules, "ejection"): parse_duration,
    (HealthRules, "certificates"): parse_duration,
    (Guard, "window"): parse_duration,
    (Lab, "device"): parse_table,
    (Limits, "head"): parse_size,
    (Log, "roll_size"): parse_size,
    (Log, "flush"): parse_duration,
    (Log, "retention"): parse_duration,
    (Log, "folder_size"): parse_size,
}

#: Keys whose value may be a list, or one element without the brackets.
ONE_OR_MANY = {
    (ListenerTable, "trusted"),
    (FirewallTable, "network"),
    (FirewallTable, "vdir"),
    (FirewallTable, "method"),
    (FirewallTable, "request_type"),
    (FirewallTable, "client_version"),
    (ListenerTable, "bind"),
    (BackendTable, "servers"),
    (BackendTable, "mapi_http_blocked"),
    (BackendTable, "mapi_http_allowed"),
    (BackendTable, "fingerprint"),
    (CertificateTable, "names"),
    (Admin, "names"),
}
