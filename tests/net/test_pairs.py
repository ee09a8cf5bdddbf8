"""Nobody gets another's authenticated connection: ten thousand orders of events, and the ones that matter.

The backends here do what IIS does: whoever finishes a handshake on a connection is believed on it until
it closes. What they believe stands in each answer, and is compared with who asked.
"""

from __future__ import annotations

import random
from base64 import b64decode, b64encode
from itertools import count
from typing import Any

import pytest
from support.lines import MemoryDialer, Stage, lose, written

from mapiproxy.backends.fleet import Admin, Backend, Pool
from mapiproxy.backends.kind import Kind
from mapiproxy.backends.sessions import Sessions
from mapiproxy.net.backdoor import BackDoor
from mapiproxy.policy.rules import Rules

OFFER = b'WWW-Authenticate: NTLM\r\nWWW-Authenticate: Basic realm="x"\r\n'
FIRST = b64encode(b"NTLMSSP\0\1\0\0\0" + b"\0" * 32)


def final(user: str, nonce: bytes) -> bytes:
    """A type 3 message in the layout of MS-NLMP 2.2.1.3, its response being the challenge itself."""
    name = user.encode("utf-16-le")
    fields = b"".join(len(part).to_bytes(2, "little") * 2 + (64 + at).to_bytes(4, "little")
                      for part, at in ((b"", 0), (nonce, len(name)), (b"", 0), (name, 0), (b"", 0), (b"", 0)))  # fmt: skip
    return b64encode(b"NTLMSSP\0\3\0\0\0" + fields + b"\1\0\0\0" + name + nonce)


class Iis:
    """The far end of one door."""

    numbers = count(1)

    def __init__(self, door: BackDoor) -> None:
        self.door = door
        self.nonce: bytes | None = None
        self.user: str | None = None
        self._read = 0

    def waiting(self) -> bytes | None:
        """The next whole request, if one has come."""
        data = written(self.door).data[self._read :]
        head, end, _ = data.partition(b"\r\n\r\n")
        return head if end else None

    def answer(self) -> None:
        head = self.waiting()
        assert head is not None
        self._read += len(head) + 4
        scheme, _, token = _field(head, b"Authorization").partition(b" ")
        if scheme == b"Basic":
            self._say(b"200 OK", b"X-Believed: " + b64decode(token).partition(b":")[0])
        elif scheme == b"NTLM":
            self._shake(b64decode(token))
        elif self.user is not None:
            self._say(b"200 OK", b"X-Believed: " + self.user.encode(), b"X-By: connection")
        else:
            self._say(b"401 Unauthorized", OFFER[:-2])

    def _shake(self, message: bytes) -> None:
        self.user = None
        if message[8] == 1:
            self.nonce = b"nonce-%06d" % next(self.numbers)
            token = b64encode(b"NTLMSSP\0\2\0\0\0" + self.nonce)
            self._say(b"401 Unauthorized", b"WWW-Authenticate: NTLM " + token)
            return
        nonce, self.nonce = self.nonce, None
        if nonce is None or not message.endswith(nonce):
            self._say(b"401 Unauthorized", OFFER[:-2])
            return
        self.user = message[64 : -len(nonce)].decode("utf-16-le")
        self._say(b"200 OK", b"X-Believed: " + self.user.encode(), b"X-By: connection")

    def _say(self, status: bytes, *lines: bytes) -> None:
        self.door.dataReceived(b"\r\n".join([b"HTTP/1.1 " + status, b"Content-Length: 0", *lines, b"", b""]))


def _field(head: bytes, name: bytes) -> bytes:
    for line in head.split(b"\r\n"):
        if line.startswith(name + b": "):
            return line.partition(b": ")[2]
    return b""


class Client(Stage):
    """One connection of *user*, who never sends anybody else's credentials but may try their luck."""

    def __init__(self, world: World, user: str) -> None:
        super().__init__(*world.backends)
        self.user = user
        self.rules, self.backends, self.dialer = world.rules, world.backends, world.dialer
        house = self.relay.house
        house.rules, house.dialer = world.rules, world.dialer  # type: ignore[assignment]
        self.relay.doors._dialer = world.dialer  # type: ignore[assignment]
        self.seen = 0
        self.nonces: list[bytes] = []
        self.finished = False

    def ask(self, authorization: bytes = b"", mailbox: str = "a@b") -> None:
        line = b"Authorization: " + authorization + b"\r\n" if authorization else b""
        if authorization.startswith(b"NTLM") and authorization != b"NTLM " + FIRST:
            self.finished = True
        self.send(b"POST /mapi/emsmdb/?MailboxId=%b HTTP/1.1\r\nHost: h\r\nX-RequestType: PING\r\n"
                  b"Content-Length: 0\r\n%b\r\n" % (mailbox.encode(), line))  # fmt: skip

    def check(self) -> int:
        """Look at the answers that have come since; returns how many were believed."""
        heads = self.front.data.split(b"\r\n\r\n")[:-1]
        believed = 0
        for head in heads[self.seen :]:
            name = _field(head, b"X-Believed")
            if name:
                believed += 1
                assert name == self.user.encode(), f"{self.user} was served as {name!r}"
                if _field(head, b"X-By"):
                    assert self.finished, "authenticated without having been"
            challenge = _field(head, b"WWW-Authenticate").partition(b" ")[2]
            if challenge and not challenge.startswith(b"realm"):
                self.nonces.append(b64decode(challenge)[12:])
        self.seen = len(heads)
        return believed


