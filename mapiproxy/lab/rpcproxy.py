"""How a lab server plays the RPC proxy of Outlook Anywhere: two channels make a virtual connection.

RPC over HTTP v2 (MS-RPCH, reference mapi-http-protocol 10.2). RPC_OUT_DATA has a short body and an
answer of 1 GiB, RPC_IN_DATA a body of 1 GiB and no answer unless it is refused; the cookie in their
first PDUs (rts.py) says which belong together, in either order, and both must be of one user. The
opening is the real one: A1 and A3, B1, C2. Behind it there is no RPC server but an echo, which is
the lab's own: what comes in on IN leaves on OUT at once, byte for byte, whole PDUs or not.

A half that is lost takes the other one with it, and so does a declared length that is spent:
channels are not recycled. A half that stays alone is given up after :attr:`RpcProxy.patience`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Protocol

from attrs import define, field, frozen
from twisted.internet.interfaces import IDelayedCall

from mapiproxy.lab.authenticating import lines_of
from mapiproxy.lab.delivery import Clock
from mapiproxy.lab.dialect import Answer
from mapiproxy.lab.directories import RPC_PATHS
from mapiproxy.lab.requests import LabRequest
from mapiproxy.lab.rts import (
    A1,
    B1,
    CHANNEL_LENGTH,
    ECHO_LIMIT,
    BadPdu,
    Pdu,
    conn_a3,
    conn_c2,
    take_pdu,
)
from mapiproxy.lab.users import Challenged, LabUser

if TYPE_CHECKING:
    from mapiproxy.lab.backend import LabBackend

#: Win32 and RPC errors that stand in the reason of a 503.
ACCESS_DENIED, PROTOCOL_ERROR, SERVER_UNAVAILABLE = 5, 0x6C0, 0x6BA
#: ConnectionTimeout of A3 and C2, in milliseconds.
_TIMEOUT = 120_000
#: A client that sends more than this before C2 does not keep to the protocol.
_EARLY_LIMIT = 65536
_PERSISTENCE = re.compile(rb"\r\n(?:Connection|Keep-Alive):[^\r]*", re.IGNORECASE)


class Link(Protocol):
    """The connection that a channel is on."""

    transport: Any

    def send(self, data: bytes) -> None: ...

    def hang_up(self) -> None:
        """Close, after what was sent."""


@frozen
class Opened:
    """A line in the book of channels.

    :ivar direction: "in" or "out".
    :ivar cookie: of the virtual connection.
    """

    direction: str
    login: str
    target: bytes
    cookie: bytes
    connection: object


@define(eq=False)
class Channel:
    """One half of a virtual connection."""

    proxy: RpcProxy
    link: Link
    request: LabRequest
    user: LabUser
    number: object
    left: int
    _unread: bytearray = field(factory=bytearray, repr=False)
    joined: VirtualConnection | None = None

    @property
    def direction(self) -> str:
        return "in" if self.request.method == b"RPC_IN_DATA" else "out"

    def received(self, data: bytes) -> None:
        """A piece of the body of RPC_IN_DATA."""
        self.left -= len(data)
        if self.joined is None:
            self._unread += data
            try:
                pdu = take_pdu(self._unread)
            except BadPdu:
                pdu, self.left = None, 0
            if pdu is None and self.left <= 0:
                self.refuse(PROTOCOL_ERROR)
            if pdu is None or not self.proxy.join(self, pdu):
                return
            data, self._unread = bytes(self._unread), bytearray()
        if self.joined is not None and data:
            self.joined.inward(data)
        if self.joined is not None and self.left <= 0:
            self.joined.close()

    def send(self, data: bytes) -> None:
        """A piece of the answer to RPC_OUT_DATA, as far as its declared length goes."""
        piece = data[: self.left]
        self.left -= len(piece)
        self.link.send(piece)
        if self.left <= 0 and self.joined is not None:
            self.joined.close()

    def refuse(self, error: int) -> None:
        """Answer that there will be no virtual connection, which IN may hear in mid-request."""
        self.link.send(refusal(error).raw)
        self.link.hang_up()

    def lost(self) -> None:
        """Its connection is gone."""
        if self.joined is not None:
            self.joined.close()


@define(eq=False)
class VirtualConnection:
    """Two channels, or one that waits for the other."""

    proxy: RpcProxy
    cookie: bytes
    user: LabUser
    halves: dict[str, Channel] = field(factory=dict)
    timer: IDelayedCall | None = None
    closed: bool = False
    _early: bytearray = field(factory=bytearray, repr=False)

    def complete(self) -> None:
        """Both halves are there: say so, and let IN go no faster than OUT."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        out = self.halves["out"]
        out.link.transport.registerProducer(self.halves["in"].link.transport, True)
        out.send(conn_c2(_TIMEOUT).raw + bytes(self._early))
        self._early.clear()

    def inward(self, data: bytes) -> None:
        if self.closed:
            return
        if len(self.halves) == 2:
            self.halves["out"].send(data)
            return
        self._early += data
        if len(self._early) > _EARLY_LIMIT:
            self.close()

    def alone(self) -> None:
        """The other half did not come."""
        self.timer = None
        half = next(iter(self.halves.values()))
        if half.direction == "in":
            half.refuse(SERVER_UNAVAILABLE)
        self.close()

    def close(self) -> None:
        """Close both halves."""
        if self.closed:
            return
        self.closed = True
        self.proxy.connections.pop(self.cookie, None)
        if self.timer is not None:
            self.timer.cancel()
        if len(self.halves) == 2:
            self.halves["out"].link.transport.unregisterProducer()
        for half in self.halves.values():
            half.link.hang_up()


