"""The exchange kind: codes, cookies and frames as reference 3, 4 and 5 give them."""

from __future__ import annotations

import re
import struct

import pytest
from support.lab import ALICE, BOB, CHANGE, GUID, Reply, Talker, backend

from mapiproxy.lab import bodies
from mapiproxy.lab.dialect import Answer, LabOptions
from mapiproxy.lab.streaming import Streaming


@pytest.fixture
def talker() -> Talker:
    talker = Talker(backend("exchange"))
    assert talker.reply("Connect").code == 0
    return talker


def test_connect_sets_the_four_cookies_with_their_attributes(talker: Talker) -> None:
    reply = Talker(talker.server).reply("Connect")
    context, sequence, back_end, routing = reply.all(b"Set-Cookie")
    assert re.fullmatch(rb"MapiContext=\S+; path=/mapi/emsmdb; secure; HttpOnly", context)
    assert re.fullmatch(rb"MapiSequence=1-\S{6}==; path=/mapi/emsmdb; secure; HttpOnly", sequence)
    assert re.fullmatch(
        rb"X-BackEndCookie=[^=]+=[^;]+; expires=\w{3}, \d\d-\w{3}-\d{4} [\d:]{8} GMT;"
        rb" path=/mapi; secure; HttpOnly",
        back_end,
    )
    assert re.fullmatch(rb"MapiRouting=\S+; path=/mapi/; secure; HttpOnly", routing)
    assert reply.get(b"X-ExpirationInfo") == b"300000"


def test_an_execute_rolls_the_sequence_and_keeps_the_context(talker: Talker) -> None:
    before = dict(talker.cookies)
    reply = talker.reply("Execute")
    assert reply.cookies[b"MapiContext"] == before[b"MapiContext"]
    assert reply.cookies[b"MapiSequence"].startswith(b"2-")
    assert reply.get(b"X-ExpirationInfo") == b"900000"


def test_a_stale_sequence_gets_15_and_poisons_the_context(talker: Talker) -> None:
    stale = talker.cookie
    talker.reply("Execute")
    assert talker.code("Execute", cookies=stale) == 15
    for request_type in ("Execute", "NotificationWait", "PING", "Disconnect"):
        assert talker.code(request_type) == 15
    assert talker.reply("Connect").code == 0
    assert talker.reply("Execute").code == 0


def test_two_executes_at_once_get_15_although_the_second_has_the_new_sequence() -> None:
    talker = Talker(backend("exchange", options=LabOptions(execute_delay=1)))
    talker.reply("Connect")
    first = talker.ask("Execute")
    assert isinstance(first, Streaming)
    talker.cookies.update(Reply(first.first).cookies)
    assert talker.code("Execute") == 15
    assert b"DONE" in first.finish(talker.now + 1)


def test_a_ping_or_wait_beside_a_slow_execute_is_no_second_call() -> None:
    talker = Talker(backend("exchange", options=LabOptions(execute_delay=1)))
    talker.reply("Connect")
    first = talker.ask("Execute")
    assert isinstance(first, Streaming)
    talker.cookies.update(Reply(first.first).cookies)
    assert talker.reply("PING").code == 0
    talker.wait()
    assert talker.code("Execute") == 15  # the first one still runs
    first.finish(talker.now + 1)


@pytest.mark.parametrize(
    ("cookies", "code"),
    [(None, 13), ("MapiContext=garbage", 6), (f"MapiContext=MAPI{'A' * 32}", 10)],
    ids=["missing", "garbage", "unknown"],
)
def test_cookies_that_are_no_session(talker: Talker, cookies: str | None, code: int) -> None:
    assert talker.code("Execute", cookies=cookies) == code


def test_missing_sequence_gets_13(talker: Talker) -> None:
    assert talker.code("Execute", cookies=b"MapiContext=" + talker.cookies[b"MapiContext"]) == 13


def test_another_user_gets_10_and_the_owner_goes_on(talker: Talker) -> None:
    assert talker.code("Execute", user=BOB) == 10
    assert talker.reply("Execute").code == 0


@pytest.mark.parametrize(("header", "code"), [("X-RequestId", 7), ("X-RequestType", 7)])
def test_missing_header(talker: Talker, header: str, code: int) -> None:
    assert talker.code("Execute", drop=(header,)) == code


