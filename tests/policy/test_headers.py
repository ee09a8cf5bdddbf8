"""What changes in a head on its way: the README's table, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapiproxy.policy.headers import Hop, answer_for_client, request_for_backend, without_cookies
from mapiproxy.wire.heads import parse_request_head, parse_response_head

HOP = Hop("192.0.2.7", True)
OURS = b"X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n\r\n"


def request(*fields: str, version: str = "1.1"):
    return parse_request_head("\r\n".join([f"POST /mapi/ HTTP/{version}", "Host: h", *fields, "", ""]).encode())


def answer(*fields: str):
    return parse_response_head("\r\n".join(["HTTP/1.1 200 OK", *fields, "", ""]).encode())


def lines(head: bytes) -> list[bytes]:
    return head.split(b"\r\n")[1:-2]


def test_a_head_that_no_rule_touches_goes_on_as_it_came_with_our_two_lines():
    head = request("x-ODD-case: 1", "Cookie: a=b", "Cookie: c=d", "Connection: Keep-Alive", "X-Empty:")

    assert request_for_backend(head, HOP) == head.raw[:-2] + OURS


@pytest.mark.parametrize("name", ["X-Forwarded-For", "x-forwarded-proto", "X-Forwarded-Host", "X-Forwarded-Port",
                                  "Forwarded", "X-Real-IP", "TE", "Upgrade", "HTTP2-Settings", "Proxy-Connection",
                                  "X-DeviceInfo"])  # fmt: skip
def test_headers_of_this_hop_or_of_a_liar_are_removed_and_the_rest_keeps_its_order(name):
    head = request("A: 1", f"{name}: evil", "B: 2", "a: 3")

    assert request_for_backend(head, HOP) == b"POST /mapi/ HTTP/1.1\r\nHost: h\r\nA: 1\r\nB: 2\r\na: 3\r\n" + OURS


def test_an_expectation_that_we_have_met_goes_no_further():
    assert b"expect" not in request_for_backend(request("Expect: 100-continue"), HOP).lower()
    assert b"Expect" in request_for_backend(request("Expect: 100-continue", version="1.0"), HOP)


def test_what_connection_lists_stays_here_but_for_what_is_end_to_end():
    head = request("Connection: keep-alive, X-Hop, x-clientinfo", "X-Hop: 1", "X-ClientInfo: {A}:1")
    came = request_for_backend(head, HOP)

    assert b"X-Hop: 1" not in came
    assert b"X-ClientInfo: {A}:1" in came


def test_the_clients_address_may_be_kept_from_backends():
    assert request_for_backend(request("A: 1"), Hop("192.0.2.7", True, forwarded=False)) == request("A: 1").raw


def test_an_answer_is_not_touched_without_a_reason():
    head = answer("Set-Cookie: a=1; path=/", "set-cookie: b=2", "WWW-Authenticate: Negotiate",
                  "WWW-Authenticate: NTLM", "Keep-Alive: timeout=180", "Connection: keep-alive")  # fmt: skip

    assert answer_for_client(head, close=False, dechunk=False) == head.raw


def test_an_answer_does_not_lead_clients_around_us():
    """M10: Alt-Svc would offer HTTP/2 or 3, where Windows authentication cannot work."""
    head = answer("A: 1", 'Alt-Svc: h3=":443"', "Upgrade: h2c", "Set-Cookie: a=1")

    assert lines(answer_for_client(head, close=False, dechunk=False)) == [b"A: 1", b"Set-Cookie: a=1"]


def test_a_close_is_announced_once():
    assert lines(answer_for_client(answer("A: 1"), close=True, dechunk=False)) == [b"A: 1", b"Connection: close"]
    closing = answer("Connection: close")
    assert answer_for_client(closing, close=True, dechunk=False) == closing.raw
    keeping = answer("Connection: keep-alive", "Keep-Alive: timeout=9")
    assert lines(answer_for_client(keeping, close=True, dechunk=False)) == [b"Connection: close"]


def test_http_1_0_hears_nothing_of_chunks():
    head = answer("Transfer-Encoding: chunked", "Trailer: X", "A: 1")

    assert lines(answer_for_client(head, close=False, dechunk=True)) == [b"A: 1", b"Connection: close"]


NAMES = st.sampled_from(
    ["A", "b", "X-RequestId2", "Cookie", "Accept", "x-forwarded-for", "Forwarded", "TE", "Upgrade", "X-DeviceInfo"]
)
VALUES = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20)


@given(st.lists(st.tuples(NAMES, VALUES), max_size=12))
def test_whatever_comes_the_rest_keeps_bytes_and_order(pairs):
    """The short cut for heads without such names and the long way agree."""
    head = request(*(f"{name}: {value}" for name, value in pairs))
    gone = {"x-forwarded-for", "forwarded", "te", "upgrade", "x-deviceinfo"}
    kept = [f"{name}: {value}".encode() for name, value in pairs if name.lower() not in gone]

    came = request_for_backend(head, HOP)

    assert lines(came) == [b"Host: h", *kept, *OURS.split(b"\r\n")[:2]]
    parse_request_head(came)


@pytest.mark.parametrize(
    ("cookie", "left"),
    [
        (b"Cookie: a=1; sid=x; b=2==\r\n", b"Cookie: a=1; b=2==\r\n"),
        (b"Cookie: sid=x; a=1\r\n", b"Cookie: a=1\r\n"),
        (b"cookie:a=1;sid=x;b=2\r\n", b"cookie: a=1;b=2\r\n"),
        (b"Cookie: a=1; sid=x\r\n", b"Cookie: a=1\r\n"),
        (b"Cookie: sid=x\r\n", b""),
        (b"Cookie: sid=x; sid=y; sequence=z\r\n", b""),
        (b"Cookie: sid=x\r\nCookie: a=1; sequence=z\r\n", b"Cookie: a=1\r\n"),
        (b"Cookie: sid =x; a=1\r\n", b"Cookie: a=1\r\n"),
        (b"Cookie: outside=1; mysid=2; sidney=3; x=sid\r\n", b"Cookie: outside=1; mysid=2; sidney=3; x=sid\r\n"),
        (b"X-Note: sid=x\r\n", b"X-Note: sid=x\r\n"),
    ],
)
def test_cookies_that_are_not_for_the_backend_go_and_no_byte_of_the_others(cookie, left):
    """M5, M7."""
    before, after = b"POST /sid HTTP/1.1\r\nHost: sid\r\n", b"X-End: sequence=1\r\n\r\n"

    assert without_cookies(before + cookie + after, frozenset((b"sid", b"sequence"))) == before + left + after