class RpcProxy:
    """The virtual connections of one lab server.

    :ivar connections: the open ones, by cookie.
    :ivar opened: every channel that was let in, oldest first.
    :ivar patience: seconds for which a half waits for the other.
    :ivar length: the declared length of OUT's answer.
    """

    def __init__(self, backend: LabBackend, clock: Clock) -> None:
        self.connections: dict[bytes, VirtualConnection] = {}
        self.opened: list[Opened] = []
        self.patience = 30.0
        self.length = CHANNEL_LENGTH
        self._backend = backend
        self._clock = clock

    def begins(self, request: LabRequest) -> bool:
        """Whether this is RPC_IN_DATA that must be read as it comes."""
        return request.method == b"RPC_IN_DATA" and request.length > ECHO_LIMIT

    def answers(self, request: LabRequest) -> bool:
        """Whether this is RPC_OUT_DATA, whole, that is answered for as long as it lasts."""
        return request.method == b"RPC_OUT_DATA" and request.length > ECHO_LIMIT

    def admit(self, request: LabRequest, link: Link, memory: dict[str, object]) -> Answer | Channel:
        """Let a channel in, or say why not; OUT has then been given its answer's head.

        An answer to RPC_IN_DATA closes the connection: the rest of its body has no end.
        """
        inward = request.method == b"RPC_IN_DATA"
        if request.path.lower() not in RPC_PATHS:
            return Answer(b"HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", True)
        user = self._backend.authenticator.check(request.headers.get(b"authorization"), memory)
        if isinstance(user, Challenged):
            answer = self._backend.dialect.unauthorized(request, user, self._clock.seconds())
            if inward:
                raw = _PERSISTENCE.sub(b"", answer.raw)
                answer.raw = raw.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
                answer.close = True
            return answer
        left = request.length if inward else self.length
        channel = Channel(self, link, request, user, memory.get("connection"), left)
        if inward:
            return channel
        try:
            unread = bytearray(request.body)
            pdu = take_pdu(unread)
        except BadPdu:
            pdu = None
        if pdu is None or unread or pdu.shape != A1:
            return refusal(PROTOCOL_ERROR)
        reveal = user.login if self._backend.options.reveal else None
        refused = self._refused(channel, pdu)
        if refused is not None:
            return refusal(refused)
        link.send(self._head(lines_of(reveal, memory)))
        channel.send(conn_a3(_TIMEOUT).raw)
        self.join(channel, pdu)
        return channel

    def _refused(self, channel: Channel, pdu: Pdu) -> int | None:
        """The error of a first PDU that does not open or complete a virtual connection."""
        if pdu.flags or pdu.shape not in (A1, B1) or int.from_bytes(pdu.commands[0][1], "little") != 1:
            return PROTOCOL_ERROR
        if (pdu.shape == B1) is not (channel.direction == "in"):
            return PROTOCOL_ERROR
        found = self.connections.get(pdu.commands[1][1])
        if found is None:
            return None
        if found.user != channel.user:
            return ACCESS_DENIED
        return PROTOCOL_ERROR if channel.direction in found.halves else None

    def join(self, channel: Channel, pdu: Pdu) -> bool:
        """Put a channel where the cookie in its first PDU says; refuse it if that cannot be."""
        refused = self._refused(channel, pdu)
        if refused is not None:
            channel.refuse(refused)
            return False
        cookie = pdu.commands[1][1]
        found = self.connections.get(cookie)
        if found is None:
            found = VirtualConnection(self, cookie, channel.user)
            found.timer = self._clock.callLater(self.patience, found.alone)
            self.connections[cookie] = found
        found.halves[channel.direction] = channel
        channel.joined = found
        self.opened.append(
            Opened(channel.direction, channel.user.login, channel.request.target, cookie, channel.number)
        )
        if len(found.halves) == 2:
            found.complete()
        return True

    def _head(self, lines: bytes) -> bytes:
        name = b""
        if self._backend.kind == "exchange":
            name = b"Server: Microsoft-IIS/10.0\r\nX-FEServer: %b\r\n" % self._backend.name.encode("ascii")
        head = (b"HTTP/1.1 200 Success\r\nContent-Type: application/rpc\r\nContent-Length: %d\r\n%b\r\n") % (
            self.length,
            name,
        )
        return head.replace(b"\r\n", lines, 1) if lines else head


def refusal(error: int) -> Answer:
    """503 with the reason that MS-RPCH 2.1.2.1.3 wants."""
    head = b"HTTP/1.1 503 RPC Error: %x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    return Answer(head % error, True)
