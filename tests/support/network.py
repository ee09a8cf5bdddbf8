"""What tests of the lab's network share: pieces without sockets, a device in memory, scripted peers."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any

from support.memory_network import MemoryReactor
from twisted.internet.protocol import ClientFactory, Protocol

from mapiproxy.lab.happening import Happening
from mapiproxy.lab.network.device import Device
from mapiproxy.lab.network.faults.base import At
from mapiproxy.lab.network.lane import Lane, RuleInPlay
from mapiproxy.lab.network.observer import Observer
from mapiproxy.lab.network.pieces import Connection, Cut, Direction, Fin, Item, Piece, Place
from mapiproxy.lab.network.rule import parse_rule
from mapiproxy.lab.network.selector import Aim

MAILBOX = "7a1f3c7e-0000-0000-0000-000000000001@example.test"


def request(
    request_type: str = "Execute", body: bytes = b"abcdef", *, target: str | None = None, headers: Iterable[str] = (), method: str = "POST"
) -> bytes:
    """One request with a length."""
    lines = [f"{method} {target or f'/mapi/emsmdb/?MailboxId={MAILBOX}'} HTTP/1.1", "Host: mail.example.test"]
    lines += [f"X-RequestType: {request_type}", "Content-Type: application/mapi-http", *headers]
    lines += [f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/mapi-http\r\nX-ResponseCode: 0\r\n"
AFTER_DONE = b"DONE\r\nX-ElapsedTime: 1\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def answer(binary: bytes = b"0123456789", pendings: int = 0) -> bytes:
    """A chunked answer as Exchange sends it."""
    parts = [b"PROCESSING\r\n", *[b"PENDING\r\n"] * pendings, AFTER_DONE + binary]
    return HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(map(chunk, parts)) + b"0\r\n\r\n"


def gromox_answer(binary: bytes = b"0123456789", pendings: int = 2) -> bytes:
    """As grommunio answers a NotificationWait: PENDING without a line end, PROCESSING twice."""
    parts = [b"PROCESSING\r\n", *[b"PENDING"] * pendings, b"PROCESSING\r\n" + AFTER_DONE + binary]
    return HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(map(chunk, parts)) + b"0\r\n\r\n"


def plain_answer(binary: bytes = b"0123456789") -> bytes:
    """With a length."""
    body = b"PROCESSING\r\n" + AFTER_DONE + binary
    return HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body


def payload_of(answer: bytes) -> bytes:
    """What is in the chunks of a chunked answer."""
    rest = answer[answer.index(b"\r\n\r\n") + 4 :]
    out = b""
    while True:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size, 16)
        if not length:
            assert rest == b"\r\n", rest
            return out
        out += rest[:length]
        assert rest[length : length + 2] == b"\r\n"
        rest = rest[length + 2 :]


CONNECTION = Connection(1, "127.0.0.1", "127.0.0.1:443")


def stream(data: bytes) -> Piece:
    """Bytes of no phase."""
    return Piece(data, Place(CONNECTION), data)


FIN = Fin(Place(CONNECTION))


def bytes_of(items: Iterable[Item]) -> bytes:
    return b"".join(item.data for item in items if isinstance(item, Piece))


class LaneUnderTest:
    """One direction with rules, a clock that is set, and what left when."""

    def __init__(self, *rules: dict[str, Any], direction: str = "to_client", seed: int = 1) -> None:
        self.left: list[tuple[float, Item]] = []
        self.struck: list[str] = []
        self.now = 0.0
        self.seed = seed
        self.lane = Lane(
            Direction(direction),
            lambda item: self.left.append((round(self.now, 6), item)),
            lambda play, _: Random(f"{seed}/{play.number}"),
            lambda play, place: self.struck.append(play.rule.name),
        )
        self.plays = [self.add(rule) for rule in rules]

    def add(self, table: dict[str, Any]) -> RuleInPlay:
        rule = parse_rule(table)
        number = len(getattr(self, "plays", ())) + 1
        play = RuleInPlay(rule, Aim(rule.selector, Random(self.seed), rule.per_request), number)
        self.lane.add(play)
        return play

    def put(self, *items: Item) -> None:
        for item in items:
            self.lane.put(item, self.now)

    def at(self, now: float) -> LaneUnderTest:
        """Let time pass until *now*, stopping whenever something is due."""
        while (due := self.lane.next_due) is not None and due <= now:
            self.now = max(self.now, due)
            self.lane.run(self.now)
        self.now = now
        return self

    def remove(self, index: int = 0) -> None:
        self.lane.remove(self.plays[index], self.now)

    @property
    def data(self) -> bytes:
        return bytes_of(item for _, item in self.left)

    @property
    def moments(self) -> list[tuple[float, bytes]]:
        """When which bytes left."""
        return [(at, item.data) for at, item in self.left if isinstance(item, Piece) and item.data]

    @property
    def cuts(self) -> list[tuple[float, Cut]]:
        return [(at, item) for at, item in self.left if isinstance(item, Cut)]


def conversation(raw_request: bytes, raw_answer: bytes) -> tuple[list[Item], list[Item]]:
    """The pieces of a request and of its answer."""
    observer = Observer(CONNECTION)
    return observer.request(raw_request), observer.answer(raw_answer)


def at(now: float = 0.0, seed: int = 1) -> At:
    return At(now, Random(seed))


class Peer(Protocol):
    """Keeps what it hears; says what a test tells it to."""

    def __init__(self) -> None:
        self.data = b""
        self.end = ""

    def dataReceived(self, data: bytes) -> None:
        self.data += data

    def connectionLost(self, reason: Any = None) -> None:
        self.end = type(reason.value).__name__


class _Made(ClientFactory):
    noisy = False

    def __init__(self, made: list[Peer]) -> None:
        self.made = made
        self.failed = ""

    def buildProtocol(self, addr: Any) -> Peer:
        peer = Peer()
        peer.addr = addr
        self.made.append(peer)
        return peer

    def clientConnectionFailed(self, connector: Any, reason: Any) -> None:
        self.failed = reason.getErrorMessage()


class Bench:
    """A device in memory between clients and servers that only listen."""

    def __init__(self, cls: type[Device] = Device, *, servers: int = 1, seed: int = 1, **more: Any) -> None:
        self.reactor = MemoryReactor()
        self.told: list[Happening] = []
        self.servers: list[list[Peer]] = [[] for _ in range(servers)]
        self.to = []
        for made in self.servers:
            port = self.reactor.listenTCP(0, _Made(made)).getHost().port
            self.to.append(("127.0.0.1", port))
        self.device = cls("box", self.reactor, Random(seed), self.told.append, to=self.to, **more)
        self.port = self.device.start()

    def client(self, source: str | None = None, factory: Any = None) -> Peer:
        """A client that is connected."""
        made: list[Peer] = []
        bind = (source, 0) if source else None
        self.reactor.connectTCP("127.0.0.1", self.port, factory or _Made(made), bindAddress=bind)
        self.settle()
        return made[0] if made else None

    @property
    def server(self) -> Peer:
        """The server's end of the newest connection."""
        return self.servers[0][-1]

    def say(self, peer: Peer, data: bytes) -> None:
        peer.transport.write(data)
        self.settle()

    def settle(self) -> None:
        self.reactor.settle()

    def wait(self, seconds: float) -> None:
        self.reactor.wait(seconds)

    def labels(self, kind: str) -> list[str]:
        return [each.label for each in self.told if each.kind == kind]