class World:
    """Two backends, some clients, and everything that was ever dialled."""

    def __init__(self, kind: Kind = Kind.EXCHANGE) -> None:
        self.backends = {name: Backend(name, name, 80, tls=False, kind=kind) for name in ("one", "two")}
        self.rules = Rules((Pool("mapi", kind, tuple(self.backends.values())),), Sessions())
        self.dialer = MemoryDialer()
        self.servers: list[Iis] = []

    def connect_all(self) -> None:
        for dial in self.dialer.dials:
            if not dial.over:
                self.servers.append(Iis(dial.succeed()))

    @property
    def busy(self) -> list[Iis]:
        return [s for s in self.servers if written(s.door).ended is None and s.waiting() is not None]

    @property
    def alive(self) -> list[Iis]:
        return [s for s in self.servers if written(s.door).ended is None]

    def settle(self) -> None:
        self.connect_all()
        while self.busy:
            self.busy[0].answer()
            self.connect_all()


def logged_on(world: World, user: str) -> Client:
    client = Client(world, user)
    client.ask(b"NTLM " + FIRST)
    world.settle()
    client.check()
    client.ask(b"NTLM " + final(user, client.nonces[-1]))
    world.settle()
    assert client.check() == 1
    return client


@pytest.fixture
def world() -> World:
    return World()


def test_after_the_handshake_requests_without_credentials_are_the_users(world):
    client = logged_on(world, "alice")
    for _ in range(3):
        client.ask()
    world.settle()

    assert client.check() == 3
    assert len(world.servers) == 1
    assert [ledger.user for ledger in client.ledgers[1:]] == ["alice"] * 4


def test_pipelining_after_the_last_token_does_not_get_ahead_of_it(world):
    client = Client(world, "alice")
    client.ask(b"NTLM " + FIRST)
    world.settle()
    client.check()
    client.ask(b"NTLM " + final("alice", client.nonces[-1]))
    client.ask()
    client.ask(mailbox="other@b")
    world.settle()

    assert client.check() == 3
    assert len(world.servers) == 1


def test_another_client_is_nobody_whatever_mailbox_it_names(world):
    logged_on(world, "alice")
    mallory = Client(world, "mallory")
    mallory.ask(mailbox="a@b")
    world.settle()

    assert mallory.check() == 0
    assert b"401" in mallory.front.data
    assert len(world.servers) == 2


def test_a_handshake_cannot_be_finished_on_another_connection(world):
    alice, mallory = Client(world, "alice"), Client(world, "mallory")
    for client in (alice, mallory):
        client.ask(b"NTLM " + FIRST)
    world.settle()
    for client in (alice, mallory):
        client.check()
    mallory.ask(b"NTLM " + final("alice", alice.nonces[-1]))
    world.settle()
    mallory.ask()
    world.settle()

    assert mallory.check() == 0
    alice.ask(b"NTLM " + final("alice", alice.nonces[-1]))
    world.settle()
    assert alice.check() == 1


def test_a_backend_lost_between_challenge_and_answer_takes_the_client_with_it(world):
    client = Client(world, "alice")
    client.ask(b"NTLM " + FIRST)
    world.settle()
    lose(world.servers[0].door)

    assert client.front.ended is not None
    client.ask(b"NTLM " + final("alice", b"nonce"))
    assert len(world.dialer.dials) == 1


def test_a_backend_lost_while_the_last_token_is_checked_takes_the_client_with_it(world):
    client = Client(world, "alice")
    client.ask(b"NTLM " + FIRST)
    world.settle()
    client.check()
    client.ask(b"NTLM " + final("alice", client.nonces[-1]))
    lose(world.servers[0].door)

    assert client.front.ended is not None
    assert len(world.dialer.dials) == 1


def test_a_client_that_leaves_takes_its_backend_connection_with_it(world):
    client = logged_on(world, "alice")
    client.hang_up()
    assert written(world.servers[0].door).ended is not None


