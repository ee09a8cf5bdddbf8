"""Which backend: the session's, the mailbox's, the one with the fewest sessions; and what a lost one means."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from mapiproxy.backends.fleet import Admin, Backend, Pool
from mapiproxy.backends.kind import Kind
from mapiproxy.backends.sessions import Sessions, State
from mapiproxy.mapi.reading import RequestFacts, read_target
from mapiproxy.policy.refusals import Refusal
from mapiproxy.policy.routecookie import RouteKeys
from mapiproxy.policy.routing import Home, Lost, Route, choose, find_home, least_sessions, rendezvous

KEYS = [f"{number:08x}-6540-6578@example.test" for number in range(20_000)]
ROOT = Path(__file__).resolve().parents[2]


def fleet(**weights: int) -> list[Backend]:
    return [Backend(name, "h", 443, weight=weight) for name, weight in weights.items()]


def placed(backends):
    return {key: rendezvous(key, backends).name for key in KEYS}


def test_any_process_places_a_mailbox_alike():
    """No state is shared between nodes, so nothing may depend on a process's own hashing."""
    code = (
        "from mapiproxy.backends.fleet import Backend; from mapiproxy.policy.routing import rendezvous;"
        "b=[Backend(n,'h',1) for n in ('a','b','c')];"
        "print(''.join(rendezvous(f'{i}@x', b).name for i in range(200)))"
    )
    outputs = {
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed},
                       capture_output=True, text=True, check=True).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    here = "".join(rendezvous(f"{i}@x", fleet(a=100, b=100, c=100)).name for i in range(200))

    assert outputs == {here + "\n"}


def test_the_case_of_a_mailbox_does_not_matter():
    backends = fleet(a=100, b=100, c=100)

    assert all(rendezvous(key.upper(), backends) is rendezvous(key, backends) for key in KEYS[:200])


def test_shares_follow_weights():
    shares = Counter(placed(fleet(a=100, b=50, c=50)).values())

    assert shares["a"] / len(KEYS) == pytest.approx(0.5, abs=0.02)
    assert shares["b"] / len(KEYS) == pytest.approx(0.25, abs=0.02)


def test_a_backend_that_goes_takes_only_its_own_mailboxes_along():
    before = placed(fleet(a=100, b=100, c=100, d=100))
    after = placed(fleet(a=100, b=100, c=100))
    moved = [key for key in KEYS if before[key] != after[key]]

    assert {before[key] for key in moved} == {"d"}
    assert len(moved) / len(KEYS) == pytest.approx(0.25, abs=0.02)


def test_a_backend_that_comes_takes_only_what_becomes_its_own():
    before = placed(fleet(a=100, b=100, c=100))
    after = placed(fleet(a=100, b=100, c=100, d=100))
    moved = [key for key in KEYS if before[key] != after[key]]

    assert {after[key] for key in moved} == {"d"}
    assert len(moved) / len(KEYS) == pytest.approx(0.25, abs=0.02)


def test_a_changed_weight_moves_mailboxes_to_or_from_that_backend_alone():
    before = placed(fleet(a=100, b=100, c=100))
    after = placed(fleet(a=200, b=100, c=100))

    assert {after[key] for key in KEYS if before[key] != after[key]} == {"a"}


def test_weight_nought_takes_nobody():
    assert set(placed(fleet(a=0, b=1)).values()) == {"b"}
    assert rendezvous("x", fleet(a=0)) is None


GUID = b"{0C1DE5A9-0000-4000-8000-000000000001}:7"


def facts(session: bytes | None = None, mailbox: str | None = "a@b", request_type: str = "Execute",
          request_id: bytes | None = GUID, route: bytes | None = None) -> RequestFacts:  # fmt: skip
    query = f"?MailboxId={mailbox}" if mailbox else ""
    target = read_target(f"/mapi/emsmdb/{query}".encode())
    return RequestFacts(target, request_type, session, request_id, route)


