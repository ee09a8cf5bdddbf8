"""The back doors of one client: its own connections to backends, at most one to each.

They are opened for this client, used by nobody else, and closed with it (reference N5). One that has been
idle for long is closed by us before the backend does it, because a request that crosses a backend's close
on the wire has an outcome that nobody knows (reference 6.3).
"""

from __future__ import annotations

from collections.abc import Callable

from mapiproxy.backends.fleet import Backend
from mapiproxy.net.backdoor import BackDoor, Owner
from mapiproxy.net.dialer import Dial, Dialer, DialFailed


class Doors:
    """One client's connections to backends, and the one that is being opened."""

    def __init__(self, dialer: Dialer, owner: Owner) -> None:
        self._dialer = dialer
        self._owner = owner
        self._doors: dict[str, BackDoor] = {}
        self._dialling: Dial | None = None

    def __len__(self) -> int:
        return len(self._doors)

    def find(self, backend: Backend) -> BackDoor | None:
        """The open connection to *backend*, if there is one."""
        door = self._doors.get(backend.name)
        if door is None or not door.open:
            return None
        if not door.backend.is_at(backend) or door.line.is_dead():
            self.drop(door)
            return None
        return door

    def get(self, backend: Backend) -> BackDoor | None:
        """The connection to *backend*, in whatever state."""
        door = self._doors.get(backend.name)
        return door if door is not None and door.backend.is_at(backend) else None

    def dial(
        self,
        backend: Backend,
        opened: Callable[[BackDoor], None],
        failed: Callable[[DialFailed], None],
    ) -> None:
        """Open one; exactly one of the two is called unless :meth:`give_up` is."""

        def opened_here(door: BackDoor) -> None:
            self._dialling = None
            self._doors[backend.name] = door
            opened(door)

        def failed_here(failure: DialFailed) -> None:
            self._dialling = None
            failed(failure)

        # A dial can fail before it returns; then there is nothing to remember.
        self._dialling = None
        dial = self._dialer.dial(backend, self._owner, opened_here, failed_here)
        if not dial.over:
            self._dialling = dial

    def give_up(self) -> None:
        """Nobody waits for the connection that is being opened any more."""
        if self._dialling is not None:
            self._dialling.give_up()
            self._dialling = None

    def forget(self, door: BackDoor) -> None:
        """It has been lost."""
        if self._doors.get(door.backend.name) is door:
            del self._doors[door.backend.name]

    def drop(self, door: BackDoor) -> None:
        """Close it at once: with a reset if it works, so that the backend stops, else in peace."""
        self.forget(door)
        if door.busy:
            door.busy = False
            door.line.abort()
        else:
            door.line.part(door.backend.tls)

    def retire(self, idle_since: float, but: BackDoor | None) -> None:
        """Close what has been idle since that moment or longer."""
        for door in [*self._doors.values()]:
            if door is not but and not door.busy and door.idle_since <= idle_since:
                self.drop(door)

    def close(self, but: BackDoor | None = None) -> None:
        """Close all, or all but one: their client is gone, or about to be, or tied to that one."""
        self.give_up()
        for door in [*self._doors.values()]:
            if door is not but:
                self.drop(door)
