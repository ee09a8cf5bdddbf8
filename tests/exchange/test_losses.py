"""What can go wrong with an exchange, at each phase, and what its client sees of it."""

from __future__ import annotations

import pytest
from support.script import Play, answer, request

from mapiproxy.exchange.actions import Timer
from mapiproxy.record.ending import Ending
from mapiproxy.wire.errors import WireError
from mapiproxy.wire.reader import CLOSED

CHUNKED = "Transfer-Encoding: chunked"


def test_an_execute_whose_client_left_is_left_to_finish_unheard():
    """Its outcome may still be learnt, and cancelling it would not undo it."""
    play = Play().sent()

    assert play.do("client_lost") == ["arm ORPHAN 60"]
    assert play.do("response_head", answer()) == ["arm ORPHAN 60"]
    assert play.do("response_end") == ["finish client backend"]
    assert play.ledger.ending is Ending.CLIENT_DISCONNECT
    assert play.ledger.status is None
    assert play.ledger.backend_status == 200


def test_an_orphan_is_not_waited_for_for_ever():
    play = Play().sent()
    play.do("client_lost")

    assert play.do("expired", Timer.ORPHAN) == ["drop backend", "finish client"]
    assert play.ledger.ending is Ending.CLIENT_DISCONNECT


@pytest.mark.parametrize("request_type", ["NotificationWait", "notificationwait", "PING", None])
def test_what_need_not_finish_is_dropped_with_its_client(request_type):
    """M14: a wait that stays open makes the client's next one fail."""
    play = Play(request(request_type)).sent()

    assert play.do("client_lost") == ["drop backend", "finish client"]


def test_a_wait_that_pulses_is_dropped_with_its_client_too():
    play = Play(request("NotificationWait")).answering(answer(200, CHUNKED, length=None))

    assert play.do("client_lost") == ["drop backend", "finish client"]


def test_a_client_lost_while_dialling_leaves_nothing_behind():
    play = Play()
    play.do("begin")

    assert play.do("client_lost") == ["finish client"]
    assert play.state == "DROPPED/CUT"


def test_a_client_lost_in_the_middle_of_its_request_takes_the_backend_with_it():
    """A truncated body must not look complete to the backend."""
    play = Play()
    play.do("begin")
    play.do("connected", True, True)

    assert play.do("client_lost") == ["drop backend", "finish client"]


def test_a_backend_lost_before_it_had_the_whole_request_is_not_noticed_by_the_client():
    """It cannot have run (reference 6.3), so it is sent again."""
    play = Play()
    play.do("begin")
    play.do("connected", True, True)

    assert play.do("backend_lost", CLOSED) == ["drop backend", "dial"]
    assert play.do("connected", True, True) == ["to backend", "arm REQUEST 60"]
    assert play.ledger.retries == 1
    (miss,) = play.ledger.misses
    assert (miss.reached, miss.then) == (True, play.ledger.backend)


def test_what_was_given_to_the_lost_backend_is_given_again_in_order():
    play = Play()
    play.do("begin")
    play.do("connected", True, True)
    play.exchange.kept += [b"ab", b"cd"]
    play.do("backend_lost", CLOSED)
    play.do("connected", True, True)

    assert play.bytes_to_backend.endswith(b"\r\n\r\nabcd")
    assert play.do("request_end") == ["arm ANSWER 600"]


def test_a_ping_may_be_sent_again_even_after_the_backend_had_it():
    play = Play(request("PING")).sent()

    assert play.do("backend_lost", CLOSED) == ["drop backend", "dial"]
    assert play.do("connected", True, True) == ["to backend", "arm ANSWER 600"]
    assert play.state == "SENT/WAITING"


def test_a_ping_that_nobody_can_take_any_more_is_a_503_at_once():
    """The whole request is here, so nothing is waited for."""
    play = Play(request("PING"), names=("one",)).sent()
    play.do("backend_lost", CLOSED)

    assert play.do("dial_failed", "refused") == ["to client 503", "arm LINGER 5", "finish"]