class Place:
    """A pool of three, a table, and what is asked of them."""

    def __init__(self, kind: Kind = Kind.EXCHANGE, keys: RouteKeys | None = None) -> None:
        self.pool = Pool("mapi", kind, tuple(fleet(a=100, b=100, c=100)))
        self.sessions = Sessions()
        self.keys = keys

    def route(self, asked: RequestFacts, tried=(), refused=(), now=1.0):
        home = find_home(asked, self.pool, self.sessions, self.keys, now)
        return choose(asked, self.pool, self.sessions, home, tried, refused)

    @property
    def a(self) -> Backend:
        return self.pool.by_name["a"]

    def other(self) -> Backend:
        """One where the mailbox does not belong."""
        home = rendezvous("a@b", self.pool.backends)
        return next(b for b in self.pool.backends if b is not home)


@pytest.fixture(params=list(Kind))
def place(request) -> Place:
    return Place(request.param)


def test_the_session_is_stronger_than_the_mailbox(place):
    other = place.other()
    place.sessions.learn(b"s", other.name, "emsmdb", 100.0, 0.0)

    assert place.route(facts(b"s")) == Route(other, "session")
    assert place.route(facts(b"unknown")).by == "mailbox"


def test_the_route_cookie_is_stronger_than_the_table():
    """Another node may have learnt of a move that we do not know of."""
    keys = RouteKeys((b"k" * 16,))
    place = Place(keys=keys)
    place.sessions.learn(b"s", "a", "emsmdb", 100.0, 0.0)
    cookie = keys.issue("mapi", "b", b"s")

    assert place.route(facts(b"s", route=cookie)) == Route(place.pool.by_name["b"], "route-cookie")
    assert place.route(facts(b"s", route=b"x" * 24)) == Route(place.a, "session")


def test_a_route_cookie_alone_is_enough_for_a_node_that_knows_nothing():
    keys = RouteKeys((b"k" * 16,))
    place = Place(Kind.GROMMUNIO, keys)
    other = place.other()

    assert place.route(facts(b"s", route=keys.issue("mapi", other.name, b"s"))).backend is other


def test_the_client_guid_finds_the_session_whose_cookie_is_not_known(place):
    other = place.other()
    session = place.sessions.learn(b"s", other.name, "emsmdb", 100.0, 0.0)
    place.sessions.know_client(session, ("emsmdb", GUID[:-2].lower(), "a@b"))

    assert place.route(facts(None)) == Route(other, "client")
    assert place.route(facts(b"new")).by == "client"
    assert place.route(facts(None, mailbox="x@y")).by == "mailbox"


def test_without_any_of_these_the_fewest_sessions_decide(place):
    place.sessions.learn(b"s", "a", "emsmdb", 100.0, 0.0)
    place.sessions.learn(b"t", "b", "emsmdb", 100.0, 0.0)

    assert place.route(facts(None, None)) == Route(place.pool.by_name["c"], "least-sessions")


def test_sessions_are_weighed(place):
    a, b = fleet(a=200, b=100)
    place.sessions.learn(b"s", "a", "emsmdb", 100.0, 0.0)
    place.sessions.learn(b"t", "b", "emsmdb", 100.0, 0.0)

    assert least_sessions([a, b], place.sessions) is a
    assert least_sessions(fleet(a=0), place.sessions) is None


def test_a_session_on_an_exchange_that_is_down_goes_by_its_mailbox():
    place = Place()
    place.sessions.learn(b"s", "a", "emsmdb", 100.0, 0.0)
    place.a.up = False
    route = place.route(facts(b"s"))

    assert route.by == "mailbox"
    assert route.backend is not place.a
    assert not route.stale


