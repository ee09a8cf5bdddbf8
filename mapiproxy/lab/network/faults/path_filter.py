"""path_filter: a firewall that lets only some paths through."""

from __future__ import annotations

from attrs import frozen

from mapiproxy.lab.network.faults.answering import Answers, refusal
from mapiproxy.lab.network.faults.base import At
from mapiproxy.lab.network.pieces import Exchange
from mapiproxy.lab.network.reading import whole, words
from mapiproxy.mapi.reading import read_target
from mapiproxy.settings.units import BadValue


@frozen
class PathFilter(Answers):
    """Paths that begin with one of *deny*, or with none of *allow*, get *status*; case does not matter."""

    allow: tuple[str, ...] = words(())
    deny: tuple[str, ...] = words(())
    status: int = whole(400, 403, 599)

    def __attrs_post_init__(self) -> None:
        if not self.allow and not self.deny:
            raise BadValue("allow or deny is needed")

    def answer(self, exchange: Exchange, at: At) -> bytes | None:
        path = read_target(exchange.head.target).path.lower()
        denied = any(path.startswith(each.lower()) for each in self.deny)
        allowed = not self.allow or any(path.startswith(each.lower()) for each in self.allow)
        return None if allowed and not denied else refusal(exchange, self.status, "The path is not allowed.")
