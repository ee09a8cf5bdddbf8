"""What a device counts."""

from __future__ import annotations

from attrs import define, field


@define
class Counters:
    """Since the device was made.

    :ivar connections: accepted; *open*: of them, those that are not over.
    :ivar refused: for which no server could be reached.
    :ivar to_server: bytes that left for servers; *to_client*: for clients.
    :ivar forgotten: flows that a device with a table no longer knows.
    :ivar injected: rule → how often it has struck.
    """

    connections: int = 0
    open: int = 0
    refused: int = 0
    to_server: int = 0
    to_client: int = 0
    forgotten: int = 0
    injected: dict[str, int] = field(factory=dict)

    def lines(self) -> list[str]:
        """For people."""
        told = [
            f"connections {self.connections} (open {self.open}, refused {self.refused})",
            f"bytes to servers {self.to_server}, to clients {self.to_client}",
        ]
        if self.forgotten:
            told.append(f"flows forgotten {self.forgotten}")
        told += [f"struck by {name}: {times}" for name, times in self.injected.items()]
        return told
