"""From a file's tables to settings: what must be there, what refers to what, what collides.

Every rule that looks at more than one key is here. Files are looked at in
:mod:`mapiproxy.settings.files`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from mapiproxy.backends.kind import Kind
from mapiproxy.policy.mapihttp import MapiHttp
from mapiproxy.settings import files
from mapiproxy.settings.administering import check_admin, check_binds
from mapiproxy.settings.guarding import build_firewall, check_quotas
from mapiproxy.settings.problems import KeyPath, Problems, meant
from mapiproxy.settings.publishing import build_published, build_vdirs
from mapiproxy.settings.recording import check_log
from mapiproxy.settings.tables import (
    BackendTable,
    CertificateTable,
    FileTable,
    ListenerTable,
    Url,
)
from mapiproxy.settings.values import (
    BackendGroup,
    CertificateFiles,
    Listener,
    ListenerTls,
    Server,
    Settings,
    Verify,
)

# Names stand in log lines (no commas or blanks there) and, later, in commands.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]*|\[[0-9a-f:.]+\](:\d+)?")
_WEIGHTS = range(1001)
_GROMMUNIO_IDLE = 180.0  # seconds after which grommunio closes a kept connection


def build_settings(table: FileTable, problems: Problems) -> Settings:
    """Settings from tables; meaningless where ``problems`` holds errors afterwards."""
    if not table.listener:
        problems.missing(("listener",), "no [listener.NAME] table: nothing would listen")
    if not table.backend:
        problems.missing(("backend",), "no [backend.NAME] table: there is nobody to ask")
    backends = tuple(_group(name, each, problems) for name, each in table.backend.items())
    listeners = tuple(
        _listener(name, each, tuple(table.backend), problems)
        for name, each in table.listener.items()
    )
    check_binds(table.listener, table.admin, problems)
    check_admin(table.admin, problems)
    used = {listener.backend for listener in listeners}
    for name in table.backend:
        if table.listener and name not in used:
            problems.warning(("backend", name), "no listener uses this backend")
    _check_rest(table, problems)
    return Settings(
        listeners=listeners,
        backends=backends,
        timeouts=table.timeouts,
        limits=table.limits,
        log=table.log,
        proxy=table.proxy,
        health=table.health,
        affinity=table.affinity,
        control=table.control,
        guard=table.guard,
        firewall=build_firewall(table.firewall, problems),
        quotas=table.quotas,
        admin=table.admin,
        lab=table.lab,
    )


def _listener(
    name: str, table: ListenerTable, groups: Sequence[str], problems: Problems
) -> Listener:
    path: KeyPath = ("listener", name)
    _check_name(name, path, problems)
    if not table.bind:
        problems.missing((*path, "bind"), 'missing; write for example bind = "0.0.0.0:443"')
    backend = table.backend
    if backend is not None and backend not in groups:
        problems.error(
            (*path, "backend"), f"there is no [backend.{backend}]{meant(backend, groups)}"
        )
    elif backend is None and len(groups) > 1:
        names = ", ".join(groups)
        problems.missing((*path, "backend"), f"missing; name one of the backends: {names}")
    if table.proxy_protocol and not table.trusted:
        problems.missing((*path, "trusted"), "missing: with proxy_protocol nobody else may connect")
    return Listener(
        name,
        table.bind,
        _tls(path, table, problems),
        backend or "".join(groups[:1]),
        table.trusted,
        table.proxy_protocol,
    )


def _tls(path: KeyPath, table: ListenerTable, problems: Problems) -> ListenerTls | None:
    if not table.tls:
        for key in ("certificate", "key", "chain", "pkcs12", "passphrase_file", "sni"):
            if getattr(table, key):
                problems.error((*path, key), "has no meaning with tls = false")
        return None
    if table.tls_policy == "modern" and table.tls_minimum == "1.2":
        problems.error((*path, "tls_minimum"), 'the policy "modern" begins at TLS 1.3')
    default = CertificateTable(
        table.certificate, table.key, table.chain, table.pkcs12, table.passphrase_file
    )
    certificates = [_certificate(path, default, problems)]
    seen: dict[str, int] = {}
    for number, each in enumerate(table.sni):
        place = (*path, "sni", number)
        certificates.append(_certificate(place, each, problems))
        for at, name in enumerate(each.names):
            known = seen.setdefault(name.lower(), number)
            if known != number:
                problems.error((*place, "names", at), f'"{name}" is in sni[{known}] already')
    minimum = table.tls_minimum or ("1.3" if table.tls_policy == "modern" else "1.2")
    return ListenerTls(tuple(certificates), minimum, table.tls_policy)


def _certificate(path: KeyPath, table: CertificateTable, problems: Problems) -> CertificateFiles:
    if table.pkcs12 and (table.certificate or table.key):
        problems.error((*path, "pkcs12"), "give either pkcs12 or certificate and key, not both")
    elif not table.pkcs12 and not table.certificate and (*path, "pkcs12") not in problems.quiet:
        plain = ", or tls = false" if "sni" not in path else ""
        problems.missing(
            (*path, "certificate"), f"missing; give certificate and key, or pkcs12{plain}"
        )
    for key in ("certificate", "key", "chain", "pkcs12", "passphrase_file"):
        files.check_readable((*path, key), getattr(table, key), problems)
    return CertificateFiles(
        table.certificate,
        table.key,
        table.chain,
        table.pkcs12,
        table.passphrase_file,
        tuple(name.lower() for name in table.names),
    )


def _group(name: str, table: BackendTable, problems: Problems) -> BackendGroup:
    path: KeyPath = ("backend", name)
    _check_name(name, path, problems)
    if table.kind is None:
        problems.missing((*path, "kind"), 'missing; write kind = "exchange" or "grommunio"')
    kind = table.kind or Kind.EXCHANGE
    servers = _servers(path, table, kind, problems)
    vdirs = build_vdirs(path, table, kind, problems)
    off = table.verify == "off-insecure"
    for key in ("ca_file", "fingerprint"):
        if getattr(table, key) and off:
            problems.error((*path, key), 'has no meaning with verify = "off-insecure"')
        elif getattr(table, key) and servers and not any(server.tls for server in servers):
            problems.warning((*path, key), "has no meaning: every server of this backend is http")
    if off and any(server.tls for server in servers):
        problems.warning((*path, "verify"), "anybody on the way can pretend to be this backend")
    if table.ca_file and table.fingerprint:
        problems.error((*path, "fingerprint"), "give either ca_file or fingerprint, not both")
    files.check_readable((*path, "ca_file"), table.ca_file, problems)
    verify = Verify(table.ca_file, table.fingerprint, off)
    mapi_http = MapiHttp(
        table.mapi_http_enabled,
        tuple(each.lower() for each in table.mapi_http_blocked),
        tuple(each.lower() for each in table.mapi_http_allowed),
    )
    for number, each in enumerate(mapi_http.allowed):
        if each in mapi_http.blocked:
            problems.error((*path, "mapi_http_allowed", number), f'"{each}" is blocked as well')
    published = build_published(path, table, vdirs, problems)
    return BackendGroup(
        name,
        kind,
        servers,
        vdirs,
        verify,
        mapi_http,
        table.allow_ssl_offload,
        table.proxy_protocol,
        published,
    )


def _servers(
    path: KeyPath, table: BackendTable, kind: Kind, problems: Problems
) -> tuple[Server, ...]:
    entries: list[tuple[KeyPath, Url, str | None, int]] = []
    for number, short in enumerate(table.servers):
        entries.append(((*path, "servers", number), short, None, 100))
    for number, each in enumerate(table.server):
        place = (*path, "server", number)
        if each.url is None:
            problems.missing((*place, "url"), 'missing; write url = "https://exch1.example.com"')
            continue
        if each.weight not in _WEIGHTS:
            problems.error((*place, "weight"), "must be from 0 (no new mailboxes) to 1000")
        entries.append((place, each.url, each.name, each.weight))
    if not table.servers and not table.server and (*path, "server") not in problems.quiet:
        problems.missing((*path, "servers"), 'missing; servers = ["https://exch1.example.com"]')
    if entries and not any(weight for *_, weight in entries):
        problems.warning(path, "every server has weight 0: no mailbox could be placed")
    hosts = [url[2] for _, url, *_ in entries]
    servers: list[Server] = []
    urls: dict[str, str] = {}
    for place, (url, tls, host, port), given, weight in entries:
        # Two servers on one host (a laboratory) are told apart by their ports.
        shown = f"[{host}]" if ":" in host else host
        name = given or (f"{shown}:{port}" if hosts.count(host) > 1 else shown)
        at = (*place, "name") if given else place
        _check_name(name, at, problems)
        if url in urls:
            problems.error(place, f'{url} is the server "{urls[url]}" already')
        elif any(name.lower() == server.name.lower() for server in servers):
            problems.error(at, f'another server of this backend is called "{name}"')
        urls.setdefault(url, name)
        if not tls and kind is Kind.EXCHANGE:
            said = (
                "plain http to Exchange is SSL offload: Extended Protection, on by default since "
                "Exchange 2019 CU14, rejects it, and passwords and mail cross the network unprotected"
            )
            if table.allow_ssl_offload:
                problems.warning(place, said)
            else:
                problems.error(place, f"{said}; if it is off there and meant so: allow_ssl_offload = true")
        servers.append(Server(name, url, host, port, tls, weight))
    return tuple(servers)


def _check_rest(table: FileTable, problems: Problems) -> None:
    grommunio = any(each.kind is Kind.GROMMUNIO for each in table.backend.values())
    if grommunio and table.timeouts.backend_idle >= _GROMMUNIO_IDLE:
        problems.warning(
            ("timeouts", "backend_idle"),
            "grommunio closes kept connections after 3m: requests would meet closed ones",
        )
    if not 4096 <= table.limits.head <= 16 * 2**20:
        problems.error(("limits", "head"), "must be from 4KiB to 16MiB")
    if table.limits.connections < 1:
        problems.error(("limits", "connections"), "must be at least 1")
    check_log(table.log, problems)
    if not re.fullmatch(r"[!-~]+", table.proxy.name):
        problems.error(("proxy", "name"), "must be plain letters without blanks")
    for key in ("rise", "fall"):
        if getattr(table.health, key) < 1:
            problems.error(("health", key), "must be at least 1")
    check_quotas(table, problems)
    if table.health.outliers < 0:
        problems.error(("health", "outliers"), "must be 0 (never) or more")
    files.check_key_file(("affinity", "key_file"), table.affinity.key_file, problems)
    if table.control.socket is not None:
        files.check_socket(("control", "socket"), table.control.socket, problems)


def _check_name(name: str, path: KeyPath, problems: Problems) -> None:
    if not _NAME.fullmatch(name):
        problems.error(path, f'"{name}" is no name: use letters, digits, ".", "_", "-"')
