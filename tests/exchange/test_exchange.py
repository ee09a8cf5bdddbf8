"""The ordinary course of an exchange, as scripts of inputs and the actions they lead to."""

from __future__ import annotations

import pytest
from support.script import Play, answer, request

from mapiproxy.record.ending import Ending
from mapiproxy.wire.heads import parse_response_head

CHUNKED = "Transfer-Encoding: chunked"


def test_an_execute_from_head_to_finish():
    play = Play()

    assert play.do("begin") == ["dial"]
    assert play.do("connected", True, True) == ["to backend", "arm REQUEST 60"]
    assert play.do("request_end") == ["arm ANSWER 600"]
    assert play.do("response_head", answer(200, "X-PendingPeriod: 30000")) == ["to client 200", "arm QUIET 90"]
    assert play.do("response_end", now=9.0) == ["finish client backend"]
    assert play.state == "SENT/SENT"
    assert play.ledger.ending is Ending.DONE
    assert play.ledger.ended_at == 9.0
    assert play.ledger.routed_by == "mailbox"
    assert play.ledger.status == play.ledger.backend_status == 200


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (request(path="/owa/"), 404),
        (request(path="/mapi/../owa/"), 400),
        (request(None, "Expect: tea"), 417),
    ],
)
def test_what_may_not_come_in_is_answered_and_its_body_thrown_away(head, status):
    play = Play(head)

    assert play.do("begin") == [f"to client {status}", "arm LINGER 5"]
    assert play.do("request_end") == ["finish client"]
    assert play.ledger.ending is Ending.REFUSED
    assert play.ledger.backend is None


def test_a_backend_that_cannot_be_dialled_is_skipped():
    play = Play()
    play.do("begin")
    first = play.ledger.backend

    assert play.do("dial_failed", "connect: refused") == ["dial"]
    assert play.ledger.backend != first
    assert play.ledger.retries == 1
    (miss,) = play.ledger.misses
    assert (miss.backend, miss.reached, miss.then) == (first, False, play.ledger.backend)


def test_when_nobody_can_be_dialled_the_client_is_told_to_come_back():
    play = Play()
    play.do("begin")
    play.do("dial_failed", "connect: refused")

    assert play.do("dial_failed", "connect: refused") == ["to client 503", "arm LINGER 5"]
    assert b"\r\nRetry-After: " in play.bytes_to_client
    assert play.ledger.ending is Ending.CONNECT_FAILED


def test_no_more_backends_are_tried_than_allowed():
    play = Play(names=("a", "b", "c", "d", "e"))
    play.do("begin")
    play.do("dial_failed", "x")
    play.do("dial_failed", "x")

    assert play.do("dial_failed", "x") == ["to client 503", "arm LINGER 5"]


def test_a_401_before_the_request_is_finished_keeps_the_pair():
    """What an NTLM handshake looks like: the rest of the body still belongs to the backend."""
    play = Play()
    play.do("begin")
    play.do("connected", True, True)
    head = answer(401, "WWW-Authenticate: NTLM", code=None)

    assert play.do("response_head", head) == ["to client 401", "arm QUIET 90"]
    assert play.do("response_end") == ["arm REQUEST 60"]
    assert play.state == "SENDING/SENT"
    assert play.do("request_end") == ["finish client backend"]


def test_an_early_answer_of_a_backend_that_closes_leaves_the_rest_of_the_request_to_be_thrown_away():
    play = Play()
    play.do("begin")
    play.do("connected", True, True)
    play.do("response_head", answer(413, "Connection: close", code=None))

    assert play.do("response_end") == ["drop backend", "arm LINGER 5"]
    assert play.do("request_end") == ["finish"]


def test_a_client_that_expects_100_gets_it_from_us_and_once():
    play = Play(request("Execute", "Expect: 100-continue"))
    play.do("begin")

    assert play.do("connected", True, False) == ["to backend", "to client 100", "arm REQUEST 60"]
    assert b"expect" not in play.bytes_to_backend.lower()
    play.do("request_end")
    assert play.exchange.interim(parse_response_head(b"HTTP/1.1 100 Continue\r\n\r\n")) == []
    assert play.exchange.interim(parse_response_head(b"HTTP/1.1 103 Hints\r\n\r\n")) != []


def test_a_client_that_did_not_wait_for_100_is_not_given_it():
    play = Play(request("Execute", "Expect: 100-continue"))
    play.do("begin")

    assert play.do("connected", True, True) == ["to backend", "arm REQUEST 60"]


def test_the_quiet_timer_is_three_pending_periods_and_at_least_a_minute():
    """M2: what counts is the announced period, not a number of ours."""
    for period, seconds in ((15_000, 60), (30_000, 90), (60_000, 180)):
        play = Play().sent()
        words = play.do("response_head", answer(200, f"X-PendingPeriod: {period}"))
        assert words[-1] == f"arm QUIET {seconds}"


def test_pulses_the_late_code_and_the_servers_own_time_are_written_down():
    """M16: the code after DONE overrules the head's."""
    play = Play().answering(answer(200, CHUNKED, length=None))
    tap = play.exchange.watch(None)
    tap(b"PROCESSING\r\nPENDING\r\nPENDING\r\n")
    tap(b"DONE\r\nX-ResponseCode: 1\r\nX-ElapsedTime: 61\r\n\r\n<p>")
    play.do("response_end")

    assert play.ledger.pulses == 2
    assert play.ledger.response_code == 0
    assert play.ledger.late_response_code == 1
    assert play.ledger.elapsed_ms == 61


def test_http_1_0_gets_the_payload_without_chunks_and_the_connection_closes():
    play = Play(request("Execute", "Connection: keep-alive", version="1.0")).sent()
    play.do("response_head", answer(200, CHUNKED, length=None))

    assert b"chunked" not in play.bytes_to_client
    assert b"\r\nConnection: close\r\n" in play.bytes_to_client
    assert play.exchange.dechunk
    assert play.do("response_end") == ["finish backend"]


def test_a_close_delimited_answer_ends_both_connections():
    play = Play().answering(answer(length=None))

    assert play.do("response_end") == ["finish"]


def test_a_client_that_wants_to_close_is_closed():
    play = Play(request("Execute", "Connection: close")).answering()

    assert play.do("response_end")[-1] in ("finish backend", "finish")


def test_the_health_page_tells_whether_this_front_end_can_serve():
    head = request(None, method="GET", length=0, path="/MAPI/HealthCheck.htm")
    play = Play(head)
    assert play.do("begin")[0] == "to client 200"
    assert play.bytes_to_client.endswith(b"200 OK<br/>MAPIPROXY")

    down = Play(head)
    for backend in down.backends.values():
        backend.up = False
    assert down.do("begin")[0] == "to client 503"

    stopping = Play(head)
    stopping.rules.stopping = True
    assert stopping.do("begin")[0] == "to client 503"


def test_while_the_proxy_stops_no_connection_outlives_its_exchange():
    play = Play().sent()
    play.rules.stopping = True
    play.do("response_head", answer())

    assert b"\r\nConnection: close\r\n" in play.bytes_to_client
    assert play.do("response_end")[-1].startswith("finish")
    assert not play.actions[-1].keep_client
