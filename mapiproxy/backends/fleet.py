"""Who could serve a request: backends and how they stand, as plain values that rules look at."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import Factory, define

from mapiproxy.backends.kind import Kind


@define(eq=False)
class Backend:
    """One server of a pool.

    :ivar weight: share of new mailboxes, relative to the others; 0 takes none.
    :ivar up: whether it may be dialled at all.
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
    connections: int = 0
    exchanges: int = 0

    def __repr__(self) -> str:
        state = "up" if self.up else "DOWN"
        return f"<Backend {self.name} {state} weight={self.weight} conns={self.connections}>"


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
        return [b for b in self.backends if b.up and b.weight > 0 and b.name not in tried]
