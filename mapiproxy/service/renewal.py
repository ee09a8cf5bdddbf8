"""Certificates while the proxy runs: files that change are read again, and drift is said.

Only the certificates are read again, not the configuration: somebody may be in the middle of editing that.
A pair of files that does not fit together yet (a renewal writes one after the other) is left alone until
it does.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography import x509
from twisted.internet.threads import deferToThreadPool

from mapiproxy.net.certificates import BadCertificate
from mapiproxy.net.leaf import Shown, fetch
from mapiproxy.policy.protection import Drift, Leaf
from mapiproxy.service.assembly import make_creator
from mapiproxy.settings import BackendGroup, CertificateFiles, ListenerTls, Server

if TYPE_CHECKING:
    from mapiproxy.service.front import Front
    from mapiproxy.service.service import ProxyService
    from mapiproxy.service.site import Site

#: Seconds between looks at the files, and until the first look at the servers.
FILES = 5.0
FIRST = 10.0


class Renewal:
    """The certificates of a service.

    :ivar drift: what is known of how listeners and servers agree.
    :ivar renewed: how often files have been read again.
    :ivar shown: (pool, server) to the certificate that it showed last.
    """

    def __init__(self, service: ProxyService) -> None:
        self._service = service
        self._next_files = self._next_servers = 0.0
        self._seen: dict[str, tuple[Any, ...]] = {}
        self._complained: dict[str, str] = {}
        self._fetching = False
        self.drift = Drift()
        self.renewed = 0
        self.shown: dict[tuple[str, str], x509.Certificate] = {}

    def start(self, now: float) -> None:
        """What the files are like now is what has been read."""
        for name, front in self._service.fronts.items():
            self._seen[name] = _stamp(front.listener.tls)
        self._next_files = now + FILES
        self._next_servers = now + FIRST

    def tick(self, now: float) -> None:
        """Called about once a second."""
        if now >= self._next_files:
            self._next_files = now + FILES
            self.look_at_files()
        interval = self._service.settings.health.certificates
        if now >= self._next_servers and interval and self._service.settings.health.enabled:
            self._next_servers = now + interval
            self.look_at_servers()

    def look_at_files(self) -> None:
        """Read certificates again whose files have changed."""
        for name, front in self._service.fronts.items():
            stamp = _stamp(front.listener.tls)
            if self._seen.setdefault(name, stamp) != stamp and self._renew(name, front):
                self._seen[name] = stamp
        self._service.administration.look_at_files()

    def _renew(self, name: str, front: Front) -> bool:
        log = self._service.log
        try:
            creator = make_creator(front.listener.tls)
        except (BadCertificate, OSError) as error:
            # Perhaps only half of it has been written; look again, but say it once.
            if self._complained.get(name) != str(error):
                log.warn("listener {name}: changed certificate not taken: {error}", name=name, error=error)
                self._complained[name] = str(error)
            return False
        if front.creator is not None and creator is not None:
            front.creator.become(creator)
            self.renewed += 1
            leaves = ", ".join(f"{each.fingerprint[:16]}" for each in front.creator.certificates)
            log.info("listener {name}: certificate read again, leaf {leaves}", name=name, leaves=leaves)
        self._complained.pop(name, None)
        self._next_servers = 0.0
        return True

    def look_at_servers(self) -> None:
        """Fetch what servers show, in a thread, and compare."""
        jobs = [
            (site, server)
            for site in self._service.sites.values()
            for server in site.group.servers
        ]
        if self._fetching or not jobs:
            return
        self._fetching = True

        def fetch_all() -> list[tuple[Site, Leaf, Shown]]:
            return [
                (site, Leaf(server.name, shown.fingerprint, server.tls), shown)
                for site, server in jobs
                for shown in [
                    _fetch(site.group, server) if server.tls else Shown()
                ]
            ]

        reactor = self._service.reactor
        work = deferToThreadPool(reactor, reactor.getThreadPool(), fetch_all)
        work.addCallback(self._compare)
        work.addErrback(lambda failure: self._service.log.failure("certificates of servers", failure))
        work.addBoth(self._rest)

    def _rest(self, _: object) -> None:
        self._fetching = False

    def _compare(self, found: list[tuple[Site, Leaf, Shown]]) -> None:
        if self._service.stopping:
            return
        self.drift.forget({leaf.who for _, leaf, _ in found})
        self.shown = {
            (site.group.name, leaf.who): shown.leaf
            for site, leaf, shown in found
            if shown.leaf is not None
        }
        today = time.strftime("%Y-%m-%d", time.gmtime(self._service.wall()))
        for name, front in self._service.fronts.items():
            shown = front.creator.certificates if front.creator else ()
            mine = [Leaf(name, each.fingerprint) for each in shown]
            for site, leaf, _ in found:
                if site.group.name != front.listener.backend:
                    continue
                line = self.drift.compare(name, mine, leaf, site.group.kind, today)
                if line is not None:
                    self._service.log.warn("{line}", line=line)

    def view(self) -> dict[str, Any]:
        """For status."""
        return {
            "renewed": self.renewed,
            "listeners": {
                name: [each.fingerprint for each in front.creator.certificates] if front.creator else []
                for name, front in self._service.fronts.items()
            },
            "servers": self.drift.known,
            "drift": list(self.drift.lines.values()),
        }


def _fetch(group: BackendGroup, server: Server) -> Shown:
    verify = group.verify
    return fetch(
        server.host, server.port, verify.ca, verify.fingerprint, proxy_protocol=group.proxy_protocol
    )


def _stamp(tls: ListenerTls | None) -> tuple[Any, ...]:
    """What tells that files have changed: time, size, and which file it is."""
    return tuple(look(path) for files in tls.certificates for path in _paths(files)) if tls else ()


def _paths(files: CertificateFiles) -> Iterator[Path]:
    for path in (files.certificate, files.key, files.chain, files.pkcs12, files.passphrase_file):
        if path is not None:
            yield path


def look(path: Path) -> tuple[int, int, int] | None:
    """What changes when a file does; ``None`` where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


