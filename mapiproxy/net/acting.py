"""Carries out what exchanges ask for, on behalf of one client connection.

An exchange decides and this does: it writes, dials, arms the deadline, closes. What one turn produces for
a side is collected and leaves in a single write, so that a head and its body are one TLS record; nothing
is ever kept for a later turn (reference M1).
"""

from __future__ import annotations

from collections.abc import Sequence

from mapiproxy.backends.fleet import Backend
from mapiproxy.backends.sessions import Session
from mapiproxy.exchange.actions import (
    Arm,
    CutClient,
    Dial,
    DropBackend,
    EndWaits,
    Finish,
    Say,
    Timer,
    ToBackend,
    ToClient,
)
from mapiproxy.exchange.base import Actions
from mapiproxy.exchange.exchange import Exchange
from mapiproxy.net.backdoor import BackDoor, Owner
from mapiproxy.net.deadline import Deadline
from mapiproxy.net.dialer import DialFailed
from mapiproxy.net.doors import Doors
from mapiproxy.net.house import House
from mapiproxy.net.line import Line
from mapiproxy.policy.bond import Bond
from mapiproxy.policy.firewall import Network
from mapiproxy.policy.headers import Hop
from mapiproxy.policy.illness import Blame
from mapiproxy.wire.reader import RequestReader


