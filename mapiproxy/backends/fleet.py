"""Who could serve a request: backends and how they stand, as plain values that rules look at.

Two things decide whether a backend is used, and they are kept apart: what the operator wants of it
(*admin*) and what probes and live traffic say of it (*up*).
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from attrs import Factory, define

from mapiproxy.backends.kind import Kind
from mapiproxy.backends.vdir import MAPI, VirtualDirectory


class Admin(StrEnum):
    """What the operator wants of a backend, in HAProxy's words.

    ``DRAIN`` keeps the sessions that live there and takes no new ones (reference M17); ``MAINT`` is
    not used at all.
    """

    READY = "ready"
    DRAIN = "drain"
    MAINT = "maint"


@define(eq=False)
class Backend:
    """One server of a pool.

    :ivar vdir: the virtual directory of the server that this is; each fails and recovers by itself.
    :ivar weight: share of new mailboxes, relative to the others; 0 takes none.
    :ivar up: whether it is well, as far as we know.
    :ivar drain_until: when a drain turns into maintenance, on the proxy's clock; ``None``: never.
    :ivar connections: client connections that hold a connection to it now.
    :ivar exchanges: requests in progress.
    """

    name: str
    host: str
    port: int
    tls: bool = True
    kind: Kind = Kind.EXCHANGE
    weight: int = 100
    up: bool = True
    admin: Admin = Admin.READY
    drain_until: float | None = None
    connections: int = 0
    exchanges: int = 0
    vdir: str = "mapi"

    def __repr__(self) -> str:
        state = "up" if self.up else "DOWN"
        return f"<Backend {self.name} {state} {self.admin} weight={self.weight} conns={self.connections}>"

    @property
    def label(self) -> str:
        """How the log calls it: the server's name, and the virtual directory unless that is mapi."""
        return self.name if self.vdir == "mapi" else f"{self.name}/{self.vdir}"

    def is_at(self, other: Backend) -> bool:
        """Whether both are reached at the same place, so that one connection serves both."""
        return (self.name, self.host, self.port, self.tls) == (other.name, other.host, other.port, other.tls)

    @property
    def keeps(self) -> bool:
        """Whether it may serve the sessions that it has."""
        return self.up and self.admin is not Admin.MAINT

    @property
    def takes(self) -> bool:
        """Whether it may be given new sessions."""
        return self.up and self.admin is Admin.READY and self.weight > 0


@define(eq=False)
class Pool:
    """One virtual directory of a group of servers, all of one kind.

    :ivar name: of the group.
    """

    name: str
    kind: Kind
    backends: tuple[Backend, ...]
    vdir: VirtualDirectory = MAPI
    by_name: dict[str, Backend] = Factory(
        lambda self: {backend.name: backend for backend in self.backends}, takes_self=True
    )

    @property
    def paths(self) -> tuple[str, ...]:
        """The prefixes that are served, in lower case; none when the directory is switched off."""
        return self.vdir.shape.paths if self.vdir.enabled else ()

    @property
    def title(self) -> str:
        """How messages call it."""
        return self.name if self.vdir.name == "mapi" else f"{self.name}/{self.vdir.name}"

    def able(self, without: Iterable[str] = ()) -> list[Backend]:
        """Backends that may take a new session, but for those named."""
        tried = set(without)
        return [b for b in self.backends if b.takes and b.name not in tried]

    def keeping(self, without: Iterable[str] = ()) -> list[Backend]:
        """Backends that may have a session which nobody knows here, but for those named."""
        tried = set(without)
        return [b for b in self.backends if b.keeps and b.name not in tried]

    def replace(self, backends: Iterable[Backend]) -> None:
        """The fleet has changed; backends that stay are the same objects."""
        self.backends = tuple(backends)
        self.by_name = {backend.name: backend for backend in self.backends}
