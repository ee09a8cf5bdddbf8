"""shared/reference/grommunio-observed.md, row by row, and the recordings, byte by byte.

Rows about sockets (cut connections, pipelining, chunked uploads, no Host) are in test_server.py.
"""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest
from support.lab import ALICE, BOB, CHANGE, GUID, Reply, Talker, backend, read_request

from mapiproxy.lab import bodies, rops
from mapiproxy.lab.dialect import Answer, LabOptions
from mapiproxy.lab.streaming import Streaming
from mapiproxy.lab.users import LabUser, Users

RECORDINGS = Path(__file__).parents[3] / "shared" / "recordings" / "grommunio-basic"
REJECTED = struct.pack("<II", 0, 0x7EE)


@pytest.fixture
def talker() -> Talker:
    talker = Talker(backend("grommunio"))
    assert talker.reply("Connect").code == 0
    return talker


def test_previous_sequence_gets_7_and_the_session_lives_on(talker: Talker) -> None:
    stale = talker.cookie
    assert talker.reply("Execute").code == 0
    reply = talker.reply("Execute", cookies=stale, keep=False)
    assert (reply.status, reply.code, reply.get(b"Content-Type")) == (200, 7, b"text/html")
    assert reply.all(b"Set-Cookie") == []
    assert reply.all(b"X-RequestId") == []
    assert talker.reply("Execute").code == 0


SEQUENCE = "11111111-2222-3333-4444-555555555555"


@pytest.mark.parametrize(
    "cookies",
    [
        "sid={sid}; sequence=no-guid",
        f"sid={'x' * 32}; sequence={SEQUENCE}",
        "sid={sid}",
        f"sequence={SEQUENCE}",
        "MapiContext=TUFQSQ==; MapiSequence=1-AAAAAA==",
    ],
    ids=["no guid", "unknown sid", "sid only", "sequence only", "exchange cookies"],
)
def test_cookies_that_are_no_session_get_2(talker: Talker, cookies: str) -> None:
    sid = talker.cookies[b"sid"].decode()
    assert talker.code("Execute", cookies=cookies.format(sid=sid)) == 2


@pytest.mark.parametrize("request_type", ["Execute", "NotificationWait", "PING", "Disconnect"])
def test_no_cookies_at_all_get_6(talker: Talker, request_type: str) -> None:
    assert talker.code(request_type, cookies=None) == 6


def test_another_user_gets_4_and_the_owner_goes_on(talker: Talker) -> None:
    assert talker.code("Execute", user=BOB) == 4
    assert talker.reply("Execute").code == 0


def test_unrelated_cookies_and_two_cookie_lines_are_accepted(talker: Talker) -> None:
    assert talker.reply("Execute", cookies=b"a=b; c=d=; " + talker.cookie).code == 0
    sid, sequence = (talker.cookies[name].decode() for name in (b"sid", b"sequence"))
    lines = (f"Cookie: sid={sid}", f"Cookie: sequence={sequence}")
    assert talker.reply("Execute", cookies=None, extra=lines).code == 0


def test_ping_takes_sid_alone_or_a_stale_sequence_and_rolls_nothing(talker: Talker) -> None:
    stale = talker.cookie
    talker.reply("Execute")
    for cookies in (b"sid=" + talker.cookies[b"sid"], stale):
        reply = talker.reply("PING", cookies=cookies)
        assert reply.code == 0
        assert list(reply.cookies) == [b"sid"]
    assert talker.reply("Execute").code == 0


def test_disconnect_with_a_stale_sequence_is_accepted_and_sends_it_back(talker: Talker) -> None:
    stale = talker.cookies[b"sequence"]
    cookie = talker.cookie
    talker.reply("Execute")
    reply = talker.reply("Disconnect", cookies=cookie)
    assert reply.code == 0
    assert reply.cookies[b"sequence"] == stale
    assert talker.code("Execute") == 2


