"""Where requests go, and where they go again: the ladder and the tables as an exchange meets them."""

from __future__ import annotations

import pytest
from support.script import MAILBOX, Play, answer, request

from mapiproxy.backends.kind import Kind
from mapiproxy.backends.sessions import Sessions, State
from mapiproxy.mapi.reading import session_digest
from mapiproxy.mapi.vocabulary import Endpoint
from mapiproxy.policy.routecookie import NAME, RouteKeys

A = session_digest(Endpoint.EMSMDB, b"aaa")
KEYS = RouteKeys((b"sixteen bytes or more",))
GROM = {"Cookie": "Cookie: sid=aaa; sequence=bbb"}


def known(backend: str) -> Sessions:
    sessions = Sessions()
    sessions.learn(A, backend, "emsmdb", 1000.0, 0.0)
    return sessions


def grommunio(request_type: str, *more: str, backend: str = "one", **given) -> Play:
    head = request(request_type, GROM["Cookie"], "X-RequestId: {G}:3", "X-ClientInfo: {C}:1", *more)
    return Play(head, Kind.GROMMUNIO, sessions=known(backend), **given)


def test_the_rung_that_decided_is_counted_once_for_a_request():
    play = Play()
    play.do("begin")
    play.do("dial_failed", "refused")

    assert play.rules.tally.rungs == {"mailbox": 1}


def test_a_session_cookie_that_nobody_knows_is_counted():
    """Complaint 36: a map that silently never matches."""
    play = Play(request("Execute", "Cookie: MapiContext=zzz"))
    play.do("begin")

    assert play.rules.tally.unmatched == 1


def test_a_good_connect_gets_a_route_cookie_beside_the_backends_own():
    play = Play(request("Connect"), keys=KEYS).sent()
    play.do("response_head", answer(200, "Set-Cookie: MapiContext=aaa; path=/mapi/emsmdb"))
    value = KEYS.issue("mapi", play.ledger.backend, A)

    assert b"\r\nSet-Cookie: MapiContext=aaa; path=/mapi/emsmdb\r\n" in play.bytes_to_client
    line = b"\r\nSet-Cookie: " + NAME + b"=" + value + b"; path=/mapi/emsmdb; secure; HttpOnly\r\n"
    assert line in play.bytes_to_client


def test_a_client_that_has_it_is_not_given_it_again_and_the_backend_does_not_see_it():
    value = KEYS.issue("mapi", "two", A).decode()
    cookie = f"Cookie: MapiContext=aaa; {NAME.decode()}={value}; MapiSequence=1-Q=="
    play = Play(request("Execute", cookie), keys=KEYS)
    play.do("begin")
    play.do("connected", True, True)

    assert play.ledger.backend == "two"
    assert play.ledger.routed_by == "route-cookie"
    assert b"\r\nCookie: MapiContext=aaa; MapiSequence=1-Q==\r\n" in play.bytes_to_backend
    play.do("request_end")
    play.do("response_head", answer(200, "Set-Cookie: MapiContext=aaa"))
    assert NAME not in play.bytes_to_client


def test_a_failed_connect_gets_no_route_cookie():
    play = Play(request("Connect"), keys=KEYS).sent()
    play.do("response_head", answer(200, "Set-Cookie: MapiContext=aaa", code=11))

    assert NAME not in play.bytes_to_client


@pytest.mark.parametrize("request_type", ["Execute", "NotificationWait", "PING", "Disconnect"])
def test_a_lost_session_is_told_with_code_10_and_the_clients_own_headers(request_type):
    play = grommunio(request_type)
    play.backends["one"].up = False

    assert play.do("begin") == ["to client 200", "arm LINGER 5"]
    head, _, body = play.bytes_to_client.partition(b"\r\n\r\n")
    for line in (b"X-ResponseCode: 10", b"Content-Type: text/html", b"X-RequestId: {G}:3",
                 b"X-ClientInfo: {C}:1", b"X-RequestType: " + request_type.encode()):  # fmt: skip
        assert line in head.split(b"\r\n")
    assert b"is DOWN" in body
    assert play.ledger.response_code == 10
    assert play.rules.tally.lost == 1
    assert play.do("request_end") == ["finish client"]


def test_a_session_is_lost_when_nobody_listens_where_it_lived():
    play = grommunio("Execute")
    play.do("begin")
    play.actions = play.exchange.dial_failed("connect: refused", 1.0, True)

    assert b"X-ResponseCode: 10" in play.bytes_to_client


def test_a_session_whose_backend_does_not_answer_the_dial_may_live_on():
    """N4."""
    play = grommunio("Execute")
    play.do("begin")

    assert play.do("dial_failed", "limit: connect took longer than 5 s") == ["to client 503", "arm LINGER 5"]


@pytest.mark.parametrize("request_type", ["Connect", "Bind"])
def test_a_connect_is_never_told_code_10_but_goes_elsewhere_without_its_cookies(request_type):
    """N4, M7."""
    play = grommunio(request_type, keys=KEYS)
    play.backends["one"].up = False

    assert play.do("begin") == ["dial"]
    play.do("connected", True, True)
    assert play.ledger.backend == "two"
    assert b"sid=" not in play.bytes_to_backend
    assert b"Cookie" not in play.bytes_to_backend


def test_other_cookies_of_a_stale_connect_stay():
    head = request("Connect", "Cookie: sid=aaa; other=1=2; sequence=b", "Cookie: last=3")
    play = Play(head, Kind.GROMMUNIO, sessions=known("one"))
    play.backends["one"].up = False
    play.do("begin")
    play.do("connected", True, True)

    assert b"\r\nCookie: other=1=2\r\nCookie: last=3\r\n" in play.bytes_to_backend


def test_the_new_context_takes_the_place_of_the_lost_one():
    play = grommunio("Connect")
    play.backends["one"].up = False
    play.sent()
    play.do("response_head", answer(200, "Set-Cookie: sid=new"))

    assert play.sessions.find(A, 2.0) is None
    assert [session.backend for session in play.sessions] == ["two"]


def test_a_connect_that_is_refused_for_its_cookies_is_let_in_the_next_time():
    """After grommunio was restarted, when we were restarted too: nobody could know that they are stale."""
    first = Play(request("Connect", GROM["Cookie"]), Kind.GROMMUNIO, names=("one",)).sent()
    first.do("response_head", answer(code=2))
    assert first.sessions.find(A, 2.0).state is State.GONE

    second = Play(request("Connect", GROM["Cookie"]), Kind.GROMMUNIO, names=("one",), sessions=first.sessions)
    second.do("begin")
    second.do("connected", True, True)
    assert b"sid=" not in second.bytes_to_backend


def test_a_disconnect_ends_the_waits_of_its_session():
    play = grommunio("Disconnect").sent()
    play.do("response_head", answer())

    assert play.do("response_end") == ["end waits", "finish client backend"]


def test_a_call_of_a_grommunio_session_goes_again_to_the_same_backend_only():
    play = grommunio("Execute")
    play.do("begin")
    play.do("connected", True, True)
    assert play.do("backend_lost", "closed") == ["drop backend", "dial"]
    assert play.actions[-1].backend.name == "one"


def test_the_mailbox_of_a_session_is_known_to_people():
    play = Play(request("Connect", "X-ClientApplication: Outlook/16.0")).sent()
    play.do("response_head", answer(200, "Set-Cookie: MapiContext=aaa"))
    session = play.exchange.session

    assert (session.mailbox, session.application, session.requests) == (MAILBOX, "Outlook/16.0", 1)
    assert session.client_ip == "192.0.2.7"
