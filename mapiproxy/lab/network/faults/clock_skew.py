"""clock_skew: an answer from a server whose clock is wrong.

Date, Last-Modified, Expires and the expires of Set-Cookie are times of the clock and are shifted.
X-ExpirationInfo and X-PendingPeriod are durations, which no wrong clock changes; a server that forgets
sessions sooner than it says is had with *expiration*, which replaces X-ExpirationInfo.
"""

from __future__ import annotations

import re
from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import ClassVar

from attrs import frozen

from mapiproxy.lab.network.faults.editing import EditsHeads, edited
from mapiproxy.lab.network.pieces import Direction
from mapiproxy.lab.network.reading import duration, switch
from mapiproxy.settings.units import BadValue

_TIMES = (b"date", b"expires", b"last-modified")
_COOKIE_TIME = re.compile(rb"(;\s*expires=)([^;]+)", re.IGNORECASE)


@frozen
class ClockSkew(EditsHeads):
    """The server's clock is *ahead* or *behind* by so much."""

    direction: ClassVar[Direction] = Direction.TO_CLIENT
    directions: ClassVar[tuple[Direction, ...]] = (Direction.TO_CLIENT,)

    skew: float | None = duration(None)
    behind: bool = switch(False)
    expiration: float | None = duration(None)

    def __attrs_post_init__(self) -> None:
        if self.skew is None and self.expiration is None:
            raise BadValue("skew or expiration is needed")

    def edit(self, raw: bytes) -> bytes:
        return edited(raw, self._line)

    def _line(self, name: bytes, value: bytes) -> tuple[bytes, bytes]:
        key = name.lower()
        if key in _TIMES:
            return name, self._shifted(value)
        if key == b"set-cookie":
            return name, _COOKIE_TIME.sub(lambda found: found[1] + self._shifted(found[2]), value)
        if key == b"x-expirationinfo" and self.expiration is not None:
            return name, b"%d" % round(self.expiration * 1000)
        return name, value

    def _shifted(self, value: bytes) -> bytes:
        if self.skew is None:
            return value
        try:
            time = parsedate_to_datetime(value.decode("latin-1"))
            shifted = time + timedelta(seconds=-self.skew if self.behind else self.skew)
            return format_datetime(shifted, usegmt=True).encode()
        except (ValueError, OverflowError):
            # Not a time, such as "Expires: -1"; or one beyond the calendar.
            return value
