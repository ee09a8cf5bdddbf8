"""strip_headers: a firewall that removes headers, or says what a body is by its own lights."""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from mapiproxy.lab.network.faults.editing import EditsHeads, edited, named
from mapiproxy.lab.network.pieces import Direction
from mapiproxy.lab.network.reading import line, words
from mapiproxy.settings.units import BadValue


@frozen
class StripHeaders(EditsHeads):
    """Headers whose names fit one of *names* (``X-*``) are removed; Content-Type becomes *content_type*.

    Content-Length and Transfer-Encoding go only if they are named in full, for the other side then cannot
    tell where the message ends.
    """

    direction: ClassVar[Direction] = Direction.BOTH

    names: tuple[str, ...] = words(())
    content_type: str | None = line(None)

    def __attrs_post_init__(self) -> None:
        if not self.names and self.content_type is None:
            raise BadValue("names or content_type is needed")

    def edit(self, raw: bytes) -> bytes:
        in_full = {name.lower() for name in self.names}

        def change(name: bytes, value: bytes) -> tuple[bytes, bytes] | None:
            key = name.lower()
            if key in (b"content-length", b"transfer-encoding"):
                return None if key.decode() in in_full else (name, value)
            if named(name, self.names):
                return None
            if key == b"content-type" and self.content_type is not None:
                return name, self.content_type.encode()
            return name, value

        return edited(raw, change)
