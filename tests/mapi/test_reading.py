"""What heads say: read leniently, whatever the case, and no secret is handed on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mapiproxy.backends.kind import Kind
from mapiproxy.mapi.reading import (
    read_answer,
    read_code,
    read_request,
    read_target,
    session_digest,
)
from mapiproxy.mapi.vocabulary import Endpoint
from mapiproxy.wire.heads import parse_request_head, parse_response_head

ROOT = Path(__file__).resolve().parents[2]


def request(*fields: str, target: str = "/mapi/emsmdb/?MailboxId=a@b"):
    return parse_request_head("\r\n".join([f"POST {target} HTTP/1.1", "Host: h", *fields, "", ""]).encode())


def answer(*fields: str):
    return parse_response_head("\r\n".join(["HTTP/1.1 200 OK", *fields, "", ""]).encode())


@pytest.mark.parametrize(
    ("target", "endpoint", "mailbox"),
    [
        (b"/mapi/emsmdb/?MailboxId=G@d", Endpoint.EMSMDB, "G@d"),
        (b"/MAPI/Nspi/?mailboxid=G@d", Endpoint.NSPI, "G@d"),
        (b"/mapi/emsmdb?x=1&MAILBOXID=G%40d&y=2", Endpoint.EMSMDB, "G%40d"),
        (b"/mapi/emsmdb/", Endpoint.EMSMDB, None),
        (b"/mapi/emsmdb/?MailboxId=", Endpoint.EMSMDB, None),
        (b"/mapi/emsmdb/?NotMailboxId=G@d", Endpoint.EMSMDB, None),
        (b"/mapi/emsmdb/?useMailboxOfAuthenticatedUser=true", Endpoint.EMSMDB, None),
        (b"https://h/mapi/nspi/?MailboxId=G@d", Endpoint.NSPI, "G@d"),
        (b"/mapi/emsmdbx/?MailboxId=G@d", None, "G@d"),
        (b"/mapi/healthcheck.htm", None, None),
        (b"/owa/mapi/emsmdb/", None, None),
    ],
)
def test_a_target_is_taken_apart_in_any_spelling(target, endpoint, mailbox):
    """M24."""
    read = read_target(target)

    assert (read.endpoint, read.mailbox) == (endpoint, mailbox)


def test_a_target_keeps_path_and_query_as_sent():
    read = read_target(b"/MAPI/emsmdb/?b=%2F&a")

    assert (read.path, read.query) == ("/MAPI/emsmdb/", "?b=%2F&a")


def session(kind: Kind, *cookies: str, target: str = "/mapi/emsmdb/"):
    return read_request(request(*(f"Cookie: {value}" for value in cookies), target=target), kind).session


def test_the_session_is_known_however_the_cookies_are_sent():
    """Reference 4.1: several lines, with and without blanks, `=` inside values."""
    wanted = session_digest(Endpoint.EMSMDB, b"QQ==")

    for cookies in (["MapiContext=QQ=="], ["a=1; MapiContext=QQ==; b=2"], ["a=1;mapicontext=QQ==;b=2"],
                    ["a=1", "MapiContext=QQ=="], ["MapiContext=old; MapiContext=QQ=="], [" MapiContext = QQ== "]):  # fmt: skip
        assert session(Kind.EXCHANGE, *cookies) == wanted
    for cookies in (["MapiContextX=QQ=="], ["XMapiContext=QQ=="], ["MapiContext="], ["a=MapiContext=QQ=="], []):
        assert session(Kind.EXCHANGE, *cookies) is None


def test_each_kind_has_its_own_session_cookie():
    assert session(Kind.GROMMUNIO, "sid=abc; sequence=def") == session_digest(Endpoint.EMSMDB, b"abc")
    assert session(Kind.GROMMUNIO, "MapiContext=abc") is None
    assert session(Kind.EXCHANGE, "sid=abc") is None


def test_the_endpoints_of_grommunio_do_not_mix_up_their_sids():
    """N7: both hand out a cookie named sid."""
    assert session(Kind.GROMMUNIO, "sid=a") != session(Kind.GROMMUNIO, "sid=a", target="/mapi/nspi/")


def test_any_process_knows_a_session_by_the_same_digest():
    code = ("from mapiproxy.mapi.reading import session_digest as d; from mapiproxy.mapi.vocabulary import Endpoint;"
            "print(d(Endpoint.NSPI, b'x').hex())")  # fmt: skip
    said = {
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed},
                       capture_output=True, text=True, check=True).stdout.strip()
        for seed in ("1", "2")
    }  # fmt: skip

    assert said == {session_digest(Endpoint.NSPI, b"x").hex()}


def test_an_answer_sets_the_session_by_its_last_cookie_of_the_name():
    facts = read_answer(
        answer("Set-Cookie: MapiRouting=x; path=/mapi/", "Set-Cookie: MapiContext=QQ==; path=/mapi; secure",
               "Set-Cookie: MapiSequence=1-a=="),
        Endpoint.EMSMDB, Kind.EXCHANGE,
    )  # fmt: skip

    assert facts.session == session_digest(Endpoint.EMSMDB, b"QQ==")


def test_an_answers_numbers_are_read_in_seconds():
    facts = read_answer(answer("x-responsecode: 0", "X-PendingPeriod: 15000", "X-EXPIRATIONINFO: 900000"), None,
                        Kind.EXCHANGE)  # fmt: skip

    assert (facts.code, facts.pending_period, facts.expiration) == (0, 15.0, 900.0)


@pytest.mark.parametrize(("value", "code"), [(b"10", 10), (b" 0 ", 0), (b"0, 10", 10), (b"x", None), (b"", None),
                                             (b"-1", None), (b"+1", None), (b"99999", None), (b"1_0", None)])  # fmt: skip
def test_a_code_is_a_small_number_and_the_last_of_a_list(value, code):
    assert read_code(value) == code


def test_what_cannot_be_read_is_absent_and_no_error():
    facts = read_answer(answer("X-PendingPeriod: soon", "X-ExpirationInfo:", "X-ResponseCode: none"), None, Kind.EXCHANGE)

    assert (facts.code, facts.pending_period, facts.expiration, facts.session) == (None, None, None, None)


def test_outlook_anywhere_and_mapi_name_a_mailbox_alike():
    for target in ("/rpc/rpcproxy.dll?ab-1@example.com:6001", "/RpcWithCert/rpcproxy.dll?ab-1@example.com:6004",
                   "/mapi/emsmdb/?MailboxId=ab-1@example.com"):
        assert read_target(target.encode()).mailbox == "ab-1@example.com"
    for target in ("/rpc/rpcproxy.dll?exch1.corp:6001", "/rpc/rpcproxy.dll?localhost:593", "/rpc/rpcproxy.dll",
                   "/owa/rpcproxy.dll?a@b:6001"):
        assert read_target(target.encode()).mailbox is None


def test_other_protocols_name_the_mailbox_in_a_header():
    head = request("X-AnchorMailbox: alice@example.com", target="/EWS/Exchange.asmx")
    assert read_request(head, Kind.EXCHANGE).mailbox == "alice@example.com"
    assert read_request(request("X-AnchorMailbox: alice@example.com"), Kind.EXCHANGE).anchor is None


def test_request_types_come_in_the_specifications_spelling_and_unknown_ones_as_they_are():
    assert read_request(request("X-RequestType: BIND"), Kind.EXCHANGE).request_type == "Bind"
    assert read_request(request("X-RequestType: Dance"), Kind.EXCHANGE).request_type == "Dance"
    assert read_request(request(), Kind.EXCHANGE).request_type is None


def test_nothing_secret_is_in_a_repr():
    head = request("Cookie: MapiContext=topsecret", "Authorization: Basic YWxpY2U6cGFzc3dvcmQ=")
    shown = repr(head) + repr(read_request(head, Kind.EXCHANGE))
    shown += repr(answer("Set-Cookie: MapiContext=topsecret"))

    assert "topsecret" not in shown
    assert "YWxpY2U6" not in shown
