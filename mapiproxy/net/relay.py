"""Moves messages and body pieces between the two sides of one client connection.

One relay per client connection. It pulls messages out of the readers, tells the exchange about their
edges, and hands body pieces straight across: no event, no action, no copy (reference N6).

Pressure is joined here: while the client reads slowly the backend's line is held, and the other way
round, so no more than a transport's buffer is in flight.
"""

from __future__ import annotations

from twisted.python.failure import Failure

from mapiproxy.backends.fleet import Backend
from mapiproxy.exchange.actions import Timer
from mapiproxy.exchange.exchange import Exchange
from mapiproxy.exchange.local import refuse_unread
from mapiproxy.exchange.table import Asking
from mapiproxy.net.acting import Acting
from mapiproxy.net.backdoor import BackDoor
from mapiproxy.net.line import Line
from mapiproxy.policy.headers import Hop
from mapiproxy.policy.origin import origin_of
from mapiproxy.wire.errors import WireError
from mapiproxy.wire.heads import RequestHead
from mapiproxy.wire.reader import END, NEED_DATA

#: A client may send ahead so much while its turn has not come; then it is held.
READ_AHEAD = 256 * 1024
#: A body up to this size can be sent again; of a larger one nothing is kept.
KEPT = 256 * 1024


class Relay(Acting):
    """The traffic of one client connection."""

    # From the client.

    def client_data(self, data: bytes) -> None:
        """Bytes of the client; after the end of what we have to say nobody reads them."""
        if not self.front.ended:
            self.reader.feed(data)
            self.pump()

    def pump(self) -> None:
        """Read on from the client as far as its turn allows; errors in its bytes end here."""
        if self._busy or self.front.ended:
            return
        self._busy = True
        try:
            self._read_requests()
        except WireError as error:
            self._refuse_bytes(error)
        finally:
            self._busy = False
            self._flush()
        if self.reader.unread > READ_AHEAD:
            self.front.hold("turn")
        else:
            self.front.release("turn")

    def _read_requests(self) -> None:
        read = self.reader.next
        while not self.front.ended:
            exchange = self.exchange
            if exchange is not None:
                asking = exchange.asking
                if asking is not Asking.SENDING and asking is not Asking.DROPPING:
                    return
            event = read()
            if event is NEED_DATA:
                if exchange is None:
                    self.deadline.await_request(begun=self.reader.unread > 0)
                return
            if type(event) is bytes:
                assert exchange is not None
                exchange.ledger.request_bytes += len(event)
                if exchange.asking is Asking.SENDING:
                    self._to_backend.append(event)
                    kept = exchange.kept
                    if kept is not None:
                        kept.append(event)
                        if exchange.ledger.request_bytes > KEPT:
                            exchange.kept = None
                    self.deadline.moved(Timer.REQUEST)
            elif event is END:
                assert exchange is not None
                self._do(exchange.request_end(self.house.clock()))
            else:
                assert isinstance(event, RequestHead)
                self._begin(event)

    def _begin(self, head: RequestHead) -> None:
        now = self.house.clock()
        hop = self.hop if not self.trusted else self._hop_of(head)
        ledger = self.house.open_ledger(now, head, hop.client_ip, self.port)
        if ledger.auth_scheme is None:
            # Windows authentication is the connection's: later requests do not say it again.
            ledger.auth_scheme, ledger.user = self.bond.scheme, self.bond.user
        else:
            self.bond.asked(ledger.credentials, ledger.auth_scheme)
        self.exchange = exchange = Exchange(self.house.rules, head, hop, ledger, self.bond)
        if exchange.is_wait:
            self._begin_wait(exchange)
        self._do(exchange.begin(now))

    def _hop_of(self, head: RequestHead) -> Hop:
        """Where a request comes from that another proxy may have brought."""
        mine, first = self.hop, head.first
        chain = head.all(b"x-forwarded-for") if b"x-forwarded-for" in first else ()
        # Of several lines the last is what the peer itself has added.
        proto = head.all(b"x-forwarded-proto")[-1] if b"x-forwarded-proto" in first else None
        origin = origin_of(mine.client_ip, chain, proto, self.trusted)
        secure = mine.secure if origin.secure is None else origin.secure
        return Hop(origin.ip, secure, mine.forwarded, origin.chain, mine.client_ip)

    def _refuse_bytes(self, error: WireError) -> None:
        """What came cannot be read: say so once, write it down, and hear no more."""
        now = self.house.clock()
        if self.exchange is None:
            ledger = self.house.open_ledger(now, None, self.hop.client_ip, self.port)
            ledger.pool = self.house.rules.name
            self._to_client.append(refuse_unread(error, ledger, now))
            self.house.record(ledger)
            self._end_front(gently=True)
            return
        self._do(self.exchange.bad_request(error, now))

    def client_gone(self) -> None:
        """The client's connection is lost."""
        self.gone = True
        self.front.lost()
        self.doors.give_up()
        if self._door is not None:
            # Whoever may finish unheard must not go on waiting for a client that reads.
            self._door.line.release("pressure")
        if self.exchange is not None and not self.exchange.over:
            self._do(self.exchange.client_lost(self.house.clock()))
        if self.exchange is None:
            self.doors.close()

    # From the backends.

    def backend_data(self, door: BackDoor) -> None:
        """Read on from a backend as far as it has come."""
        exchange = self.exchange
        if exchange is None or door is not self._door:
            door.line.abort()
            return
        try:
            self._read_answer(exchange, door)
        except WireError as error:
            self._do(exchange.backend_unreadable(error, self.house.clock()))
        self._flush()
        if self.exchange is None and self.reader.unread:
            self.pump()

    def _read_answer(self, exchange: Exchange, door: BackDoor) -> None:
        reader = door.reader
        out = self._to_client
        ledger = exchange.ledger
        while door.busy:
            event = reader.next()
            if isinstance(event, bytes):
                ledger.response_bytes += len(event)
                self.deadline.moved(Timer.QUIET)
                if not exchange.dechunk:
                    out.append(event)
                    if exchange.pulse is not None and exchange.pulse.over:
                        reader.tap = None
            elif event is NEED_DATA:
                return
            elif event is END:
                door.busy = False
                self._do(exchange.response_end(self.house.clock()))
            elif event.status < 200:
                self._do(exchange.interim(event))
            else:
                self._do(exchange.response_head(event, self.house.clock()))
                reader.tap = exchange.watch(out.append if exchange.dechunk else None)

    def backend_gone(self, door: BackDoor, reason: Failure) -> None:
        """A backend's connection is lost; an answer that ends with it is complete now."""
        self.doors.forget(door)
        exchange = self.exchange
        if exchange is None and door is self._tied:
            # Whoever the client was there, it is nobody anywhere else.
            self._end_front()
        if exchange is None or door is not self._door:
            return
        if door.busy:
            self.backend_data(door)
        elif self._door is door:
            # The answer is complete and the request is not: its rest has nowhere to go.
            self._do(exchange.backend_lost("the backend closed", self.house.clock()))
            self._flush()

    def backend_down(self, backend: Backend, text: str) -> None:
        """The backend is given up: what runs there is lost, what idles there is closed."""
        door = self.doors.get(backend)
        if door is None:
            return
        exchange = self.exchange
        if exchange is not None and door is self._door and not exchange.over and door.busy:
            if door.serving is not backend:
                return
            self._do(exchange.backend_lost(text, self.house.clock(), blame=False))
            self._flush()
            self.pump()
        elif door is not self._door and door.serving is backend:
            self.doors.drop(door)
            if door is self._tied and exchange is None:
                self._end_front()

    def backend_pressure(self, door: BackDoor, full: bool) -> None:
        """The backend reads slower than the client sends."""
        if door is self._door:
            self._join_pressure(full, self.front, Timer.QUIET)

    def front_pressure(self, full: bool) -> None:
        """The client reads slower than the backend sends."""
        if self._door is not None:
            self._join_pressure(full, self._door.line, Timer.STALL)

    def _join_pressure(self, full: bool, other: Line, timer: Timer) -> None:
        if full:
            other.hold("pressure")
            self.deadline.stall(timer)
        else:
            other.release("pressure")
            self.deadline.unstall()

    # Time.

    def tick(self, now: float) -> None:
        """Called about once a second: is anything due?"""
        self.doors.retire(now - self.house.rules.limits.backend_idle, but=self._door or self._tied)
        if now < self.deadline.at:
            return
        if self.front.ended and not self.gone:
            self.front.abort()
        exchange = self.exchange
        if exchange is None:
            self._end_front()
            return
        timer = self.deadline.timer
        self._do(exchange.expired(timer, now))
        if timer in (Timer.ANSWER, Timer.QUIET):
            self.house.log.warn(
                "backend {backend}: {error} ({request_type} of session {session})",
                backend=exchange.ledger.backend,
                error=exchange.ledger.error,
                request_type=exchange.facts.request_type,
                session=exchange.ledger.session,
            )
        self._flush()
        self.pump()

    def session_over(self, text: str) -> None:
        """The session has ended elsewhere, and with it whatever runs here."""
        if self.exchange is not None and not self.exchange.over:
            self._do(self.exchange.session_over(text, self.house.clock()))
            self._flush()

    def abort(self) -> None:
        """The service has stopped: whatever runs ends here, and is written down."""
        if self.exchange is not None:
            self._do(self.exchange.shut_down(self.house.clock()))
        self.front.abort()

    def stop(self) -> None:
        """The service stops: an idle connection is closed, a busy one after its exchange."""
        self.leaving = True
        if self.exchange is None:
            self._end_front()
