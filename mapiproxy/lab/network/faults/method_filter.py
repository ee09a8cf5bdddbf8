"""method_filter: a firewall that knows only some methods."""

from __future__ import annotations

from attrs import frozen

from mapiproxy.lab.network.faults.answering import Answers, refusal
from mapiproxy.lab.network.faults.base import At
from mapiproxy.lab.network.pieces import Exchange
from mapiproxy.lab.network.reading import whole, words


@frozen
class MethodFilter(Answers):
    """Methods other than *allow* get *status*: RPC_IN_DATA and OPTIONS are the ones that suffer."""

    allow: tuple[str, ...] = words(("GET", "HEAD", "POST"))
    status: int = whole(400, 403, 599)

    def answer(self, exchange: Exchange, at: At) -> bytes | None:
        if exchange.head.method.decode("latin-1") in self.allow:
            return None
        return refusal(exchange, self.status, "The method is not allowed.")
