"""What one exchange teaches about its session (M6)."""

from __future__ import annotations

import pytest
from support.script import Play, answer, request

from mapiproxy.backends.kind import Kind
from mapiproxy.backends.sessions import Sessions, State
from mapiproxy.mapi.reading import session_digest
from mapiproxy.mapi.vocabulary import Endpoint

NAMES = {Kind.EXCHANGE: "MapiContext", Kind.GROMMUNIO: "sid"}
A = session_digest(Endpoint.EMSMDB, b"aaa")
B = session_digest(Endpoint.EMSMDB, b"bbb")


def play(request_type, sessions, *, kind=Kind.EXCHANGE, sends=None, sets=None, code=0, status=200, late=None, now=1.0,
         expires=None):  # fmt: skip
    """One exchange: the client sends this session, the answer sets that one."""
    head = request(request_type, *([f"Cookie: {NAMES[kind]}={sends}"] if sends else []))
    fields = [f"Set-Cookie: {NAMES[kind]}={sets}; path=/mapi"] if sets else []
    if expires is not None:
        fields.append(f"X-ExpirationInfo: {expires}")
    scene = Play(head, kind, sessions=sessions).sent()
    scene.do("response_head", answer(status, *fields, code=code), now=now)
    if late is not None:
        scene.exchange.watch(None)(b"PROCESSING\r\nDONE\r\nX-ResponseCode: %d\r\n\r\n" % late)
    scene.do("response_end", now=now)
    return scene.ledger.backend


@pytest.mark.parametrize(("request_type", "kind"), [("Connect", Kind.EXCHANGE), ("Bind", Kind.GROMMUNIO)])
def test_a_good_connect_or_bind_ties_the_session_to_its_backend(request_type, kind):
    sessions = Sessions()
    backend = play(request_type, sessions, kind=kind, sets="aaa")

    assert sessions.find(A, 2.0).backend == backend


@pytest.mark.parametrize("given", [{"code": 4}, {"status": 401, "code": None}, {"status": 503}, {"code": None}])
def test_a_failed_connect_teaches_nothing_though_it_sets_a_cookie(given):
    """Reference 4.2: a Set-Cookie is no proof of a live context."""
    sessions = Sessions()
    play("Connect", sessions, sets="aaa", **given)

    assert len(sessions) == 0


def test_a_cookie_out_of_nowhere_is_not_a_session():
    sessions = Sessions()
    play("PING", sessions, sets="aaa")

    assert len(sessions) == 0


def test_a_session_stays_where_it_is_and_a_renewed_cookie_with_it():
    sessions = Sessions()
    sessions.learn(A, "two", "emsmdb", 100.0, 0.0)

    assert play("Execute", sessions, sends="aaa", sets="bbb") == "two"
    assert sessions.find(B, 2.0).backend == "two"
    assert sessions.find(A, 500.0).backend == "two"


@pytest.mark.parametrize(("expires", "until"), [(300_000, 1020), (900_000, 1020), (1_800_000, 1920), (None, 1020)])
def test_a_session_is_kept_for_what_is_announced_and_a_little_longer(expires, until):
    sessions = Sessions()
    play("Connect", sessions, sets="aaa", expires=expires, now=0.0)

    assert sessions.find(A, until - 1.0) is not None
    assert sessions.find(A, until + 1.0) is None


@pytest.mark.parametrize("request_type", ["Disconnect", "Unbind"])
def test_the_end_of_a_session_is_the_end_of_its_entry(request_type):
    sessions = Sessions()
    sessions.learn(A, "one", "emsmdb", 100.0, 0.0)
    play(request_type, sessions, sends="aaa", sets="aaa")

    assert sessions.find(A, 2.0) is None


@pytest.mark.parametrize(
    ("kind", "code", "lives"),
    [
        (Kind.EXCHANGE, 10, False),
        (Kind.EXCHANGE, 6, False),
        (Kind.EXCHANGE, 15, False),
        (Kind.EXCHANGE, 7, True),
        (Kind.EXCHANGE, 18, True),
        (Kind.GROMMUNIO, 2, False),
        (Kind.GROMMUNIO, 7, True),
        (Kind.GROMMUNIO, 6, True),
    ],
)
@pytest.mark.parametrize("late", [False, True])
def test_codes_that_mean_gone_end_it_by_the_numbers_of_the_kind(kind, code, lives, late):
    """M16: after DONE as well as in the head."""
    sessions = Sessions()
    sessions.learn(A, "one", "emsmdb", 100.0, 0.0)
    play("Execute", sessions, kind=kind, sends="aaa", **({"late": code} if late else {"code": code}))

    assert (sessions.find(A, 2.0).state is State.LIVE) is lives


def test_a_call_that_runs_holds_its_session_however_long_it_takes():
    sessions = Sessions()
    sessions.learn(A, "one", "emsmdb", 5.0, 0.0)
    scene = Play(request("NotificationWait", "Cookie: MapiContext=aaa"), sessions=sessions).sent()

    assert sessions.find(A, 300.0).backend == "one"
    scene.do("client_lost")
    assert sessions.find(A, 300.0) is None


def test_a_session_that_is_used_from_another_address_says_where_it_was_before():
    """Complaint 35: it stays where it is, and people can see that it moved."""
    sessions = Sessions()
    session = sessions.learn(A, "two", "emsmdb", 100.0, 0.0)
    session.client_ip = "10.0.0.5"
    first = Play(request("Execute", "Cookie: MapiContext=aaa"), sessions=sessions).sent()
    second = Play(request("Execute", "Cookie: MapiContext=aaa"), sessions=sessions).sent()

    assert (first.ledger.moved_from, first.ledger.backend) == ("10.0.0.5", "two")
    assert second.ledger.moved_from is None


def test_the_line_of_a_connect_has_the_digest_of_the_session_that_it_made():
    sessions = Sessions()
    head = request("Connect", "Cookie: MapiContext=aaa")
    scene = Play(head, Kind.EXCHANGE, sessions=sessions).sent()
    assert scene.ledger.session == A.hex()[:16]
    scene.do("response_head", answer(200, "Set-Cookie: MapiContext=bbb; path=/mapi", code=0), now=1.0)

    assert scene.ledger.session == B.hex()[:16]


def test_the_line_of_a_connect_that_failed_has_that_of_the_session_it_came_with():
    scene = Play(request("Connect", "Cookie: MapiContext=aaa"), Kind.EXCHANGE, sessions=Sessions()).sent()
    scene.do("response_head", answer(200, "Set-Cookie: MapiContext=bbb; path=/mapi", code=5), now=1.0)

    assert scene.ledger.session == A.hex()[:16]