class Acting(Owner):
    """One client connection, as far as it is acted upon.

    :ivar exchange: the one in progress, or ``None`` between requests.
    :ivar leaving: the connection is to end after its exchange.
    :ivar trusted: networks of peers whose X-Forwarded-For is believed; empty unless the peer is in one.
    :ivar session: the one that the last request belonged to.
    :ivar doors: this client's own connections to backends.
    :ivar bond: whether one of them is a pair with the client's, which is then the only one.
    """

    def __init__(self, house: House, front: Line, hop: Hop, port: int, head_limit: int) -> None:
        self.house = house
        self.front = front
        self.hop = hop
        self.port = port
        self.reader = RequestReader(head_limit)
        self.exchange: Exchange | None = None
        self.doors = Doors(house.dialer, self)
        self.deadline = Deadline(house.clock, house.rules.limits)
        self.gone = False
        self.trusted: Sequence[Network] = ()
        self.leaving = False
        self.bond = Bond()
        self._tied: BackDoor | None = None
        self._door: BackDoor | None = None
        self._to_client: list[bytes] = []
        self._to_backend: list[bytes] = []
        self._busy = False
        self.session: Session | None = None

    @property
    def addresses(self) -> tuple[str, int, str, int]:
        """The client's address and port, and ours that it came to."""
        here = self.front.transport.getHost()
        return self.hop.client_ip, self.port, here.host, here.port

    def pump(self) -> None:
        """Read on from the client; the reading half of a relay knows how."""
        raise NotImplementedError

    def _do(self, actions: Actions) -> None:
        for action in actions:
            kind = type(action)
            if kind is ToClient:
                self._to_client.append(action.data)  # type: ignore[union-attr]
            elif kind is ToBackend:
                self._to_backend.append(action.data)  # type: ignore[union-attr]
            elif kind is Arm:
                self.deadline.arm(action.timer, action.seconds)  # type: ignore[union-attr]
            elif isinstance(action, Say):
                self.house.log.warn("{line}", line=action.text)
            elif isinstance(action, Finish):
                self._finish(action)
            elif isinstance(action, Dial):
                self._dial(action)
            elif isinstance(action, EndWaits):
                for relay in [*self.house.waits.get(action.session, ())]:
                    relay.session_over("the session was ended by its client")
            elif isinstance(action, DropBackend):
                if self._door is not None:
                    self.doors.drop(self._door)
                    self._to_backend.clear()
            elif isinstance(action, CutClient):
                self._flush()
                if action.hard:
                    self.front.abort()
                else:
                    self.front.finish()

    def _dial(self, action: Dial) -> None:
        assert self.exchange is not None
        # The choice itself has taken as long as this; for rules no time passes.
        now = self.exchange.ledger.routed_at = self.house.clock()
        self._leave_door()
        self._part_from(action.backend)
        door = self.doors.find(action.backend)
        if door is not None:
            self._connected(door, action.backend, now)
            return
        if self._tied is not None:
            self._do(self.exchange.pair_lost("the authenticated connection to the backend is gone", now))
            return
        self.exchange.ledger.dial_at = now
        self.deadline.rest()
        self.doors.dial(action.backend, self._dialled, self._not_dialled)

    def _part_from(self, backend: Backend) -> None:
        """The rules want another backend than the pair's: end the pair, and with it who the client was."""
        if self._tied is not None and not self._tied.backend.is_at(backend):
            assert self.exchange is not None
            ledger = self.exchange.ledger
            self.doors.drop(self._tied)
            self._tied = None
            self.bond.loosen()
            if ledger.credentials.scheme is None:
                # It counted on the pair: where it goes now it is nobody's.
                ledger.auth_scheme = ledger.user = None
            self.bond.asked(ledger.credentials, ledger.auth_scheme)

    def _tie(self, door: BackDoor) -> None:
        """From now on this is the only backend connection of the client."""
        self._tied = door
        self.bond.backend = door.backend.name
        self.doors.close(but=door)

    def _is_breach(self, door: BackDoor) -> bool:
        """Whether a request is about to go where its client is not who it is (reference N5).

        It cannot happen: a door is made for its owner and known to nobody else. That is looked at all the
        same each time, for this is the one mistake that would show one user's mail to another.
        """
        tied = self._tied
        return door.owner is not self or door.busy or (tied is not None and tied is not door)

    def _leave_door(self) -> None:
        """The request goes again, over another connection."""
        door, exchange = self._door, self.exchange
        if door is not None and exchange is not None:
            self._door = None
            door.serving.exchanges -= 1
            blame, exchange.blame = exchange.blame, None
            if blame is not None:
                self.house.judge(door.serving, blame)

    def _dialled(self, door: BackDoor) -> None:
        self._connected(door, door.backend, self.house.clock())
        self.pump()
        self._flush()

    def _connected(self, door: BackDoor, backend: Backend, now: float) -> None:
        exchange = self.exchange
        assert exchange is not None
        if self._is_breach(door):
            self.house.log.critical(
                "AUTH-PIN breach prevented: {door!r} is not this client's (please report this)", door=door
            )
            self._do(exchange.pair_lost("the identity guard stopped the request", now))
            return
        if self.bond.tied and self._tied is None:
            self._tie(door)
        self._door = door
        door.serving = backend
        door.busy = True
        door.used += 1
        backend.exchanges += 1
        door.reader.expect(exchange.head.method)
        self._do(exchange.connected(door.used == 1, self.reader.unread > 0, now))

    def _not_dialled(self, failure: DialFailed) -> None:
        assert self.exchange is not None
        self.house.log.warn(
            "backend {backend}: {stage} failed: {text}",
            backend=failure.backend,
            stage=failure.stage,
            text=failure.text,
        )
        text = f"{failure.stage}: {failure.text}"
        if self.exchange.backend is not None:
            self.house.judge(self.exchange.backend, Blame(text))
        self._do(self.exchange.dial_failed(text, self.house.clock(), failure.refused))
        self.pump()
        self._flush()

    def _finish(self, action: Finish) -> None:
        self._flush()
        exchange = self.exchange
        assert exchange is not None
        self.exchange = None
        # With the time that it took to encrypt and write what the rules have ended.
        exchange.ledger.ended_at = self.house.clock()
        door, self._door = self._door, None
        if door is not None:
            door.serving.exchanges -= 1
            door.idle_since = self.house.clock()
            door.line.release("pressure")
            if not action.keep_backend or door.reader.unread:
                self.doors.drop(door)
            if exchange.blame is not None or exchange.ledger.backend_status is not None:
                self.house.judge(door.serving, exchange.blame)
            if self.bond.tied and self._tied is None:
                self._tie(door)
        self.session = exchange.session
        if exchange.is_wait:
            self._end_wait(exchange)
        self.house.record(exchange.ledger)
        if self.gone:
            self.doors.close()
        elif not action.keep_client or self.leaving or self._is_widowed():
            self._end_front(gently=door is None)
        else:
            self.deadline.await_request(begun=False)

    def _is_widowed(self) -> bool:
        """The pair's other half is gone."""
        return self._tied is not None and not self._tied.open

    def _begin_wait(self, exchange: Exchange) -> None:
        """It can be found by its session from now on."""
        if exchange.facts.session is not None:
            self.house.waits.setdefault(exchange.facts.session, set()).add(self)

    def _end_wait(self, exchange: Exchange) -> None:
        session = exchange.facts.session
        waiting = self.house.waits.get(session) if session is not None else None
        if session is not None and waiting is not None:
            waiting.discard(self)
            if not waiting:
                del self.house.waits[session]

    def _end_front(self, gently: bool = False) -> None:
        """Close the client's connection; gently when it may still be sending (RFC 9112 9.6)."""
        self._flush()
        self.doors.close()
        if gently:
            self.front.finish_writing(self.hop.secure)
        else:
            self.front.finish()
        self.deadline.arm(Timer.LINGER, self.house.rules.limits.linger)

    def _flush(self) -> None:
        """Everything that has been produced leaves now, in one write a side."""
        if self._to_client:
            if not self.gone:
                self.front.write_pieces(self._to_client)
            self._to_client.clear()
        if self._to_backend:
            if self._door is not None:
                self._door.line.write_pieces(self._to_backend)
            self._to_backend.clear()
