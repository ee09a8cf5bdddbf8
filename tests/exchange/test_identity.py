"""The steps that are about who the client is."""

from __future__ import annotations

from base64 import b64decode
from ipaddress import ip_network
from typing import Any

import pytest
from support.script import MAILBOX, Play, answer, request

from mapiproxy.backends.vdir import VirtualDirectory
from mapiproxy.exchange.actions import ToBackend
from mapiproxy.exchange.exchange import Exchange
from mapiproxy.policy.authloop import Guard
from mapiproxy.policy.bond import Bond
from mapiproxy.policy.firewall import Firewall, FirewallRule
from mapiproxy.policy.headers import Hop
from mapiproxy.policy.mapihttp import MapiHttp
from mapiproxy.policy.usage import Quotas
from mapiproxy.record.opening import open_ledger

BASIC = "Authorization: Basic YWxpY2U6cGFzc3dvcmQ="
NTLM_1 = "Authorization: NTLM TlRMTVNTUAABAAAAB4IIogAAAAAAAAAAAAAAAAAAAAAKAGFKAAAADw=="


def play(head: Any = None, vdir: VirtualDirectory | None = None, **rules: Any) -> Play:
    """One exchange whose pool is *vdir*, with other rules."""
    made = Play(head)
    pool = made.rules.pools[0]
    if vdir is not None:
        pool.vdir = vdir
        made.rules.forget_paths()
    for name, value in rules.items():
        setattr(made.rules, name, value)
    made.exchange = Exchange(made.rules, made.exchange.head, Hop("192.0.2.7", True), made.ledger, Bond())
    return made


OFFERS = ("WWW-Authenticate: Negotiate", "WWW-Authenticate: NTLM", 'WWW-Authenticate: Basic realm="x"')


def test_only_the_methods_of_the_virtual_directory_are_offered():
    made = play(vdir=VirtualDirectory("mapi", iis_authentication_methods=("NTLM", "Negotiate")))
    made.answering(answer(401, *OFFERS, code=None))

    assert b"WWW-Authenticate: NTLM\r\n" in made.bytes_to_client
    assert b"WWW-Authenticate: Negotiate\r\n" in made.bytes_to_client
    assert b"Basic" not in made.bytes_to_client


def test_without_methods_every_offer_passes_as_it_is():
    head = answer(401, *OFFERS, code=None)
    made = play()
    made.answering(head)
    assert made.bytes_to_client == head.raw


def test_a_scheme_that_is_not_enabled_is_refused_with_those_that_are():
    made = play(request(None, BASIC), VirtualDirectory("mapi", iis_authentication_methods=("NTLM", "OAuth")))

    assert made.do("begin") == ["to client 401", "arm LINGER 5"]
    assert b"WWW-Authenticate: NTLM\r\nWWW-Authenticate: Bearer\r\n" in made.bytes_to_client
    assert "password" not in repr(made.ledger)
    assert made.ledger.backend is None


@pytest.mark.parametrize("line", ["Authorization: Bearer", "Authorization: Bearer a.b.c", NTLM_1])
def test_what_is_enabled_and_the_empty_question_pass(line):
    made = play(request("Execute", line), VirtualDirectory("mapi", iis_authentication_methods=("NTLM", "OAuth")))
    assert made.do("begin") == ["dial"]


def test_a_mailbox_whose_mapi_http_is_disabled_is_told_so_within_a_200():
    made = play(request("Connect", "X-RequestId: {1}:2"), mapi_http=MapiHttp(blocked=(MAILBOX,)))

    assert made.do("begin") == ["to client 200", "arm LINGER 5"]
    assert b"X-ResponseCode: 16\r\n" in made.bytes_to_client
    assert b"X-RequestId: {1}:2\r\n" in made.bytes_to_client
    assert made.ledger.response_code == 16


def test_other_mailboxes_are_served_and_everybody_is_told_when_it_is_off_for_all():
    assert play(mapi_http=MapiHttp(blocked=("bob@example.com",))).do("begin") == ["dial"]
    assert play(mapi_http=MapiHttp(False)).do("begin") == ["to client 200", "arm LINGER 5"]
    assert play(mapi_http=MapiHttp(False, allowed=(MAILBOX,))).do("begin") == ["dial"]


@pytest.mark.parametrize(("rules", "told"), [(MapiHttp(), True), (MapiHttp(False), False),
                                             (MapiHttp(blocked=("alice",)), False),
                                             (MapiHttp(False, allowed=("alice",)), True)])  # fmt: skip
