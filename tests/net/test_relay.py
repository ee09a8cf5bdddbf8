"""Messages and body pieces between a client and its back doors, all in memory."""

from __future__ import annotations

import pytest
from support.lines import Stage, lose, written

from mapiproxy.net.relay import KEPT, READ_AHEAD
from mapiproxy.record.ending import Ending

TARGET = b"/mapi/emsmdb/?MailboxId=a@b"
FORWARDED = b"X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n\r\n"


def post(body: bytes = b"hello", *fields: bytes, length: int | None = None, kind: bytes = b"Execute") -> bytes:
    size = len(body) if length is None else length
    lines = [b"POST %b HTTP/1.1" % TARGET, b"Host: h", b"X-RequestType: " + kind, b"Content-Length: %d" % size]
    return b"\r\n".join([*lines, *fields, b"", b""]) + body


def ok(body: bytes = b"fine", *fields: bytes, status: bytes = b"200 OK") -> bytes:
    return b"\r\n".join([b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), *fields, b"", b""]) + body


def ended(stage: Stage) -> list[Ending]:
    return [ledger.ending for ledger in stage.ledgers]


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_head_and_body_leave_in_one_write_on_each_side(stage):
    """One TLS record, one system call."""
    stage.send(post())
    door = stage.connect()
    door.dataReceived(ok())

    assert written(door).writes == [post()[:-7] + FORWARDED + b"hello"]
    assert stage.front.writes == [ok()]
    assert ended(stage) == [Ending.DONE]
    assert stage.ledgers[0].request_bytes == 5
    assert stage.ledgers[0].response_bytes == 4


def test_pieces_pass_as_they_come_and_are_never_kept(stage):
    """M1, N6."""
    stage.send(post(b"", length=6))
    door = stage.connect()
    stage.send(b"abc")
    stage.send(b"def")
    answer = b"HTTP/1.1 200 OK\r\nX-ResponseCode: 0\r\nTransfer-Encoding: chunked\r\n\r\n"
    pieces = [answer + b"c\r\nPROCESSING\r\n\r\n", b"7\r\nPEND", b"ING\r\n", b"0\r\n\r\n"]
    for piece in pieces:
        door.dataReceived(piece)

    assert written(door).writes[1:] == [b"abc", b"def"]
    assert stage.front.writes == pieces
    assert stage.ledgers[0].pulses == 1


def test_a_body_waits_unread_while_the_backend_is_dialled(stage):
    stage.send(post(b"a", length=4))
    stage.send(b"bcd")

    assert stage.relay.reader.unread == 4
    assert written(stage.connect()).data.endswith(b"\r\n\r\nabcd")


def test_requests_sent_ahead_wait_for_their_turn(stage):
    stage.send(post(b"1") + post(b"2") + post(b"3"))
    door = stage.connect()
    for number in (1, 2, 3):
        assert written(door).data.count(b"POST ") == number
        door.dataReceived(ok(b"%d" % number))

    assert stage.front.data == ok(b"1") + ok(b"2") + ok(b"3")
    assert len(stage.dialer.dials) == 1
    assert door.used == 3


def test_a_client_that_sends_far_ahead_is_held_until_its_turn(stage):
    stage.send(post(b"1"))
    door = stage.connect()
    stage.send(post(b"", length=READ_AHEAD * 2) + b"x" * (READ_AHEAD + 1))
    assert stage.front.held

    door.dataReceived(ok())

    assert not stage.front.held


def test_a_client_that_reads_slowly_holds_the_backend_and_is_not_taken_for_a_silent_backend(stage):
    stage.send(post())
    door = stage.connect()
    door.dataReceived(ok(b"x" * 10)[:-5])
    stage.front.producer.pauseProducing()
    assert written(door).held
    stage.pass_time(100.0)
    assert stage.relay.exchange is not None

    stage.front.producer.resumeProducing()

    assert not written(door).held
    stage.pass_time(91.0)
    assert ended(stage) == [Ending.TIMED_OUT]


def test_a_backend_that_reads_slowly_holds_the_client(stage):
    stage.send(post(b"a", length=9))
    door = stage.connect()
    written(door).producer.pauseProducing()
    assert stage.front.held
    stage.pass_time(61.0)
    assert stage.relay.exchange is not None

    written(door).producer.resumeProducing()

    assert not stage.front.held


def test_after_an_early_401_the_rest_still_goes_to_the_backend_and_the_pair_stays(stage):
    stage.send(post(b"ab", length=4))
    door = stage.connect()
    challenge = ok(b"", b"WWW-Authenticate: NTLM", status=b"401 Unauthorized")
    door.dataReceived(challenge)
    stage.send(b"cd" + post(b"again"))
    door.dataReceived(ok())

    assert stage.front.data == challenge + ok()
    assert written(door).data.count(b"abcd") == 1
    assert door.used == 2