def test_unknown_type_gets_5_and_a_broken_body_12(talker: Talker) -> None:
    assert talker.code("Exekute") == 5
    reply = talker.reply("Execute", body=b"\3\0\0\0\xff\0\0\0abc", keep=False)
    assert reply.code == 12
    assert reply.get(b"Content-Type") == b"text/html"
    assert reply.get(b"X-RequestId") is not None
    assert b"PROCESSING" not in reply.body


def test_ping_needs_no_cookies_and_says_then_no_expiry(talker: Talker) -> None:
    bare = talker.reply("PING", cookies=None, keep=False)
    assert bare.code == 0
    assert list(bare.cookies) == [b"MapiRouting"]
    assert bare.get(b"X-ExpirationInfo") is None
    with_cookies = talker.reply("PING")
    assert sorted(with_cookies.cookies) == [b"MapiContext", b"MapiRouting"]
    assert talker.reply("Execute").code == 0


def test_disconnect_ends_the_context(talker: Talker) -> None:
    assert sorted(talker.reply("Disconnect").cookies) == [
        b"MapiContext",
        b"MapiRouting",
        b"MapiSequence",
    ]
    assert talker.code("Execute") == 10


def test_connect_with_old_cookies_destroys_the_old_context(talker: Talker) -> None:
    old = talker.cookie
    assert talker.reply("Connect").code == 0
    assert talker.code("Execute", cookies=old) == 10
    assert talker.reply("Execute").code == 0


def test_idle_context_expires_and_ping_refreshes(talker: Talker) -> None:
    talker.now += 899
    assert talker.reply("PING").code == 0
    talker.now += 899
    assert talker.reply("Execute").code == 0
    talker.now += 901
    assert talker.code("Execute") == 10


def test_a_pending_wait_keeps_the_context_alive(talker: Talker) -> None:
    wait = talker.wait()
    talker.now += 2000
    wait.finish(talker.now)
    assert talker.reply("Execute").code == 0


def test_connect_to_nobody_and_to_somebody_else(talker: Talker) -> None:
    for dn, error in (("/o=nobody", 0x3EB), (BOB.dn, 0x3F2)):
        fresh = Talker(talker.server)
        reply = fresh.reply("Connect", body=bodies.connect_request(dn))
        assert (reply.code, reply.binary[:8]) == (0, struct.pack("<II", 0, error))
        assert b"MapiContext" in reply.cookies  # set, but of no living context
        assert fresh.code("Execute") == 10


def test_wait_frames_and_event(talker: Talker) -> None:
    wait = talker.wait()
    assert Reply(wait.first).body == b"c\r\nPROCESSING\r\n\r\n"
    assert (wait.pulse, wait.period) == (b"9\r\nPENDING\r\n\r\n", 30.0)
    assert not wait.holds_until_pulse
    woken: list[bytes] = []
    wait.wake = lambda: woken.append(wait.finish(talker.now + 61.044))
    talker.reply("Execute", body=CHANGE)
    assert woken[0].startswith(b"5a\r\nDONE\r\nX-ElapsedTime: 61044\r\nX-StartTime: ")
    assert woken[0].endswith(struct.pack("<4I", 0, 0, 1, 0) + b"\r\n0\r\n\r\n")


def test_a_second_wait_is_rejected(talker: Talker) -> None:
    talker.wait()
    assert talker.reply("NotificationWait").binary[:8] == struct.pack("<II", 0, 0x7EE)


def test_a_slow_execute_shows_life_at_once() -> None:
    talker = Talker(backend("exchange", options=LabOptions(execute_delay=45)))
    talker.reply("Connect")
    slow = talker.ask("Execute")
    assert isinstance(slow, Streaming)
    head = Reply(slow.first)
    assert head.chunks == [b"PROCESSING\r\n"]
    assert (slow.pulse, slow.lasts, slow.survives) == (b"9\r\nPENDING\r\n\r\n", 45, True)
    assert b"X-ElapsedTime: 45000\r\n" in slow.finish(talker.now + 45)


@pytest.mark.parametrize("chunked", [True, False])
def test_a_quick_execute_may_have_either_framing(chunked: bool) -> None:
    talker = Talker(backend("exchange", options=LabOptions(chunk_executes=chunked)))
    talker.reply("Connect")
    reply = talker.reply("Execute")
    assert (reply.get(b"Transfer-Encoding") is not None) == chunked
    if not chunked:
        assert int(reply.get(b"Content-Length")) == len(reply.body)
    assert reply.payload.startswith(b"PROCESSING\r\nDONE\r\nX-ElapsedTime: 0\r\nX-StartTime: ")


