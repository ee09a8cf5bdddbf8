"""The status page of a service: where it listens, with what, and how a reload changes that.

What can fail is done in :meth:`Administration.prepare`, beside what runs; :meth:`Administration.switch` only
switches.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from attrs import frozen
from twisted.internet.defer import Deferred

from mapiproxy.admin.access import Tokens
from mapiproxy.admin.door import AdminDoor
from mapiproxy.admin.gate import Keys
from mapiproxy.net.certificates import CertificateSource, load_certificate, read_certificates
from mapiproxy.net.tls import ListenerCreator
from mapiproxy.settings import Admin, read_keys

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
            time.monotonic,
            os.urandom,
        )
        door.listen(bind.host, bind.port, service.reactor)
        return Prepared(keys, creator, door)

    def switch(self, admin: Admin, prepared: Prepared | None) -> list[str]:
        """From now on it is like that; what changed, in words."""
        said = ["[admin] changed"] if self._admin != admin else []
        self._admin = admin
        if prepared is not None and prepared.door is None and self.door is not None:
            self.door.gate.keys = prepared.keys
            if self.door.creator is not None and prepared.creator is not None:
                self.door.creator.become(prepared.creator)
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


def make_keys(admin: Admin) -> Keys:
    """Who may come in. Raises OSError."""
    tokens = Tokens(read_keys(admin.token_file)) if admin.token_file is not None else Tokens()
    own = (admin.bind.host,) if admin.bind is not None else ()
    return Keys(tokens, (*own, *admin.names), admin.read_only)


def make_admin_creator(admin: Admin) -> ListenerCreator | None:
    """The page's side of TLS; ``None`` for plain HTTP. :raise BadCertificate: it cannot be used."""
    if admin.certificate is None:
        return None
    certificate = load_certificate(CertificateSource(certificate=admin.certificate, key=admin.key))
    authorities = read_certificates(admin.client_ca) if admin.client_ca is not None else []
    return ListenerCreator([certificate], authorities=authorities)