def test_an_authenticated_connection_is_not_closed_for_being_idle_a_plain_one_is(world):
    client = logged_on(world, "alice")
    plain = Client(world, "bob")
    plain.ask(b"Basic " + b64encode(b"bob:pw"))
    world.settle()
    client.pass_time(200.0)
    plain.pass_time(200.0)

    assert [written(server.door).ended is None for server in world.servers] == [True, False]
    assert (client.front.ended, plain.front.ended) == (None, None)


def test_a_server_given_up_ends_idle_pairs(world):
    client = logged_on(world, "alice")
    client.relay.backend_down(world.servers[0].door.serving, "DOWN")
    assert client.front.ended is not None


def test_basic_is_not_tied_and_may_be_served_by_another_backend_at_once(world):
    client = Client(world, "bob")
    client.ask()
    world.settle()
    client.ask(b"Basic " + b64encode(b"bob:pw"))
    world.settle()
    lose(world.servers[0].door)
    client.ask(b"Basic " + b64encode(b"bob:pw"))
    world.settle()

    assert client.check() == 2
    assert client.front.ended is None


def test_a_door_that_is_not_ours_is_refused_at_run_time(world):
    """It cannot happen; this makes it happen."""
    logged_on(world, "alice")
    mallory = Client(world, "mallory")
    door: Any = world.servers[0].door
    mallory.relay.doors._doors[door.backend.name] = door
    before = written(door).data
    mallory.ask()

    assert written(door).data == before
    assert mallory.front.ended is not None
    assert mallory.ledgers[0].error == "the identity guard stopped the request"
    assert b"X-Believed" not in mallory.front.data


def test_a_session_that_lives_elsewhere_is_followed_as_nobody_and_a_new_handshake_ties_there():
    """Only grommunio's sessions cannot be served by the backend of the pair."""
    world = World(Kind.GROMMUNIO)
    client = logged_on(world, "alice")
    first = world.servers[0].door.backend.name
    world.backends[first].admin = Admin.DRAIN
    client.send(b"POST /mapi/emsmdb/?MailboxId=a@b HTTP/1.1\r\nHost: h\r\nX-RequestType: Connect\r\n"
                b"Content-Length: 0\r\n\r\n")  # fmt: skip
    world.settle()

    assert client.check() == 0
    assert [server.door.backend.name for server in world.servers] == [first, *({"one", "two"} - {first})]
    assert written(world.servers[0].door).ended is not None
    assert (client.ledgers[-1].status, client.ledgers[-1].user) == (401, None)
    client.ask(b"NTLM " + FIRST)
    world.settle()
    client.check()
    client.ask(b"NTLM " + final("alice", client.nonces[-1]))
    world.settle()
    assert client.check() == 1
    assert len(world.servers) == 2


def play(seed: int) -> int:
    """One random order of events; returns how many requests were served as somebody."""
    chance = random.Random(seed)
    world = World(chance.choice([Kind.EXCHANGE, Kind.GROMMUNIO]))
    users = ["alice", "bob", "carol"]
    clients = [Client(world, user) for user in users]
    believed = 0
    for _ in range(chance.randrange(8, 26)):
        client = chance.choice(clients)
        what = chance.random()
        if client.front.ended or what < 0.04:
            client.hang_up()
            clients[clients.index(client)] = Client(world, client.user)
        elif what < 0.16:
            client.ask(b"NTLM " + FIRST, chance.choice(["a@b", "b@c", "c@d"]))
            if chance.random() < 0.7:
                world.settle()
        elif what < 0.36:
            # With one's own name, but any challenge that anybody has seen.
            everybody = [nonce for each in clients for nonce in each.nonces[-1:]]
            nonce = client.nonces[-1] if client.nonces and chance.random() < 0.8 else b"x"
            if everybody and chance.random() < 0.2:
                nonce = chance.choice(everybody)
            client.ask(b"NTLM " + final(client.user, nonce))
            if chance.random() < 0.5:
                world.settle()
        elif what < 0.55:
            for _ in range(chance.choice([1, 1, 2, 3])):
                client.ask(mailbox=chance.choice(["a@b", "b@c", "c@d"]))
        elif what < 0.6:
            client.ask(b"Basic " + b64encode(client.user.encode() + b":pw"))
        elif what < 0.65 and world.alive:
            lose(chance.choice(world.alive).door, chance.random() < 0.5)
        elif what < 0.68 and world.alive:
            client.relay.backend_down(chance.choice(world.alive).door.serving, "DOWN")
        elif what < 0.7:
            client.pass_time(chance.choice([1.0, 130.0]))
        elif world.busy and what < 0.85:
            chance.choice(world.busy).answer()
        else:
            world.settle()
        world.connect_all()
        believed += sum(each.check() for each in clients)
    world.settle()
    return believed + sum(each.check() for each in clients)


def test_ten_thousand_random_orders_show_nobody_anothers_identity():
    served = [play(seed) for seed in range(10_000)]
    # The play is not empty: most of them serve somebody, many by the connection's identity.
    assert sum(served) > 10_000