def test_heads_name_the_servers_and_echo_the_request(talker: Talker) -> None:
    ask = ("client-request-id: {C1}",)
    reply = talker.reply("Execute", request_id=f"{GUID}:77", extra=ask)
    for name in (b"X-FEServer", b"X-BEServer", b"X-CalculatedBETarget", b"X-DiagInfo"):
        assert reply.get(name) == b"LAB1"
    assert reply.get(b"X-RequestId") == f"{GUID}:77".encode()
    assert reply.get(b"client-request-id") == b"{C1}"
    assert re.fullmatch(rb"[0-9a-f-]{36}", reply.get(b"request-id"))
    assert reply.get(b"X-ServerApplication").startswith(b"Exchange/15.")
    assert talker.reply("Execute").get(b"request-id") != reply.get(b"request-id")


def test_health_check_asks_for_no_credentials(talker: Talker) -> None:
    reply = talker.reply(None, method="GET", target="/mapi/healthcheck.htm", user=None)
    assert (reply.status, reply.body) == (200, b"200 OK<br/>LAB1")


def test_connectivity_page_and_missing_mailbox_id(talker: Talker) -> None:
    page = talker.reply(None, method="GET", target="/mapi/emsmdb/")
    assert (page.status, page.get(b"Content-Type")) == (200, b"text/html")
    bare = talker.reply("Connect", target="/mapi/emsmdb/", keep=False)
    assert (bare.status, bare.body, bare.code) == (400, b"", None)
    assert talker.reply("Execute", target=f"/MAPI/Emsmdb/?x=y&mailboxId={ALICE.guid}").code == 0
    assert talker.reply("Execute", target="/other/", keep=False).status == 404


def test_no_authorization_gets_401_and_a_routing_cookie(talker: Talker) -> None:
    answer = talker.ask("Execute", user=None)
    assert isinstance(answer, Answer)
    reply = Reply(answer.raw)
    assert reply.status == 401
    assert reply.get(b"WWW-Authenticate") is not None
    assert list(reply.cookies) == [b"MapiRouting"]
    assert not answer.close


def test_address_book_session(talker: Talker) -> None:
    book = Talker(talker.server, endpoint="nspi")
    reply = book.reply("Bind")
    assert reply.all(b"Set-Cookie")[0].endswith(b"; path=/mapi/nspi; secure; HttpOnly")
    rows = book.reply("QueryRows").binary
    assert "Alice Example".encode("utf-16-le") in rows
    assert "Bob Example".encode("utf-16-le") in rows
    assert (
        "alice@example.test".encode("utf-16-le")
        in book.reply(
            "GetProps", body=bodies.get_props_request((bodies.PID_TAG_SMTP_ADDRESS,))
        ).binary
    )
    assert book.reply("ResolveNames").binary[4:8] == struct.pack("<I", 0x80040102)
    assert book.reply("Unbind").code == 0
    assert book.code("QueryRows") == 10


def test_a_filler_of_the_wished_size_answers_executes() -> None:
    talker = Talker(backend("exchange", options=LabOptions(answer_size=2048)))
    talker.reply("Connect")
    assert len(talker.reply("Execute").binary) == 2048
    talker.server.options.answer_size = 200_000
    assert len(talker.reply("Execute").binary) == 200_000


def test_late_failure_after_acceptance(talker: Talker) -> None:
    from support.lab import read_request, request_bytes

    raw = request_bytes("Execute", cookies=talker.cookie)
    answer = talker.server.answer(read_request(raw), talker.now, {}, late=1)
    assert isinstance(answer, Answer)
    assert Reply(answer.raw).code == 0
    assert b"DONE\r\nX-ResponseCode: 1\r\n" in Reply(answer.raw).payload


def test_close_delimited_answers_have_neither_length_nor_chunks(talker: Talker) -> None:
    reply = talker.reply("Execute", version="HTTP/1.0")
    assert reply.get(b"Transfer-Encoding") is None
    assert reply.get(b"Content-Length") is None
    assert reply.body.startswith(b"PROCESSING\r\nDONE\r\n")