@pytest.mark.parametrize("how", ["down", "maint", "removed", "refused"])
def test_a_grommunio_session_whose_process_is_gone_is_lost(how):
    """N9: it lived in that process's memory."""
    place = Place(Kind.GROMMUNIO)
    place.sessions.learn(b"s", "a", "emsmdb", 100.0, 0.0)
    if how == "down":
        place.a.up = False
    elif how == "maint":
        place.a.admin = Admin.MAINT
    elif how == "removed":
        place.pool.replace(b for b in place.pool.backends if b.name != "a")
    tried = ["a"] if how == "refused" else []

    assert isinstance(place.route(facts(b"s"), tried, tried), Lost)


def test_a_grommunio_session_that_cannot_be_reached_may_still_live():
    """N4: no code 10 for a session that lives; a 503 leaves it alone."""
    place = Place(Kind.GROMMUNIO)
    place.sessions.learn(b"s", "a", "emsmdb", 100.0, 0.0)

    refusal = place.route(facts(b"s"), ["a"])

    assert isinstance(refusal, Refusal)
    assert refusal.retry_after


@pytest.mark.parametrize("request_type", ["Connect", "Bind"])
def test_a_connect_after_failover_goes_elsewhere_without_the_stale_cookies(request_type):
    """M7: grommunio would refuse them for ever."""
    place = Place(Kind.GROMMUNIO)
    place.sessions.learn(b"s", "a", "emsmdb", 100.0, 0.0)
    place.a.up = False
    route = place.route(facts(b"s", request_type=request_type))

    assert route.backend is not place.a
    assert route.stale


def test_a_connect_of_a_session_that_its_backend_disowned_is_stale_everywhere():
    place = Place(Kind.GROMMUNIO)
    place.sessions.learn(b"s", "a", "emsmdb", 100.0, 0.0)
    place.sessions.disown(b"s", "a", "emsmdb", 100.0, 1.0)

    assert place.route(facts(b"s", request_type="Connect")).stale
    assert place.route(facts(b"s")) == Route(place.a, "session")


def test_a_killed_session_is_lost_and_its_connect_is_let_in(place):
    session = place.sessions.learn(b"s", "a", "emsmdb", 100.0, 0.0)
    session.state = State.KILLED

    assert isinstance(place.route(facts(b"s")), Lost)
    assert isinstance(place.route(facts(b"s", request_type="Connect")), Route)


def test_a_draining_backend_keeps_its_sessions_and_takes_no_new_ones(place):
    """M17: nor a reconnect, which makes a new context."""
    place.sessions.learn(b"s", "a", "emsmdb", 100.0, 0.0)
    place.a.admin = Admin.DRAIN

    assert place.route(facts(b"s")) == Route(place.a, "session")
    assert place.route(facts(b"s", request_type="Connect")).backend is not place.a
    boxes = [facts(None, f"{n}@b", "Connect", None) for n in range(50)]
    assert all(place.route(asked).backend is not place.a for asked in boxes)


def test_a_session_that_nobody_here_knows_is_sent_where_its_mailbox_belongs_even_if_that_drains(place):
    home = rendezvous("a@b", place.pool.backends)
    home.admin = Admin.DRAIN

    assert place.route(facts(b"unknown")) == Route(home, "mailbox")
    assert place.route(facts(None)).backend is not home


def test_a_session_stays_on_a_backend_that_takes_no_new_ones(place):
    place.sessions.learn(b"s", "a", "emsmdb", 100.0, 0.0)
    place.a.weight = 0

    assert place.route(facts(b"s")).backend is place.a


def test_what_has_been_tried_is_not_tried_again():
    place = Place()
    place.sessions.learn(b"s", "a", "emsmdb", 100.0, 0.0)

    assert place.route(facts(b"s"), ["a"]).backend.name != "a"
    assert isinstance(place.route(facts(b"s"), ["a", "b", "c"]), Refusal)


def test_the_address_of_a_client_is_not_even_known_here():
    """Complaint 35."""
    assert not [name for name in RequestFacts.__slots__ if "ip" in name.split("_")]
    assert Home.__slots__[:3] == ("backend", "by", "session")
