"""Where do the open channels of an Outlook Anywhere client go? Its IN and OUT channel must meet.

grommunio pairs the two by a cookie within the data, in the memory of one process (protocol reference
10.2). A mailbox named in the URL is hashed as for MAPI/HTTP; but while a channel is open, whatever
comes for the same key goes where it went, even if a backend has come or gone meanwhile.
"""

from __future__ import annotations

from attrs import define, field

#: The two methods whose messages are channels: long-lived, of any length, never kept or sent again.
CHANNEL_METHODS = frozenset((b"RPC_IN_DATA", b"RPC_OUT_DATA"))


@define(eq=False)
class Channels:
    """The backends of open channels, by key."""

    _open: dict[str, list[str]] = field(factory=dict)

    def __len__(self) -> int:
        return sum(map(len, self._open.values()))

    def home(self, key: str) -> str | None:
        """The backend of the channel that was opened last, if one is open."""
        backends = self._open.get(key)
        return backends[-1] if backends else None

    def opened(self, key: str, backend: str) -> None:
        """A channel goes there."""
        self._open.setdefault(key, []).append(backend)

    def closed(self, key: str, backend: str) -> None:
        """It is over."""
        backends = self._open[key]
        backends.remove(backend)
        if not backends:
            del self._open[key]