def test_the_same_execute_twice_is_executed_once(talker: Talker) -> None:
    cookies = talker.cookie
    assert talker.code("Execute", cookies=cookies, request_id=f"{GUID}:9") == 0
    assert talker.code("Execute", cookies=cookies, request_id=f"{GUID}:9") == 7
    assert talker.server.executions[f"{GUID}:9"] == 1


def test_request_ids_are_not_compared(talker: Talker) -> None:
    for request_id in (f"{GUID}:5", f"{GUID}:5", f"{GUID}:1"):
        assert talker.reply("Execute", request_id=request_id).code == 0
    assert talker.server.executions[f"{GUID}:5"] == 2


def test_connect_without_cookies_gives_a_second_sid(talker: Talker) -> None:
    first = talker.cookies[b"sid"]
    second = talker.reply("Connect", cookies=None, keep=False).cookies[b"sid"]
    assert first != second
    assert len(first) == len(second) == 32


def test_connect_with_the_old_cookies_keeps_the_sid_and_rolls_the_sequence(talker: Talker) -> None:
    before = dict(talker.cookies)
    stale = talker.cookie
    talker.reply("Execute")
    assert talker.reply("Connect", cookies=stale).code == 0
    assert talker.cookies[b"sid"] == before[b"sid"]
    assert talker.cookies[b"sequence"] != before[b"sequence"]
    assert talker.reply("Execute").code == 0


@pytest.mark.parametrize(
    "cookies",
    [f"sid={'y' * 32}; sequence={SEQUENCE}", f"sid={'y' * 32}", "lb=1"],
    ids=["unknown", "no sequence", "foreign only"],
)
def test_connect_never_falls_back_to_a_fresh_session(talker: Talker, cookies: str) -> None:
    assert talker.code("Connect", cookies=cookies) == 2


def test_two_executes_at_once_get_0_and_7() -> None:
    talker = Talker(backend("grommunio", options=LabOptions(execute_delay=1)))
    talker.reply("Connect")
    cookies = talker.cookie
    first = talker.ask("Execute", cookies=cookies)
    assert isinstance(first, Streaming)
    assert (first.first, first.pulse) == (b"", b"")  # no sign of life before it is done
    assert talker.code("Execute", cookies=cookies) == 7
    assert Reply(first.finish(talker.now + 1)).code == 0


def test_after_a_lost_answer_ping_works_execute_gets_7_and_connect_recovers(talker: Talker) -> None:
    talker.reply("Execute", keep=False)
    assert talker.reply("PING").code == 0
    assert talker.code("Execute") == 7
    assert talker.reply("Connect").code == 0
    assert talker.reply("Execute").code == 0


def test_a_second_wait_is_rejected_while_execute_works(talker: Talker) -> None:
    talker.wait()
    reply = talker.reply("NotificationWait")
    assert (reply.code, reply.binary[:8]) == (0, REJECTED)
    assert talker.reply("Execute").code == 0


def test_an_event_ends_a_wait_with_event_pending_1(talker: Talker) -> None:
    wait = talker.wait()
    woken = []
    wait.wake = lambda: woken.append(wait.finish(talker.now + 2))
    talker.reply("Execute", body=CHANGE)
    assert woken[0].startswith(b"62\r\nPROCESSING\r\nDONE\r\nX-ElapsedTime: 2\r\n")
    assert woken[0].endswith(struct.pack("<4I", 0, 0, 1, 0) + b"\r\n0\r\n\r\n")


def test_an_event_of_before_is_answered_at_once(talker: Talker) -> None:
    other = Talker(talker.server)
    other.reply("Connect")
    other.reply("Execute", body=CHANGE)
    reply = talker.reply("NotificationWait")
    assert reply.binary == struct.pack("<4I", 0, 0, 1, 0)
    fetched = talker.reply("Execute")
    assert bytes((rops.NOTIFY,)) in fetched.binary
    assert isinstance(talker.ask("NotificationWait"), Streaming)


