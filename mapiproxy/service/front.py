"""A listener as it runs: what it is bound to, its TLS, its doors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IListeningPort
from twisted.logger import Logger

from mapiproxy.net.frontdoor import FrontDoors
from mapiproxy.net.prelude import Preludes
from mapiproxy.net.tls import ListenerCreator
from mapiproxy.service.assembly import make_creator, wrap
from mapiproxy.service.site import Site
from mapiproxy.settings import Bind, Listener, Settings

#: Connections that may wait to be accepted: a site that comes back reconnects all at once.
BACKLOG = 1024


@define(eq=False)
class Front:
    """The listener; ``ports`` is what is bound, by what was asked for."""

    listener: Listener
    doors: FrontDoors
    creator: ListenerCreator | None
    ports: dict[Bind, IListeningPort] = field(factory=dict)

    def is_alike(self, listener: Listener) -> bool:
        """Whether what is bound and connected here can go on as *listener*."""
        mine = self.listener
        return (
            mine.backend == listener.backend
            and (mine.tls is None) == (listener.tls is None)
            and mine.proxy_protocol == listener.proxy_protocol
        )

    def bind(self, binds: Iterable[Bind], reactor: Any, log: Logger) -> None:
        """Listen there too. :raise CannotListenError: some may have been bound already."""
        factory = wrap(self.creator, self.doors, reactor)
        if self.listener.proxy_protocol:
            factory = Preludes(factory, lambda: self.listener.trusted, reactor, log)
        for bind in binds:
            port = reactor.listenTCP(bind.port, factory, BACKLOG, bind.host)
            self.ports[bind] = port
            log.info(
                "listener {name}: {bind} to backend {backend}",
                name=self.listener.name,
                bind=port.getHost(),
                backend=self.listener.backend,
            )

    def unbind(self, binds: Iterable[Bind] | None = None) -> list[Deferred[Any]]:
        """Listen there no more (``None``: nowhere); connections stay."""
        going = [*self.ports] if binds is None else [bind for bind in binds if bind in self.ports]
        return [maybeDeferred(self.ports.pop(bind).stopListening) for bind in going]


def make_front(listener: Listener, site: Site, settings: Settings) -> Front:
    """A listener that is not bound yet. :raise BadCertificate: one of its own cannot be used."""
    doors = FrontDoors(
        site.house,
        secure=listener.tls is not None,
        forwarded=True,
        head_limit=settings.limits.head,
        limit=settings.limits.connections,
    )
    doors.trusted = listener.trusted
    return Front(listener, doors, make_creator(listener.tls))