def test_after_an_early_answer_of_a_closing_backend_the_rest_is_thrown_away(stage):
    stage.send(post(b"ab", length=4))
    door = stage.connect()
    door.dataReceived(ok(b"", b"Connection: close", status=b"413 Too Large"))
    stage.send(b"cd")

    assert stage.front.data.startswith(b"HTTP/1.1 413")
    assert stage.front.ended is not None
    assert ended(stage) == [Ending.DONE]


def test_an_expectation_is_met_by_us_when_the_backend_is_there(stage):
    stage.send(post(b"", b"Expect: 100-continue", length=2))
    assert stage.front.writes == []
    door = stage.connect()
    assert stage.front.writes == [b"HTTP/1.1 100 Continue\r\n\r\n"]
    stage.send(b"ab")

    assert b"xpect" not in written(door).data
    assert written(door).data.endswith(b"ab")


@pytest.mark.parametrize("kind", [b"NotificationWait", b"PING"])
def test_a_wait_ends_at_the_backend_when_its_client_goes(stage, kind):
    """M14."""
    stage.send(post(kind=kind))
    door = stage.connect()
    stage.hang_up()

    assert written(door).ended == "aborted"
    assert ended(stage) == [Ending.CLIENT_DISCONNECT]
    assert stage.backends["one"].exchanges == 0


def test_an_execute_is_left_to_finish_and_its_door_goes_after_it(stage):
    stage.send(post())
    door = stage.connect()
    stage.hang_up()
    assert written(door).ended is None
    assert ended(stage) == []

    door.dataReceived(ok())

    assert stage.front.writes == []
    assert written(door).ended is not None
    assert ended(stage) == [Ending.CLIENT_DISCONNECT]


def test_an_orphan_is_given_up_after_a_while(stage):
    stage.send(post())
    door = stage.connect()
    stage.hang_up()
    stage.pass_time(61.0)

    assert written(door).ended == "aborted"
    assert ended(stage) == [Ending.CLIENT_DISCONNECT]


def test_a_client_that_goes_while_we_dial_is_forgotten(stage):
    stage.send(post())
    stage.hang_up()

    assert stage.dialer.dials[0].given_up
    assert ended(stage) == [Ending.CLIENT_DISCONNECT]


def test_a_backend_lost_with_the_whole_request_breaks_the_clients_connection(stage):
    """M13."""
    stage.send(post())
    lose(stage.connect())

    assert stage.front.writes == []
    assert stage.front.ended == "finished"
    assert ended(stage) == [Ending.BACKEND_LOST]


def test_a_backend_lost_with_half_a_request_is_told(stage):
    stage.send(post(b"a", length=2))
    lose(stage.connect())
    lose(stage.connect())
    lose(stage.connect())

    assert stage.front.data.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nConnection: close\r\n" in stage.front.data
    stage.send(b"b" + post())

    assert stage.front.ended == "finished"
    assert len(stage.dialer.dials) == 3


def test_a_cut_answer_is_not_made_whole(stage):
    """N3."""
    stage.send(post())
    door = stage.connect()
    half = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"
    door.dataReceived(half)
    lose(door)

    assert stage.front.data == half
    assert stage.front.ended == "finished"


def test_an_answer_that_ends_with_its_connection_is_whole_when_that_ends(stage):
    stage.send(post())
    door = stage.connect()
    door.dataReceived(b"HTTP/1.1 200 OK\r\n\r\nall")
    assert ended(stage) == []
    lose(door)

    assert stage.front.data == b"HTTP/1.1 200 OK\r\n\r\nall"
    assert stage.front.ended == "finished"
    assert ended(stage) == [Ending.DONE]


def test_bytes_after_the_end_of_an_answer_end_that_door(stage):
    """M15: gromox sends more than it declares; the next request must not take it for its answer."""
    stage.send(post())
    first = stage.connect()
    first.dataReceived(ok() + b"\xf7\x06")
    assert written(first).ended is not None
    stage.send(post())

    assert len(stage.dialer.dials) == 2
    assert stage.front.data == ok()