def test_disconnect_does_not_end_a_pending_wait(talker: Talker) -> None:
    wait = talker.wait()
    woken: list[int] = []
    wait.wake = lambda: woken.append(1)
    assert talker.reply("Disconnect").code == 0
    assert woken == []


def test_wait_frames(talker: Talker) -> None:
    wait = talker.wait()
    head = Reply(wait.first)
    assert head.body == b"c\r\nPROCESSING\r\n\r\n"
    assert head.names[-2:] == [b"Set-Cookie", b"Transfer-Encoding"]
    assert list(head.cookies) == [b"sid"]
    assert wait.pulse == b"7\r\nPENDING\r\n"
    assert wait.holds_until_pulse


def test_execute_frames(talker: Talker) -> None:
    reply = talker.reply("Execute")
    assert reply.names[-3:] == [b"Set-Cookie", b"Transfer-Encoding", b"Set-Cookie"]
    preamble, binary, end = reply.chunks
    assert re.fullmatch(
        rb"PROCESSING\r\nDONE\r\nX-ElapsedTime: 0\r\nX-StartTime: [^\r]+ GMT\r\n\r\n", preamble
    )
    assert binary[:8] == bytes(8)
    assert end == b""


def test_http_1_0_is_answered_chunked(talker: Talker) -> None:
    assert talker.reply("Execute", version="HTTP/1.0").get(b"Transfer-Encoding") == b"chunked"


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT"])
def test_other_methods_get_404_and_the_connection_stays(talker: Talker, method: str) -> None:
    answer = talker.ask("Execute", method=method)
    assert isinstance(answer, Answer)
    assert (Reply(answer.raw).status, answer.close) == (404, False)


@pytest.mark.parametrize(
    "target",
    [
        "/mapi/emsmdb?MailboxId=x@y",
        "/mapi/emsmdb/",
        "/mapi/emsmdb/?a=b&MailboxId=x@y",
        "/mapi/emsmdb/?useMailboxOfAuthenticatedUser=true",
        "/mapi/healthcheck.htm",
    ],
)
def test_other_targets_get_404(talker: Talker, target: str) -> None:
    assert talker.reply("Execute", target=target).status == 404


@pytest.mark.parametrize(
    "target",
    [
        f"/MAPI/EMSMDB/?MailboxId={ALICE.mailbox_id}",
        f"/mapi/emsmdb/?mailboxid={ALICE.mailbox_id}",
        f"/mapi/emsmdb/?MailboxId={BOB.mailbox_id}",
        "/mapi/emsmdb/?MailboxId=nobody@nowhere",
    ],
)
def test_the_url_does_not_name_the_mailbox(talker: Talker, target: str) -> None:
    assert talker.reply("Execute", target=target).code == 0


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("X-RequestId", 3),
        ("X-ClientInfo", 3),
        ("X-RequestType", 1),
        ("X-ClientApplication", 0),
        ("Content-Type", 0),
        ("Host", 0),
    ],
)
def test_a_missing_header(talker: Talker, header: str, code: int) -> None:
    assert talker.code("Execute", drop=(header,)) == code


def test_unknown_request_type_gets_8_and_the_sequence_has_moved(talker: Talker) -> None:
    assert talker.code("Exekute") == 8
    assert talker.code("Execute") == 7


def test_request_types_are_compared_without_case_and_echoed_as_sent(talker: Talker) -> None:
    reply = talker.reply("execute")
    assert (reply.code, reply.get(b"X-RequestType")) == (0, b"execute")


@pytest.mark.parametrize(("dn", "error"), [("/o=nobody", 0x80040115), (BOB.dn, 0x80070005)])
def test_connect_to_somebody_else_is_an_error_in_the_body(dn: str, error: int) -> None:
    reply = Talker(backend("grommunio")).reply("Connect", body=bodies.connect_request(dn))
    assert (reply.code, reply.cookies) == (0, {})
    assert reply.binary[:8] == struct.pack("<II", 0, error)


