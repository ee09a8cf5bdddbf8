"""case_sensitive_paths: a proxy that knows /mapi but not /Mapi."""

from __future__ import annotations

from attrs import frozen

from mapiproxy.lab.network.faults.answering import Answers, refusal
from mapiproxy.lab.network.faults.base import At
from mapiproxy.lab.network.pieces import Exchange
from mapiproxy.lab.network.reading import whole, words
from mapiproxy.mapi.reading import read_target


@frozen
class CaseSensitivePaths(Answers):
    """A path that begins with one of *paths* but for its case gets *status*."""

    paths: tuple[str, ...] = words(("/mapi/", "/autodiscover/", "/rpc/", "/ews/", "/oab/"))
    status: int = whole(400, 404, 599)

    def answer(self, exchange: Exchange, at: At) -> bytes | None:
        path = read_target(exchange.head.target).path
        for known in self.paths:
            if path.lower().startswith(known.lower()) and not path.startswith(known):
                return refusal(exchange, self.status, "There is no such path here.")
        return None