def test_the_408_of_an_idle_connection_is_no_answer():
    """M15: it belongs to the time before the request, whose outcome is not known all the same."""
    play = Play()
    play.do("begin")
    play.do("connected", False, True)
    play.do("request_end")

    assert play.do("response_head", answer(408, code=None)) == ["drop backend", "cut", "finish"]
    again = Play(request("PING"))
    again.do("begin")
    again.do("connected", False, True)
    again.do("request_end")
    assert again.do("response_head", answer(408, code=None)) == ["drop backend", "dial"]


def test_a_request_too_large_to_be_kept_is_a_503():
    play = Play()
    play.do("begin")
    play.do("connected", True, True)
    play.exchange.kept = None

    assert play.do("backend_lost", f"{CLOSED}") == ["drop backend", "to client 503", "arm LINGER 5"]
    assert b"\r\nRetry-After: " in play.bytes_to_client
    assert play.ledger.ending is Ending.BACKEND_LOST
    assert play.do("request_end") == ["finish"]


def test_a_backend_lost_after_that_breaks_the_connection_without_a_word():
    """M13: nobody knows whether it ran; a made-up answer would be a lie either way."""
    play = Play().sent()

    assert play.do("backend_lost", CLOSED) == ["drop backend", "cut", "finish"]
    assert play.ledger.status is None


def test_a_backend_lost_in_its_answer_leaves_it_visibly_short():
    """N3."""
    play = Play().answering(answer(200, CHUNKED, length=None))

    assert play.do("backend_lost", CLOSED) == ["drop backend", "cut", "finish"]


def test_an_answer_that_ends_by_closing_can_only_be_cut_by_a_reset():
    """An orderly close would be its proper end."""
    play = Play().answering(answer(length=None))

    assert play.do("backend_lost", "bad bytes") == ["drop backend", "cut hard", "finish"]


def test_a_backend_lost_after_an_early_answer_leaves_the_answer_whole():
    play = Play()
    play.do("begin")
    play.do("connected", True, True)
    play.do("response_head", answer(401, code=None))
    play.do("response_end")

    assert play.do("backend_lost", CLOSED) == ["drop backend", "arm LINGER 5"]
    assert play.do("request_end") == ["finish client"]


@pytest.mark.parametrize("timer", [Timer.ANSWER, Timer.QUIET])
def test_a_silent_backend_is_given_up_like_a_lost_one(timer):
    play = Play().sent() if timer is Timer.ANSWER else Play().answering()

    assert play.do("expired", timer) == ["drop backend", "cut", "finish"]
    assert play.ledger.ending is Ending.TIMED_OUT


def test_a_request_that_stops_half_way_gets_a_408():
    play = Play()
    play.do("begin")
    play.do("connected", True, True)

    assert play.do("expired", Timer.REQUEST) == ["drop backend", "to client 408", "arm LINGER 5"]
    assert play.do("expired", Timer.LINGER) == ["cut", "finish"]
    assert play.ledger.ending is Ending.TIMED_OUT


def test_a_body_that_cannot_be_read_gets_a_400_and_no_backend_keeps_its_half():
    play = Play()
    play.do("begin")
    play.do("connected", True, True)
    words = play.do("bad_request", WireError("bad chunk size line", header="Transfer-Encoding"))

    assert words == ["drop backend", "to client 400", "arm LINGER 5", "finish"]
    assert play.ledger.ending is Ending.PROTOCOL_ERROR


def test_an_answer_that_cannot_be_read_is_not_passed_off_as_one():
    """A 502 might invite a client's HTTP layer to send the Execute again."""
    play = Play().sent()
    words = play.do("backend_unreadable", WireError("odd status line", fault="backend"))

    assert words == ["drop backend", "cut", "finish"]
    assert play.ledger.ending is Ending.PROTOCOL_ERROR


@pytest.mark.parametrize("phase", ["begin", "connected", "sent", "answering"])
def test_a_proxy_that_stops_ends_every_phase_and_says_so(phase):
    play = Play()
    if phase in ("begin", "connected"):
        play.do("begin")
    if phase == "connected":
        play.do("connected", True, True)
    if phase in ("sent", "answering"):
        getattr(play, phase)()

    assert play.do("shut_down") == ["drop backend", "cut", "finish"]
    assert play.exchange.over
    assert play.ledger.ending is Ending.SHUTDOWN