def test_a_word_out_of_nowhere_ends_an_idle_door(stage):
    """M15: an unsolicited 408 is about the idle time and not about any request."""
    stage.send(post())
    door = stage.connect()
    door.dataReceived(ok())
    door.dataReceived(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")

    assert written(door).ended == "aborted"
    assert stage.front.data == ok()


def test_a_door_lost_while_idle_is_opened_again_unseen(stage):
    stage.send(post())
    door = stage.connect()
    door.dataReceived(ok())
    lose(door)
    stage.send(post())
    stage.connect().dataReceived(ok(b"again"))

    assert stage.front.data == ok() + ok(b"again")
    assert stage.front.ended is None


def test_a_door_that_is_idle_for_long_is_closed_before_the_backend_does_it(stage):
    stage.send(post())
    door = stage.connect()
    door.dataReceived(ok())
    stage.pass_time(119.0)
    assert written(door).ended is None
    stage.pass_time(2.0)

    assert written(door).ended is not None
    assert stage.front.ended is None


def test_a_client_may_have_doors_to_several_backends():
    stage = Stage("one", "two")
    for mailbox in (b"a", b"b", b"c", b"d", b"e", b"f"):
        dials = len(stage.dialer.dials)
        stage.send(post().replace(b"a@b", mailbox + b"@b"))
        door = stage.connect() if len(stage.dialer.dials) > dials else None
        if door is None:
            door = next(d.door for d in stage.dialer.dials if d.door.busy)
        door.dataReceived(ok())

    assert sorted(dial.backend.name for dial in stage.dialer.dials) == ["one", "two"]
    assert len(stage.ledgers) == 6
    assert all(backend.exchanges == 0 and backend.connections == 1 for backend in stage.backends.values())


def test_a_backend_that_cannot_be_reached_is_skipped():
    stage = Stage("one", "two")
    stage.send(post())
    stage.dialer.dials[0].fail()
    stage.connect().dataReceived(ok())

    assert stage.front.data == ok()
    assert stage.ledgers[0].retries == 1


def test_bytes_that_are_no_request_get_one_answer_one_line_and_no_more_attention(stage):
    """M21."""
    stage.send(post(b"", b"Transfer-Encoding: chunked", length=3))
    stage.send(b"x" * 100_000)

    assert stage.front.data.startswith(b"HTTP/1.1 400 ")
    assert b"Content-Length" in stage.front.data
    assert stage.front.ended == "finished"
    assert ended(stage) == [Ending.PROTOCOL_ERROR]
    assert stage.relay.reader.unread < 1000


def test_without_tls_an_answer_that_closes_is_not_overtaken_by_a_reset():
    stage = Stage(secure=False)
    stage.send(b"nonsense\r\n\r\n")

    assert stage.front.ended == "finished writing"
    stage.pass_time(6.0)
    assert stage.front.ended == "aborted"


def test_a_body_that_breaks_its_framing_takes_the_backend_with_it(stage):
    stage.send(post(b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked"))
    door = stage.connect()
    stage.send(b"zz\r\n")

    assert written(door).ended == "aborted"
    assert stage.front.data.startswith(b"HTTP/1.1 400 ")
    assert ended(stage) == [Ending.PROTOCOL_ERROR]


def test_a_head_that_drips_gets_no_new_time_with_each_drop(stage):
    stage.send(b"POST ")
    for _ in range(29):
        stage.pass_time(1.0)
        stage.send(b"x")
    assert stage.front.ended is None
    stage.pass_time(2.0)

    assert stage.front.ended is not None


def test_an_idle_client_is_closed_in_peace(stage):
    stage.send(post())
    stage.connect().dataReceived(ok())
    stage.pass_time(899.0)
    assert stage.front.ended is None
    stage.pass_time(2.0)

    assert stage.front.ended == "finished"


def test_a_silent_backend_is_given_up(stage):
    stage.send(post())
    door = stage.connect()
    stage.pass_time(601.0)

    assert written(door).ended == "aborted"
    assert stage.front.ended == "finished"
    assert ended(stage) == [Ending.TIMED_OUT]


def test_a_wait_that_pulses_may_take_any_time_and_one_that_does_not_is_noticed(stage):
    """M2, N12."""
    stage.send(post(kind=b"NotificationWait"))
    door = stage.connect()
    door.dataReceived(
        b"HTTP/1.1 200 OK\r\nX-ResponseCode: 0\r\nX-PendingPeriod: 30000\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    for _ in range(40):
        stage.pass_time(30.0)
        door.dataReceived(b"7\r\nPENDING\r\n")
    assert ended(stage) == []
    stage.pass_time(91.0)

    assert ended(stage) == [Ending.TIMED_OUT]
    assert stage.ledgers[0].pulses == 40


def test_a_stop_closes_what_is_idle_and_an_abort_writes_down_what_was_not(stage):
    stage.send(post())
    door = stage.connect()
    stage.relay.stop()
    assert stage.front.ended is None
    stage.relay.abort()

    assert stage.front.ended == "aborted"
    assert written(door).ended == "aborted"
    assert ended(stage) == [Ending.SHUTDOWN]


def test_windows_authentication_is_the_connections(stage):
    """Later requests do not carry it, and were authenticated all the same."""
    stage.send(post(b"", b"Authorization: Negotiate YII="))
    door = stage.connect()
    door.dataReceived(ok())
    stage.send(post())
    door.dataReceived(ok())

    assert [ledger.auth_scheme for ledger in stage.ledgers] == ["Negotiate", "Negotiate"]


def test_a_backend_that_goes_down_takes_what_runs_there_and_closes_what_idles(stage):
    stage.send(post())
    door = stage.connect()
    stage.relay.backend_down(stage.backends["one"], "DOWN")

    assert stage.front.ended is not None
    assert written(door).ended == "aborted"
    assert stage.ledgers[0].error == "DOWN; not sent again: the Execute may have run"


def test_an_idle_door_to_a_backend_that_goes_down_is_closed_and_the_client_is_not(stage):
    stage.send(post())
    door = stage.connect()
    door.dataReceived(ok())
    stage.relay.backend_down(stage.backends["one"], "DOWN")

    assert written(door).ended is not None
    assert stage.front.ended is None


def test_a_large_body_is_not_kept_to_be_sent_again(stage):
    stage.send(post(length=KEPT * 2))
    stage.connect()
    for _ in range(3):
        stage.send(bytes(KEPT // 2))

    assert stage.relay.exchange.kept is None


def test_a_wait_can_be_found_by_its_session_while_it_is_open(stage):
    head = b"POST /mapi/emsmdb/?MailboxId=a HTTP/1.1\r\nHost: h\r\nX-RequestType: NotificationWait\r\n"
    stage.send(head + b"Cookie: MapiContext=a\r\nContent-Length: 0\r\n\r\n")
    waits = stage.relay.house.waits
    (waiting,) = waits.values()
    assert waiting == {stage.relay}

    stage.relay.session_over("the session was ended by its client")
    assert waits == {}
    assert stage.front.ended is not None
    assert stage.ledgers[0].error == "the session was ended by its client"


def test_an_answer_that_nobody_hears_any_more_is_not_held_for_its_reader(stage):
    """Else a slow reader that leaves in the middle would keep the backend waiting for a minute."""
    stage.send(post())
    door = stage.connect()
    door.dataReceived(b"HTTP/1.1 200 OK\r\nX-ResponseCode: 0\r\nContent-Length: 9\r\n\r\n1234")
    stage.front.producer.pauseProducing()
    assert written(door).held
    stage.hang_up()

    assert not written(door).held
    door.dataReceived(b"56789")
    assert stage.relay.exchange is None


BEGUN = b"HTTP/1.1 200 OK\r\nX-ResponseCode: 0\r\nContent-Length: 9\r\n\r\n1234"


def test_a_client_that_does_not_read_is_not_its_backends_fault(stage):
    stage.send(post())
    stage.connect().dataReceived(BEGUN)
    stage.front.producer.pauseProducing()
    stage.pass_time(301.0)
    stage.hang_up()
    stage.pass_time(61.0)

    assert stage.ledgers[0].error == "the client did not take its answer"
    assert stage.rules.tally.hangs == 0
    assert stage.judged == [("one", None)]


def test_a_hang_is_counted_and_held_against_the_backend(stage):
    """No PENDING for three of its periods."""
    stage.send(post())
    stage.connect().dataReceived(BEGUN.replace(b"Content", b"X-PendingPeriod: 30000\r\nContent"))
    stage.pass_time(89.0)
    assert stage.ledgers == []
    stage.pass_time(2.0)

    text = "hang: no PENDING and no data for 90 s, though X-PendingPeriod is 30 s"
    assert stage.ledgers[0].error == text
    assert stage.rules.tally.hangs == 1
    assert stage.judged == [("one", text)]


def test_what_the_operator_ends_is_not_held_against_the_backend(stage):
    stage.send(post())
    stage.connect()
    stage.relay.backend_down(stage.backends["one"], "in maintenance")

    assert stage.judged == [("one", None)] or stage.judged == []


def test_an_ill_answer_is_passed_on_and_held_against_the_backend(stage):
    stage.send(post())
    stage.connect().dataReceived(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")

    assert stage.front.data.startswith(b"HTTP/1.1 503 Busy\r\n")
    assert stage.judged == [("one", "status 503")]


def test_a_good_answer_says_so(stage):
    stage.send(post())
    stage.connect().dataReceived(ok())

    assert stage.judged == [("one", None)]


def test_a_request_that_went_again_blames_only_who_lost_it():
    stage = Stage("one", "two")
    stage.send(post(b"a", length=2))
    first = stage.connect()
    lose(first)
    second = stage.connect()
    stage.send(b"b")
    second.dataReceived(ok())

    assert stage.front.data == ok()
    (lost, why), (carried, nothing) = stage.judged
    assert (lost, carried, nothing) == (first.backend.name, second.backend.name, None)
    assert why is not None
    assert [backend.exchanges for backend in stage.backends.values()] == [0, 0]