def test_each_request_is_answered_by_its_own_credentials(talker: Talker) -> None:
    bob = Talker(talker.server, user=BOB)
    assert bob.reply("Connect").code == 0
    for one in (talker, bob, talker, bob):
        assert one.reply("Execute").code == 0


def test_no_authorization_gets_a_basic_challenge_and_wrong_ones_take_a_second(
    talker: Talker,
) -> None:
    answer = talker.ask("Execute", user=None)
    assert isinstance(answer, Answer)
    reply = Reply(answer.raw)
    assert (reply.status, answer.close, answer.delay) == (401, False, 0)
    assert reply.get(b"WWW-Authenticate").startswith(b"Basic realm=")
    wrong = talker.ask("Execute", user=LabUser(ALICE.login, "guess"))
    assert isinstance(wrong, Answer)
    assert (Reply(wrong.raw).status, wrong.delay) == (401, 1.0)


def test_a_body_that_cannot_be_read_gets_5(talker: Talker) -> None:
    assert talker.code("Execute", body=b"\3\0\0\0\xff\0\0\0abc") == 5


def test_a_session_ends_a_minute_after_its_expiry(talker: Talker) -> None:
    talker.now += 959
    assert talker.reply("Execute").code == 0
    talker.now += 961
    assert talker.code("Execute") == 2


def test_address_book_session_compares_the_sequence_but_not_the_user() -> None:
    talker = Talker(backend("grommunio"), endpoint="nspi")
    assert talker.reply("Bind").code == 0
    stale = talker.cookie
    assert talker.reply("QueryRows").code == 0
    assert talker.code("QueryRows", cookies=stale) == 7
    assert talker.reply("GetProps", user=BOB).code == 0
    assert talker.code("QueryColumns") == 8
    talker.cookies[b"sequence"] = stale.rpartition(b"=")[2]
    assert talker.reply("Unbind").code == 0


# The recordings: one session, played against the lab by the recorded client.

DN = (
    "/o=Gromox default/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)"
    "/cn=Recipients/cn=0100000001000000-alice"
)
VARIES = re.compile(
    rb"(?<=sid=)[a-z0-9]{32}|(?<=sequence=)[0-9a-f-]{36}|(?<=Date: )[^\r]+|(?<=Time: )[^\r]+"
)


@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recordings are not beside this checkout")
def test_recorded_requests_are_answered_with_the_recorded_heads_and_frames() -> None:
    users = Users([LabUser("alice@example.test", "alicepw", "Alice Example", dn=DN)])
    server = backend("grommunio")
    server.users = users
    server.authenticator = type(server.authenticator)(users, "msrpc realm")
    cookies: dict[bytes, bytes] = {}
    wait: list[bytes] = []
    for file in sorted(RECORDINGS.glob("*.req.bin")):
        asked = file.read_bytes()
        if cookies:
            pair = b"sid=%b; sequence=%b" % (cookies[b"sid"], cookies[b"sequence"])
            asked = re.sub(rb"(?<=Cookie: )[^\r]+", pair, asked)
        answer = server.answer(read_request(asked), 0.0, {})
        if isinstance(answer, Streaming):
            streaming = answer
            streaming.wake = lambda s=streaming: wait.append(s.first + s.finish(2.0))
            continue
        reply = Reply(answer.raw)
        cookies.update(reply.cookies)
        recorded = Reply(file.with_name(file.name.replace(".req.", ".resp.")).read_bytes())
        assert VARIES.sub(b"*", reply.head) == VARIES.sub(b"*", recorded.head), file.name
        if recorded.get(b"Transfer-Encoding"):
            assert len(reply.chunks) == len(recorded.chunks), file.name
            assert VARIES.sub(b"*", reply.chunks[0]) == VARIES.sub(b"*", recorded.chunks[0])
        else:
            assert VARIES.sub(b"*", reply.body) == VARIES.sub(b"*", recorded.body), file.name
    recorded = next(RECORDINGS.glob("05-*.resp.bin")).read_bytes()
    assert [VARIES.sub(b"*", each) for each in wait] == [VARIES.sub(b"*", recorded)]
