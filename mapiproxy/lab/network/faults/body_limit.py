"""body_limit: a firewall that takes no requests beyond a size."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from attrs import define, frozen

from mapiproxy.lab.network.faults.answering import Answers, Speaking, cut_off, refusal
from mapiproxy.lab.network.faults.base import At, Due, leaves
from mapiproxy.lab.network.pieces import Arrival, Exchange, Piece
from mapiproxy.lab.network.reading import size, whole
from mapiproxy.wire.framing import Length


@define
class _Measured(Speaking):
    measuring: Exchange | None = None
    passed: int = 0


@frozen
class BodyLimit(Answers):
    """A body of more than *size* bytes gets *status*.

    If its length is told, before the server hears of it; else when it is too much, and connections close.
    """

    finishes: ClassVar[bool] = True

    size: int = size()
    status: int = whole(400, 413, 599)

    def begin(self) -> _Measured:
        return _Measured()

    def answer(self, exchange: Exchange, at: At) -> bytes | None:
        framing = exchange.head.framing
        if not isinstance(framing, Length) or framing.size <= self.size:
            return None
        return self._refusal(exchange)

    def _refusal(self, exchange: Exchange) -> bytes:
        return refusal(exchange, self.status, f"The request is larger than {self.size} bytes.")

    def take(self, state: Speaking, item: Arrival, at: At) -> Iterable[Due]:
        assert isinstance(state, _Measured), "begin() made it"
        if isinstance(item, Piece) and item.place.exchange is not None and state.of is None:
            if item.place.head:
                state.measuring, state.passed = item.place.exchange, 0
            elif item.place.exchange is state.measuring:
                return self._measure(state, item, state.measuring, at)
        return super().take(state, item, at)

    def _measure(self, state: _Measured, item: Piece, exchange: Exchange, at: At) -> Iterable[Due]:
        if state.passed > self.size:
            return ()
        state.passed += len(item.payload)
        if state.passed <= self.size:
            return leaves(item, at)
        # Nothing that the client goes on to say is heard by anybody.
        state.caught = True
        return cut_off(exchange, self._refusal(exchange), at)