def test_autodiscover_offers_mapi_http_to_whoever_may_use_it(rules, told):
    """It does so only to clients that say that they speak it."""
    head = request(None, BASIC, "X-MapiHttpCapability: 1", path="/AutoDiscover/autodiscover.xml")
    made = play(head, VirtualDirectory("autodiscover"), mapi_http=rules)
    made.do("begin")
    made.do("connected", True, True)
    (sent,) = (action.data for action in made.actions if type(action) is ToBackend)

    assert (b"X-MapiHttpCapability: 1" in sent) is told
    assert sent.startswith(b"POST /AutoDiscover/autodiscover.xml HTTP/1.1\r\n")


def test_refused_passwords_are_said_and_then_stopped():
    made = play()
    made.rules.auth_loops.guard = Guard(lockout=3)
    said = []
    for at in range(3):
        ledger = open_ledger("id", 0.0, 1000.0, request(None, BASIC), "192.0.2.7", 4711)
        made.ledger, made.exchange = ledger, Exchange(
            made.rules, request(None, BASIC), Hop("192.0.2.7", True), ledger, Bond()
        )  # fmt: skip
        made.sent()
        said = made.do("response_head", answer(401, *OFFERS, code=None), now=float(at))
    assert "AUTH-LOOP user=alice client=192.0.2.7: 3x401" in made.actions[0].text
    assert said[0] == "say"
    assert said[1:] == ["to client 401", "arm QUIET 90"]

    stopped = Exchange(made.rules, request(None, BASIC), Hop("192.0.2.7", True), made.ledger, Bond())
    text = b"".join(getattr(action, "data", b"") for action in stopped.begin(3.0))
    assert text.startswith(b"HTTP/1.1 429 ")
    assert b"\r\nRetry-After: 59\r\n" in text


def test_a_failure_context_never_holds_credentials():
    made = play(request(None, BASIC), VirtualDirectory("mapi", iis_authentication_methods=("NTLM",)))
    made.do("begin")
    context = made.bytes_to_client.partition(b"X-FailureContext: ")[2].split(b";")[2]
    assert b64decode(context) == b"Basic is not enabled for mapi"


def tied_play(head: Any = None) -> Play:
    made = Play(head)
    bond = Bond(True, "one", scheme="NTLM", user="CORP\\alice")
    made.exchange = Exchange(made.rules, made.exchange.head, Hop("192.0.2.7", True), made.ledger, bond)
    return made


@pytest.mark.parametrize("kind", ["Execute", "PING", "Connect", None])
def test_nothing_of_an_authenticated_connection_goes_again_over_another_one(kind):
    made = tied_play(request(kind))
    made.sent()
    assert made.do("backend_lost", "gone") == ["drop backend", "cut", "finish"]


def test_half_a_request_of_an_authenticated_connection_goes_nowhere_else_either():
    made = tied_play()
    made.do("begin")
    made.do("connected", False, True)
    assert made.do("backend_lost", "gone")[:2] == ["drop backend", "cut"]


def test_when_the_pair_is_gone_before_anything_was_sent_the_client_goes_too():
    made = tied_play(request(length=0))
    assert made.do("begin") == ["dial"]
    assert made.do("pair_lost", "gone") == ["cut", "finish"]
    assert made.ledger.ending.name == "BACKEND_LOST"


def test_the_firewall_is_asked_first_and_says_which_rule_it_was():
    rule = FirewallRule("deny", "no mapi", (ip_network("192.0.2.0/24"),), frozenset({"mapi"}))
    made = play(firewall=Firewall((rule,)))
    assert made.do("begin") == ["to client 403", "arm LINGER 5"]
    assert made.ledger.error == "denied by the firewall rule 'no mapi'"
    assert made.ledger.backend is None


def test_a_mailbox_that_asks_too_much_is_told_to_come_back_and_a_wait_never_is():
    made = play(quotas=Quotas(mailbox_requests=1))
    made.do("begin")
    second = Exchange(made.rules, request(), Hop("192.0.2.7", True), made.ledger)
    text = b"".join(getattr(action, "data", b"") for action in second.begin(1.0))
    assert text.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nRetry-After: 1\r\n" in text
    wait = Exchange(made.rules, request("NotificationWait"), Hop("192.0.2.7", True), made.ledger)
    assert [type(action).__name__ for action in wait.begin(1.0)] == ["Dial"]

    made.do("connected", True, True)
    made.do("request_end")
    made.do("response_head", answer())
    made.do("response_end")
    third = Exchange(made.rules, request(), Hop("192.0.2.7", True), made.ledger)
    assert [type(action).__name__ for action in third.begin(2.0)] == ["Dial"]
