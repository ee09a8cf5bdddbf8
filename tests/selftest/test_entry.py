"""Which scheme, and what a refusal means."""

from __future__ import annotations

import pytest
from attrs import evolve
from support.lab import ALICE
from support.selftesting import ProbeCase, raw

from mapiproxy.lab.faults import AnswerRaw
from mapiproxy.lab.login import BasicLogin, WindowsLogin
from mapiproxy.selftest.door import Offer
from mapiproxy.selftest.entry import choose, login_of
from mapiproxy.selftest.target import Account, Plan, Probe, Target
from mapiproxy.selftest.trail import Grade, Trouble

PLAN = Plan(Probe.DEEP_TEST, Target("m", 443, True), "alice", "pw")
PLAIN = evolve(PLAN, target=Target("m", 80, False))


def offer(*schemes: str) -> Offer:
    return Offer(frozenset(schemes), None)


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [(("basic", "ntlm", "negotiate"), "negotiate"), (("basic", "ntlm"), "ntlm"), (("basic", "bearer"), "basic")],
)
def test_the_strongest_that_is_offered_is_chosen(offered, chosen):
    assert choose(PLAN, offer(*offered)) == chosen


def test_a_scheme_that_is_asked_for_must_be_offered():
    assert choose(evolve(PLAN, auth="basic"), offer("ntlm", "basic")) == "basic"
    with pytest.raises(Trouble, match="NTLM is not offered, but Basic, Negotiate"):
        choose(evolve(PLAN, auth="ntlm"), offer("basic", "negotiate"))


def test_a_password_does_not_go_over_plain_http_unless_that_is_asked_for():
    with pytest.raises(Trouble, match="unless --auth basic says so") as caught:
        choose(PLAIN, offer("basic"))
    assert caught.value.grade is Grade.UNKNOWN
    assert choose(evolve(PLAIN, auth="basic"), offer("basic")) == "basic"
    assert choose(PLAIN, offer("basic", "ntlm")) == "ntlm"


def test_what_no_password_can_do_is_said():
    with pytest.raises(Trouble, match=r"Bearer is offered, expected .*: modern authentication"):
        choose(PLAN, offer("bearer"))


def test_credentials_are_made_for_the_scheme():
    account = Account("LAB\\alice", "pw")
    assert isinstance(login_of("basic", account, "m"), BasicLogin)
    windows = login_of("negotiate", account, "m")
    assert isinstance(windows, WindowsLogin)
    assert windows.scheme == "Negotiate"


class EntryTest(ProbeCase):
    async def test_basic_over_plain_http_works_and_is_a_warning(self) -> None:
        lab = self.lab(tls=False)
        target = self.plan(lab.port, tls=False).target
        outcome = await self.probe(lab.port, Probe.DEEP_TEST, target=target, auth="basic")
        self.assertEqual(outcome.grade, Grade.WARNING)
        self.assertIn("Authentication: the password went over plain http", outcome.error)

        outcome = await self.probe(lab.port, Probe.DEEP_TEST, target=target)
        self.assertEqual(outcome.grade, Grade.UNKNOWN)
        self.assertEqual({seen.login for seen in list(lab.backend.seen)[-2:]}, {None})

    async def test_a_handshake_that_something_strips(self) -> None:
        lab = self.lab("NTLM")
        stripped = raw("401 Unauthorized", "WWW-Authenticate: NTLM")
        lab.on_request = lambda request: AnswerRaw(stripped) if request.headers.get(b"authorization") else None
        outcome = await self.probe(lab.port, Probe.DEEP_TEST)
        self.assertIn("Authentication: the NTLM handshake was begun and not gone on with", outcome.error)
        self.assertTrue(outcome.exception.startswith("LoginBroken"))

    async def test_a_server_that_fails_only_those_who_log_on(self) -> None:
        lab = self.lab()
        broken = raw("503 Service Unavailable")
        lab.on_request = lambda request: AnswerRaw(broken) if request.headers.get(b"authorization") else None
        outcome = await self.probe(lab.port, Probe.DEEP_TEST)
        self.assertIn("Authentication: 503 for a PING, expected 200: no server behind", outcome.error)

    async def test_a_wrong_password_is_tried_as_seldom_as_can_be(self) -> None:
        for schemes, tries in ((("NTLM",), 1), (("NTLM", "Basic"), 2), (("Basic",), 1)):
            lab = self.lab(*schemes)
            given = []

            def note(request, given=given):
                # The last message of a handshake, or Basic.
                value = request.headers.get(b"authorization", b"")
                if value.startswith(b"Basic") or (value.startswith(b"NTLM") and len(value) > 200):
                    given.append(value)

            lab.on_request = note
            outcome = await self.probe(lab.port, Probe.DEEP_TEST, password="wrong")
            self.assertEqual(outcome.grade, Grade.CRITICAL)
            self.assertEqual(len(given), tries, schemes)

    async def test_insecure_says_where_the_password_went(self) -> None:
        outcome = await self.probe(self.lab().port, Probe.DEEP_TEST, insecure=True)
        self.assertEqual(outcome.grade, Grade.OK)
        self.assertIn(f"{ALICE.login} is accepted with Basic, and the password went to a server whose", outcome.stages[5].text)
