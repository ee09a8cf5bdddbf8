"""The status page of a service: where it listens, with what, and how a reload changes that.

What can fail is done in :meth:`Administration.prepare`, beside what runs; :meth:`Administration.switch` only
switches.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from attrs import frozen
from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.defer import Deferred

from mapiproxy.admin.access import Tokens
from mapiproxy.admin.door import AdminDoor
from mapiproxy.admin.gate import Keys
from mapiproxy.net.certificates import BadCertificate, CertificateSource, load_certificate, read_certificates
from mapiproxy.net.tls import ListenerCreator
from mapiproxy.service.renewal import look
from mapiproxy.settings import Admin, read_keys
from mapiproxy.settings.files import LEAST_KEY

if TYPE_CHECKING:
    from mapiproxy.service.service import ProxyService


@frozen
class Prepared:
    """What has been read and bound for a page; ``door`` is ``None`` where the old one can stay."""

    keys: Keys
    creator: ListenerCreator | None
    door: AdminDoor | None


class Administration:
    """The page, or none.

    :ivar door: what listens.
    """

    def __init__(self, service: ProxyService) -> None:
        self._service = service
        self._admin = Admin()
        self.door: AdminDoor | None = None
        self._ended: list[Deferred[Any]] = []
        self._seen: tuple[object, ...] = ()

    def look_at_files(self) -> None:
        """Read certificates and tokens again if their files have changed; what is no good is not taken."""
        if self.door is None or self._seen == (stamp := _stamp(self._admin)):
            return
        self._seen = stamp
        try:
            prepared = self.prepare(self._admin)
        except (BadCertificate, OSError) as error:
            self._service.log.warn("status page: changed files not taken: {error}", error=error)
            return
        self.switch(self._admin, prepared)
        self._service.log.info("status page: files read again")

    def prepare(self, admin: Admin) -> Prepared | None:
        """What *admin* asks for; ``None`` for no page.

        :raise BadCertificate: a certificate cannot be used.
        :raise OSError: a file cannot be read.
        :raise CannotListenError: the address is taken.
        """
        bind = admin.bind
        if bind is None:
            return None
        keys, creator = make_keys(admin), make_admin_creator(admin)
        if self.door is not None and self._admin.bind == bind:
            if (creator is None) == (self.door.creator is None):
                return Prepared(keys, creator, None)
            raise OSError(f"admin: {bind} cannot change between http and https while it runs")
        service = self._service
        door = AdminDoor(
            service.orders.answer,
            service.metrics_later,
            keys,
            creator,
            service.log,
            service.clock,
            os.urandom,
        )
        door.listen(bind.host, bind.port, service.reactor)
        return Prepared(keys, creator, door)

    def switch(self, admin: Admin, prepared: Prepared | None) -> list[str]:
        """From now on it is like that; what changed, in words."""
        said = ["[admin] changed"] if self._admin != admin else []
        self._admin, self._seen = admin, _stamp(admin)
        if prepared is not None and prepared.door is None and self.door is not None:
            self.door.gate.keys = prepared.keys
            if self.door.creator is not None and prepared.creator is not None:
                before = self.door.creator.authorities
                self.door.creator.become(prepared.creator)
                if before != prepared.creator.authorities:
                    # Whoever is connected was let in by those of before. The answer to an order leaves first.
                    self._service.reactor.callLater(0, self.door.end_all)
            return said
        if self.door is not None:
            self._ended.append(self.door.stop())
        self.door = prepared.door if prepared is not None else None
        if self.door is not None and self.door.port is not None:
            scheme = "https" if self.door.creator is not None else "http"
            bound = self.door.port.getHost()
            self._service.log.info("status page: {scheme} on {bound}", scheme=scheme, bound=bound)
        return said

    async def stop(self) -> None:
        """Listen no more."""
        door, self.door = self.door, None
        if door is not None:
            self._ended.append(door.stop())
        for each in self._ended:
            await each


def _stamp(admin: Admin) -> tuple[object, ...]:
    """What tells that files have changed."""
    paths = (admin.certificate, admin.key, admin.client_ca, admin.token_file)
    return tuple(look(path) for path in paths if path is not None)


def make_keys(admin: Admin) -> Keys:
    """Who may come in.

    :raise OSError: the tokens cannot be read, or there are none. An empty file opens nothing.
    """
    tokens = Tokens()
    if admin.token_file is not None:
        found = read_keys(admin.token_file)
        if not found or min(map(len, found)) < LEAST_KEY:
            raise OSError(f"{admin.token_file} does not hold tokens of {LEAST_KEY} characters or more")
        tokens = Tokens(found)
    names = [*admin.names]
    if admin.bind is not None and not isIPAddress(admin.bind.host) and not isIPv6Address(admin.bind.host):
        names.append(admin.bind.host)
    return Keys(tokens, tuple(names), admin.read_only)


def make_admin_creator(admin: Admin) -> ListenerCreator | None:
    """The page's side of TLS; ``None`` for plain HTTP. :raise BadCertificate: it cannot be used."""
    if admin.certificate is None:
        return None
    certificate = load_certificate(CertificateSource(certificate=admin.certificate, key=admin.key))
    authorities = read_certificates(admin.client_ca) if admin.client_ca is not None else []
    return ListenerCreator([certificate], authorities=authorities)
