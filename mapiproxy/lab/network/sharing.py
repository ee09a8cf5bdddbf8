"""Connections to servers that are lent for a request: of one client, or shared among all of them.

Sharing among clients is what breaks NTLM, whose authentication belongs to the connection: the second client
speaks as the first. It is here to show that, with test identities only.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from mapiproxy.lab.network.addresses import Address
from mapiproxy.lab.network.leg import HearsServer, Leg
from mapiproxy.lab.network.pieces import Exchange, Piece

if TYPE_CHECKING:
    from mapiproxy.lab.network.device import Device

#: Requests that may wait for the answer to the one before, in pieces' bytes.
_MOST_WAITING = 256 * 1024


class Pool:
    """Idle connections, by server; the one that was used last is lent first."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._idle: dict[Address, list[Leg]] = {}

    def lend(self, address: Address, owner: HearsServer) -> Leg:
        """An idle connection, or a new one."""
        idle = self._idle.get(address, [])
        while idle:
            leg = idle.pop()
            if not leg.over:
                leg.owner = owner
                return leg
        leg = Leg(self._device, address, owner)
        leg.dial()
        return leg

    def take_back(self, leg: Leg) -> None:
        """The answer is whole: the connection may be lent again."""
        leg.owner = None
        leg.hold(False)
        if not leg.over:
            self._idle.setdefault(leg.address, []).append(leg)

    def close(self) -> None:
        """Nobody will borrow any more."""
        for idle in self._idle.values():
            for leg in idle:
                leg.close()
        self._idle.clear()


class PerRequest:
    """The servers' side of a flow that borrows a connection for each request.

    :param owner: the flow, which hears what the borrowed connection says.
    :param shared: the pool belongs to others, too; else it ends with the flow.
    """

    def __init__(self, device: Device, owner: HearsServer, pool: Pool, shared: bool) -> None:
        self._device = device
        self._owner = owner
        self._pool = pool
        self._shared = shared
        self._leg: Leg | None = None
        self._under_way: Exchange | None = None
        self._sending: Exchange | None = None
        self._whole = False
        self._queue: deque[Piece] = deque()
        self._waits = 0
        self._held = False
        self._ending = ""

    @property
    def full(self) -> bool:
        """Whether the client should wait."""
        return self._waits >= _MOST_WAITING or (self._leg is not None and self._leg.full)

    def dial(self) -> None:
        """There is nothing to dial before there is a request."""

    def write(self, piece: Piece) -> None:
        """A piece of a request; it waits until the one before has been answered."""
        if piece.place.exchange is None:
            if piece.data:
                # Not HTTP: there is no telling whose answer would be whose.
                self.reset()
            return
        self._queue.append(piece)
        self._waits += len(piece.data)
        self._pump()

    def _pump(self) -> None:
        while self._queue:
            piece = self._queue[0]
            exchange = piece.place.exchange
            if exchange is not None and exchange is not self._sending:
                if self._under_way is not None:
                    return
                self._under_way = self._sending = exchange
                self._whole = False
                self._leg = self._pool.lend(self._device.address_of(exchange), self._owner)
                self._leg.hold(self._held)
            self._queue.popleft()
            self._waits -= len(piece.data)
            self._whole = self._whole or piece.place.last
            if self._leg is not None:
                self._leg.write(piece)
        if self._ending and self._under_way is None:
            self._end()

    def answered(self, exchange: Exchange) -> None:
        """The answer is whole; the next request may go."""
        self._device.answered(exchange)
        if exchange is not self._under_way:
            return
        leg, self._leg, self._under_way = self._leg, None, None
        if leg is not None:
            answer = exchange.answer
            # One that was answered before it was whole leaves its connection in the middle of a request.
            if self._whole and answer is not None and answer.keep_alive:
                self._pool.take_back(leg)
            else:
                leg.owner = None
                leg.close()
        self._pump()

    def finish(self) -> None:
        """No more requests: what is under way may be answered."""
        self._ending = "finish"
        self._pump()

    def close(self) -> None:
        """The client has gone, in order."""
        self._stop(reset=False)

    def reset(self) -> None:
        """The client has gone."""
        self._stop(reset=True)

    def abandon(self) -> None:
        """As reset; nobody wants to know."""
        self._drop(reset=True)

    def hold(self, held: bool) -> None:
        """Read no more, or again."""
        self._held = held
        if self._leg is not None:
            self._leg.hold(held)

    def _drop(self, reset: bool) -> Leg | None:
        leg, self._leg = self._leg, None
        if self._under_way is not None:
            self._device.answered(self._under_way)
            self._under_way = None
        self._queue.clear()
        if leg is not None:
            leg.owner = None
            (leg.reset if reset else leg.close)()
        if not self._shared:
            self._pool.close()
        return leg

    def _stop(self, reset: bool) -> None:
        if self._ending == "over":
            return
        self._drop(reset)
        self._end(clean=not reset)

    def _end(self, clean: bool = True) -> None:
        """Nothing more is to come; the flow is told as it is told of a connection."""
        self._ending = "over"
        if not self._shared:
            self._pool.close()
        self._owner.server_lost(None, clean)
