"""One connection of a client through a device: two sides, a lane for each direction, and who reads along.

Moves items between sockets and lanes and does what faults order. Which server, and whether a flow is still
known, is the device's to say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mapiproxy.lab.network.lane import Lane, RuleInPlay
from mapiproxy.lab.network.leg import Leg, Upstream
from mapiproxy.lab.network.observer import Observer
from mapiproxy.lab.network.pieces import (
    Connection,
    Cut,
    DialMore,
    Direction,
    Fin,
    Item,
    Piece,
    Place,
    Present,
    Reply,
    Rst,
)
from mapiproxy.lab.network.side import Gate, Side

if TYPE_CHECKING:
    from mapiproxy.lab.network.device import Device


class Flow:
    """One client's connection.

    :ivar forgotten: the device no longer knows it: what comes is swallowed, or answered with a reset.
    """

    def __init__(self, device: Device, number: int, client: str) -> None:
        self.device = device
        self.connection = Connection(number, client)
        self.forgotten = ""
        self.last_seen = device.reactor.seconds()
        self.client: Side | None = None
        self.gate: Gate | None = None
        self.certificate = "own"
        self.observer = Observer(self.connection, device.looks_inside, device.asked)
        self.up = Lane(Direction.TO_SERVER, self._to_server, device.chance(number), device.struck)
        self.down = Lane(Direction.TO_CLIENT, self._to_client, device.chance(number), device.struck)
        self.upstream: Upstream = device.upstream(self)
        self._extra: list[Leg] = []
        self._timer: Any = None
        self._finned: set[str] = set()
        self._over: set[str] = set()
        for play in device.rulebook.in_play:
            self.up.add(play)
            self.down.add(play)

    @property
    def number(self) -> int:
        return self.connection.number

    def _now(self) -> float:
        return float(self.device.reactor.seconds())

    def begin(self) -> None:
        """The client has been accepted: phases connect and tls, and the moment after them."""
        now = self._now()
        self.up.put(Piece(b"", Place(self.connection, "connect")), now)
        if self.gate is not None:
            self.up.put(Piece(b"", Place(self.connection, "tls")), now)
        for lane in (self.up, self.down):
            lane.put(Piece(b"", Place(self.connection)), now)
        self._settle()

    # What comes in.

    def side_opened(self, side: Side) -> None:
        self.client = side
        if self.gate is None:
            self.device.flow_began(self)
            self.begin()

    def side_said(self, side: Side, data: bytes) -> None:
        if not self.device.passes(self, to_server=True):
            return
        items = self.observer.request(data)
        if self.observer.tls and self.device.must_look:
            self.device.say(
                "fault", "tls", outcome="refused",
                detail=f"connection {self.number} is TLS, which rules about MAPI cannot see into",
            )  # fmt: skip
            self.cut(Cut("reset"))
            return
        self._put(self.up, items)

    def side_finished(self, side: Side) -> None:
        self._end("client", self.up, self.observer.request_end, clean=True)

    def side_lost(self, side: Side, clean: bool) -> None:
        if side.tls and not (clean or side.spoke):
            detail = f"connection {self.number}: ended within or just after the handshake"
            self.device.say("connection", "tls", outcome="lost", detail=detail)
        self._end("client", self.up, self.observer.request_end, clean)
        self._gone("client")

    def side_pressed(self, side: Side) -> None:
        self._settle()

    def server_said(self, leg: Leg, data: bytes) -> None:
        if not self.device.passes(self, to_server=False):
            return
        if "client" in self._over:
            # Nobody is there to hear it; the client's host would say so with a reset.
            self.upstream.reset()
            return
        self._put(self.down, self.observer.answer(data))

    def server_finished(self, leg: Leg) -> None:
        self._end("server", self.down, self.observer.answer_end, clean=True)

    def server_lost(self, leg: Leg | None, clean: bool) -> None:
        self._end("server", self.down, self.observer.answer_end, clean)
        self._gone("server")

    def server_refused(self, leg: Leg, why: str) -> None:
        self.device.refused(self, leg.address, why)
        self._end("server", self.down, self.observer.answer_end, clean=False)
        self._gone("server")

    def server_pressed(self, leg: Leg) -> None:
        self._settle()

    def _put(self, lane: Lane, items: list[Item]) -> None:
        now = self._now()
        for item in items:
            lane.put(item, now)
        if lane is self.down:
            for item in items:
                if isinstance(item, Piece) and item.place.last and item.place.exchange is not None:
                    self.upstream.answered(item.place.exchange)
        self._settle()

    def _end(self, who: str, lane: Lane, rest: Any, clean: bool) -> None:
        """A side has finished, or was lost: each is passed on once."""
        if who in self._over or (clean and who in self._finned):
            return
        self._finned.add(who)
        if not self.device.passes(self, to_server=who == "client"):
            # The other side does not hear of it; this one has left and needs its socket no more.
            (self.client if who == "client" and self.client is not None else self.upstream).close()
            return
        asked = self.observer.expected
        place = Place(self.connection, "", asked[0] if asked else None)
        self._put(lane, [*rest(), Fin(place) if clean else Rst(place)])

    def _gone(self, who: str) -> None:
        self._over.add(who)
        if who == "client":
            self.down.close()
            for leg in self._extra:
                leg.abandon()
        else:
            self.up.close()
        if len(self._over) == 2:
            self._stop_timer()
            self.device.flow_over(self)

    # What goes out.

    def _to_server(self, item: Item) -> None:
        if isinstance(item, Piece):
            self._up_piece(item)
        elif isinstance(item, Fin):
            self.upstream.finish()
        elif isinstance(item, Rst):
            self.upstream.reset()
        elif isinstance(item, Cut):
            self.cut(item)
        elif isinstance(item, Present):
            self.certificate = item.certificate
        elif isinstance(item, DialMore):
            self._dial_more(item)
        else:
            self._answer(item)

    def _up_piece(self, piece: Piece) -> None:
        if piece.place.phase == "connect":
            self.upstream.dial()
        elif piece.place.phase == "tls":
            if self.gate is not None and self.device.termination is not None:
                self.gate.begin(self.device.termination.context(self.certificate))
        else:
            self.upstream.write(piece)

    def _answer(self, reply: Reply) -> None:
        reply.exchange.reply = reply
        if reply.begun:
            self.upstream.abandon()
            self._gone("server")
        self._put(self.down, self.observer.reply())

    def _dial_more(self, order: DialMore) -> None:
        for _ in range(order.times):
            leg = Leg(self.device, self.device.target(self), None)
            leg.dial(self.device.source(self))
            self._extra.append(leg)
            if not order.keep:
                leg.close()

    def _to_client(self, item: Item) -> None:
        client = self.client
        if isinstance(item, Cut):
            self.cut(item)
        elif client is None:
            if isinstance(item, Rst | Fin):
                self._reset_client()
        elif isinstance(item, Piece):
            if item.data:
                self.device.counters.to_client += len(item.data)
                client.write(item.data)
        elif isinstance(item, Fin):
            client.finish()
        elif isinstance(item, Rst):
            self._reset_client()

    def cut(self, order: Cut) -> None:
        """End the connection, or one side of it."""
        if order.side in ("client", "both"):
            self.down.close()
            if order.how == "reset":
                self._reset_client()
            elif self.client is not None:
                self.client.close()
        if order.side in ("server", "both"):
            self.up.close()
            (self.upstream.reset if order.how == "reset" else self.upstream.close)()

    def _reset_client(self) -> None:
        if self.gate is not None:
            self.gate.reset()
        elif self.client is not None:
            self.client.reset()

    # Rules and time.

    def add(self, play: RuleInPlay) -> None:
        """A rule that begins while the connection lives."""
        now = self._now()
        for lane in (self.up, self.down):
            lane.add(play)
            lane.wake(play, Place(self.connection), now)
        self._settle()

    def remove(self, play: RuleInPlay) -> None:
        """A rule that ends."""
        now = self._now()
        self.up.remove(play, now)
        self.down.remove(play, now)
        self._settle()

    def _settle(self) -> None:
        """Hold the sides whose bytes find no room, and set the clock for what waits."""
        if self.client is not None:
            self.client.hold(self.up.full or self.upstream.full)
            self.upstream.hold(self.down.full or self.client.full)
        dues = [due for due in (self.up.next_due, self.down.next_due) if due is not None]
        self._stop_timer()
        if dues and len(self._over) < 2:
            wait = max(0.0, min(dues) - self._now())
            self._timer = self.device.reactor.callLater(wait, self._due)

    def _stop_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()

    def _due(self) -> None:
        self._timer = None
        now = self._now()
        self.up.run(now)
        self.down.run(now)
        self._settle()

    def drop(self) -> None:
        """The device is stopped."""
        self._stop_timer()
        self.up.close()
        self.down.close()
        self.upstream.abandon()
        self._reset_client()
        self._gone("server")
