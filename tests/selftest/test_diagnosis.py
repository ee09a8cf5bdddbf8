"""What answers are said to mean: every text has what came, what was expected, and a reason."""

from __future__ import annotations

import pytest
from support.staging import step

from mapiproxy.backends.kind import Kind
from mapiproxy.lab.errors import AnswerLost, BadAnswer, DialFailed, LabError, LoginBroken, NotSent
from mapiproxy.selftest.diagnosis import (
    explain_code,
    explain_error,
    explain_loss,
    explain_status,
    explain_step,
    kind_of,
)
from mapiproxy.wire.heads import ResponseHead, parse_response_head

UNAUTHORIZED = "VW5hdXRob3JpemVk"


def head(status: str, *lines: str) -> ResponseHead:
    return parse_response_head("\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode("latin-1"))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (head("404 Not Found"), "/mapi is not published here"),
        (head("403 Forbidden"), "a filter"),
        (head("504 Gateway Timeout"), "has waited for the server behind it in vain"),
        (head("418 Teapot"), "what answers is no MAPI endpoint"),
        (head("302 Found", "Location: https://login.test/"), "leads to login.test"),
        (head("302 Found", "Location: https://[bad/"), "another page of the same host"),
        (head("302 Found"), "what answers is no MAPI endpoint"),
        (head("200 OK", "Content-Type: text/html"), "a web page answers"),
        (head("200 OK", "Content-Type: application/mapi-http"), "not as it should"),
        (head("401 x", f"X-FailureContext: FrontEnd;401;{UNAUTHORIZED};;;;"), "(FrontEnd says Unauthorized)"),
        (head("500 x", "X-FailureContext: BackEnd;500;%%%;;;;", "X-CasErrorCode: ServerNotFound"), "ServerNotFound"),
    ],
)
def test_a_status(answer, reason):
    text = explain_status(answer, "POST /mapi/", "401")
    assert text.startswith(f"{answer.status} for POST /mapi/, expected 401: ")
    assert reason in text


@pytest.mark.parametrize(
    ("code", "kind", "meaning", "reason"),
    [
        (10, Kind.EXCHANGE, "Context Not Found, as exchange counts", "does not have the session"),
        (10, Kind.GROMMUNIO, "Context Not Found, as grommunio counts", "the proxy before grommunio says"),
        (2, Kind.GROMMUNIO, "Invalid Context Cookie", "a balancer adds a cookie of its own"),
        (6, Kind.EXCHANGE, "Invalid Context Cookie", "of another server, or were changed on the way"),
        (6, Kind.GROMMUNIO, "Missing Cookie", "takes Cookie or Set-Cookie away"),
        (13, Kind.EXCHANGE, "Missing Cookie", "takes Cookie or Set-Cookie away"),
        (7, Kind.GROMMUNIO, "Invalid Sequence", "repeated or overtaken"),
        (7, Kind.EXCHANGE, "Missing Header", "takes X- headers away"),
        (16, None, "(Endpoint Disabled)", "is switched off"),
        (99, Kind.EXCHANGE, "Undefined", "the server's own log"),
    ],
)
def test_a_code_is_read_in_the_numbering_of_its_kind(code, kind, meaning, reason):
    text = explain_code(code, kind, "Execute")
    assert text.startswith(f"X-ResponseCode {code} (")
    assert meaning in text
    assert "for Execute, expected 0: " in text
    assert reason in text


def test_an_error_in_the_body():
    assert explain_error(0x3EB, "Connect").endswith("0x000003EB in the answer to Connect, expected 0: the server does not know the DN")
    assert explain_error(0x12345678, "RopLogon").endswith("the store refuses it")


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"status": 200, "code": 0}, ""),
        ({"status": 200, "code": 0, "late_code": 10}, "X-ResponseCode 10"),
        ({"status": 200, "code": 0, "error": 0x7EE}, "another wait of the same session is still held"),
        ({"status": 200, "code": 0, "error": 1, "request_type": "Unbind"}, ""),
        ({"status": 200}, "200 without X-ResponseCode for Execute: something on the way takes X- headers away"),
        ({"status": 401}, "401 for Execute, expected 200: the login that was good before is not any more: something on the"
         " way mixes or splits authenticated connections"),
        ({"status": 503}, "503 for Execute, expected 200: no server behind"),
    ],
)
def test_a_step(given, text):
    found = explain_step(step(head=head(f"{given['status']} x"), **given), Kind.EXCHANGE)
    assert text in found
    assert bool(text) == bool(found)


def test_a_web_page_in_place_of_an_answer():
    page = step(status=200, head=head("200 OK", "Content-Type: text/html"))
    assert "a web page answers" in explain_step(page, None)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (DialFailed("refused"), "refused"),
        (LoginBroken("not gone on with"), "not gone on with"),
        (NotSent("connection 1 was lost"), "connection 1 was lost: PING could not be sent"),
        (AnswerLost("connection 1: nothing came for 5 s", begun=False), "expected the answer to PING: the server is stuck"),
        (AnswerLost("connection 1 was lost", begun=True), "closed within the answer to PING"),
        (AnswerLost("connection 1 was lost", begun=False), "closed before the answer to PING"),
        (BadAnswer("no HTTP"), "the answer to PING is not what it should be (no HTTP)"),
        (LabError("busy"), "busy"),
    ],
)
def test_a_loss(error, text):
    assert text in explain_loss(error, "PING")


@pytest.mark.parametrize(
    ("lines", "kind"),
    [
        (["Server: Microsoft-IIS/10.0"], Kind.EXCHANGE),
        (["X-FEServer: A"], Kind.EXCHANGE),
        (["Server: gromox/3.0"], Kind.GROMMUNIO),
        (['WWW-Authenticate: Basic realm="msrpc realm"'], Kind.GROMMUNIO),
        (["Server: nginx"], None),
    ],
)
def test_an_answer_betrays_the_kind_of_server(lines, kind):
    assert kind_of(head("401 x", *lines)) is kind
