"""Who could serve a request: backends and how they stand, as plain values that rules look at.

Two things decide whether a backend is used, and they are kept apart: what the operator wants of it
(*admin*) and what probes and live traffic say of it (*up*).
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from attrs import Factory, define

from mapiproxy.backends.kind import Kind


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

    def __repr__(self) -> str:
        state = "up" if self.up else "DOWN"
        return f"<Backend {self.name} {state} {self.admin} weight={self.weight} conns={self.connections}>"

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
    """The servers that can serve the same paths, all of one kind."""

    name: str
    kind: Kind
    backends: tuple[Backend, ...]
    paths: tuple[str, ...] = ("/mapi",)
    by_name: dict[str, Backend] = Factory(
        lambda self: {backend.name: backend for backend in self.backends}, takes_self=True
    )

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
