"""What one exchange teaches about its session (M6)."""

from __future__ import annotations

import pytest
from support.script import Play, answer, request

from mapiproxy.backends.kind import Kind
from mapiproxy.backends.ties import Ties
from mapiproxy.mapi.reading import session_digest
from mapiproxy.mapi.vocabulary import Endpoint

NAMES = {Kind.EXCHANGE: "MapiContext", Kind.GROMMUNIO: "sid"}
A = session_digest(Endpoint.EMSMDB, b"aaa")
B = session_digest(Endpoint.EMSMDB, b"bbb")


def play(request_type, ties, *, kind=Kind.EXCHANGE, sends=None, sets=None, code=0, status=200, late=None, now=1.0,
         expires=None):  # fmt: skip
    """One exchange: the client sends this session, the answer sets that one."""
    head = request(request_type, *([f"Cookie: {NAMES[kind]}={sends}"] if sends else []))
    fields = [f"Set-Cookie: {NAMES[kind]}={sets}; path=/mapi"] if sets else []
    if expires is not None:
        fields.append(f"X-ExpirationInfo: {expires}")
    scene = Play(head, kind, ties=ties).sent()
    scene.do("response_head", answer(status, *fields, code=code), now=now)
    if late is not None:
        scene.exchange.watch(None)(b"PROCESSING\r\nDONE\r\nX-ResponseCode: %d\r\n\r\n" % late)
    scene.do("response_end", now=now)
    return scene.ledger.backend


@pytest.mark.parametrize(("request_type", "kind"), [("Connect", Kind.EXCHANGE), ("Bind", Kind.GROMMUNIO)])
def test_a_good_connect_or_bind_ties_the_session_to_its_backend(request_type, kind):
    ties = Ties()
    backend = play(request_type, ties, kind=kind, sets="aaa")

    assert ties.find(A, 2.0) == backend


@pytest.mark.parametrize("given", [{"code": 4}, {"status": 401, "code": None}, {"status": 503}, {"code": None}])
def test_a_failed_connect_teaches_nothing_though_it_sets_a_cookie(given):
    """Reference 4.2: a Set-Cookie is no proof of a live context."""
    ties = Ties()
    play("Connect", ties, sets="aaa", **given)

    assert len(ties) == 0


def test_a_cookie_out_of_nowhere_is_not_a_session():
    ties = Ties()
    play("PING", ties, sets="aaa")

    assert len(ties) == 0


def test_a_session_stays_where_it_is_and_a_renewed_cookie_with_it():
    ties = Ties()
    ties.tie(A, "two", 100.0)

    assert play("Execute", ties, sends="aaa", sets="bbb") == "two"
    assert ties.find(B, 2.0) == "two"
    assert ties.find(A, 500.0) == "two"


@pytest.mark.parametrize(("expires", "until"), [(300_000, 1020), (900_000, 1020), (1_800_000, 1920), (None, 1020)])
def test_a_session_is_kept_for_what_is_announced_and_a_little_longer(expires, until):
    ties = Ties()
    play("Connect", ties, sets="aaa", expires=expires, now=0.0)

    assert ties.find(A, until - 1.0) is not None
    assert ties.find(A, until + 1.0) is None


@pytest.mark.parametrize("request_type", ["Disconnect", "Unbind"])
def test_the_end_of_a_session_is_the_end_of_its_tie(request_type):
    ties = Ties()
    ties.tie(A, "one", 100.0)
    play(request_type, ties, sends="aaa", sets="aaa")

    assert ties.find(A, 2.0) is None


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
def test_codes_that_mean_gone_untie_by_the_numbers_of_the_kind(kind, code, lives, late):
    """M16: after DONE as well as in the head."""
    ties = Ties()
    ties.tie(A, "one", 100.0)
    play("Execute", ties, kind=kind, sends="aaa", **({"late": code} if late else {"code": code}))

    assert (ties.find(A, 2.0) is not None) is lives


def test_a_call_that_runs_holds_its_session_however_long_it_takes():
    ties = Ties()
    ties.tie(A, "one", 5.0)
    scene = Play(request("NotificationWait", "Cookie: MapiContext=aaa"), ties=ties).sent()

    assert ties.find(A, 300.0) == "one"
    scene.do("client_lost")
    assert ties.find(A, 300.0) is None
