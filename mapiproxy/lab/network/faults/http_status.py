"""http_status: an HTTP status in place of the answer: 302 of a portal, 440, 503 with Retry-After."""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from mapiproxy.lab.network.faults.answering import Answers, answer, page
from mapiproxy.lab.network.faults.base import At
from mapiproxy.lab.network.pieces import Direction, Exchange
from mapiproxy.lab.network.reading import duration, line, whole
from mapiproxy.settings.units import BadValue


@frozen
class HttpStatus(Answers):
    """Each request gets *status*, with Location *location* and Retry-After *retry_after* if they are given.

    To the server (the usual): it never hears of the request. To the client: it has carried it out.
    """

    directions: ClassVar[tuple[Direction, ...]] = (Direction.TO_SERVER, Direction.TO_CLIENT)

    status: int = whole(200, most=599)
    location: str | None = line(None)
    retry_after: float | None = duration(None)

    def __attrs_post_init__(self) -> None:
        if self.status in (204, 304):
            raise BadValue(f"status {self.status} has no body; take another")

    def answer(self, exchange: Exchange, at: At) -> bytes | None:
        headers = [] if self.location is None else [("Location", self.location)]
        if self.retry_after is not None:
            headers.append(("Retry-After", str(max(1, round(self.retry_after)))))
        text = page(f"Status {self.status}", "This answer was made up by the network of the laboratory.")
        return answer(self.status, text, headers, method=exchange.head.method)
