"""Whose mailbox it is: from Autodiscover, or from what the operator says."""

from __future__ import annotations

from support.lab import ALICE, BOB
from support.selftesting import ProbeCase, raw

from mapiproxy.lab.faults import AnswerRaw, CloseNow
from mapiproxy.lab.pox import Publishing
from mapiproxy.selftest.probe import Outcome
from mapiproxy.selftest.target import Probe, Target
from mapiproxy.selftest.trail import Grade


class MailboxTest(ProbeCase):
    def text(self, outcome: Outcome, name: str = "Autodiscover") -> str:
        return next(stage.text for stage in outcome.stages if stage.name == name)

    async def test_autodiscover_says_mailbox_and_dn(self) -> None:
        for login in ("alice@example.test",):
            outcome = await self.probe(self.lab("NTLM", "Basic").port, Probe.DEEP_TEST, user=login)
            self.assertEqual((outcome.grade, outcome.error), (Grade.OK, ""))
            self.assertEqual(self.text(outcome), f"{login} is {ALICE.mailbox_id}, {ALICE.dn}")

    async def test_an_address_is_asked_for_in_the_name_of_the_user(self) -> None:
        outcome = await self.probe(self.lab().port, Probe.DEEP_TEST, mailbox=BOB.login)
        self.assertIn(f"{BOB.login} is {BOB.mailbox_id}", self.text(outcome))
        # Alice may not open it, and that is what the test has to find.
        self.assertIn("Connect: error 0x000003F2", outcome.error)

    async def test_the_mailbox_of_the_url_counts(self) -> None:
        lab = self.lab()
        target = Target("mail.lab.test", lab.port, True, ("127.0.0.1", lab.port), ALICE.mailbox_id)
        outcome = await self.probe(lab.port, Probe.DEEP_TEST, target=target, dn=ALICE.dn)
        self.assertEqual((outcome.grade, outcome.error), (Grade.OK, ""))
        self.assertNotIn("Autodiscover", self.names(outcome))

    async def test_mapi_http_that_is_not_offered_is_a_warning(self) -> None:
        lab = self.lab()
        lab.backend.directories.publishing = Publishing("https://one.test/mapi", without_mapi_http={ALICE.login})
        outcome = await self.probe(lab.port, Probe.DEEP_TEST)
        self.assertEqual(outcome.grade, Grade.WARNING)
        self.assertIn("Autodiscover: MAPI over HTTP is not offered for this mailbox", outcome.error)

    async def test_without_an_answer_the_dn_is_needed(self) -> None:
        for fault in (AnswerRaw(raw("404 Not Found")), AnswerRaw(raw("200 OK", body=b"<x/>")), CloseNow()):
            lab = self.lab()
            lab.on_request = lambda request, fault=fault: fault if b"autodiscover" in request.path else None
            outcome = await self.probe(lab.port, Probe.DEEP_TEST)
            self.assertEqual(outcome.grade, Grade.UNKNOWN)
            self.assertIn("a Connect needs the mailbox's legacy DN: give it with --dn", outcome.error)

            outcome = await self.probe(lab.port, Probe.DEEP_TEST, mailbox=ALICE.mailbox_id, dn=ALICE.dn)
            self.assertEqual((outcome.grade, outcome.error), (Grade.OK, ""))

    async def test_a_user_that_is_no_address_cannot_be_looked_up(self) -> None:
        outcome = await self.probe(self.lab("NTLM").port, Probe.DEEP_TEST, user="LAB\\alice")
        self.assertIn("is no address, so Autodiscover cannot be asked; a Connect needs", outcome.error)
        outcome = await self.probe(self.lab("NTLM").port, Probe.DEEP_TEST, user="LAB\\alice", mailbox=ALICE.login)
        self.assertEqual((outcome.grade, outcome.error), (Grade.OK, ""))

    async def test_without_mailbox_id_exchange_is_asked_for_that_of_the_user(self) -> None:
        lab = self.lab()
        targets = []

        def note(request):
            targets.append(request.target)
            return AnswerRaw(raw("404 Not Found")) if b"autodiscover" in request.path else None

        lab.on_request = note
        outcome = await self.probe(lab.port, Probe.DEEP_TEST, dn=ALICE.dn)
        self.assertIn(b"/mapi/emsmdb/?useMailboxOfAuthenticatedUser=true", targets)
        # The lab's Exchange wants a MailboxId, and the test says so.
        self.assertIn("Connect: 400 for Connect", outcome.error)
