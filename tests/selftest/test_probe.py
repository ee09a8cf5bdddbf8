"""Probes from beginning to end: over TLS, both kinds, with and without the real proxy, and what breaks them."""

from __future__ import annotations

import pytest
from support.lab import ALICE
from support.selftesting import NAME, ProbeCase, instead
from twisted.internet import reactor

from mapiproxy.backends.kind import Kind
from mapiproxy.lab.authority import Authority
from mapiproxy.lab.faults import CloseNow
from mapiproxy.selftest.probe import run
from mapiproxy.selftest.target import Plan, Probe, Target
from mapiproxy.selftest.trail import Grade

KNOCKING = ["DNS", "TCP", "TLS", "Health", "HTTP"]
ENTERING = [*KNOCKING, "Authentication", "Autodiscover", "Connect", "Logon"]
TOUCHING = [*ENTERING, "Execute", "Wait", "Reconnect", "Reconnect (wait)", "AddressBook", "Routing", "Disconnect"]


class ExchangeTest(ProbeCase):
    kind = "exchange"

    async def test_the_self_test_knocks_and_logs_nobody_on(self) -> None:
        lab = self.lab("Negotiate", "NTLM", "Basic")
        outcome = await self.probe(lab.port, Probe.SELF_TEST)

        self.assertEqual((outcome.grade, outcome.error, outcome.exception), (Grade.OK, "", ""))
        self.assertEqual(outcome.result, "Succeeded")
        self.assertEqual(self.names(outcome), KNOCKING)
        self.assertEqual({seen.login for seen in lab.backend.seen}, {None})

    async def test_the_deep_test_logs_on_and_leaves_no_session(self) -> None:
        for auth in ("basic", "ntlm", "negotiate", "auto"):
            lab = self.lab("Negotiate", "NTLM", "Basic", protected=True)
            outcome = await self.probe(lab.port, Probe.DEEP_TEST, auth=auth)

            self.assertEqual((outcome.grade, outcome.error), (Grade.OK, ""), auth)
            self.assertEqual(self.names(outcome), [*ENTERING, "Disconnect"])
            spelt = {"basic": "Basic", "ntlm": "NTLM"}.get(auth, "Negotiate")
            self.assertEqual(outcome.stages[5].text, f"{ALICE.login} is accepted with {spelt}")
            self.assertEqual(len(lab.backend.contexts), 0)

    async def test_the_client_touch_point_goes_through_the_proxy_with_every_scheme(self) -> None:
        labs = [self.lab("Negotiate", "NTLM", "Basic", protected=True, name=name) for name in ("ONE", "TWO")]
        port = self.proxy(*labs)
        for auth in ("basic", "ntlm", "negotiate"):
            outcome = await self.probe(port, auth=auth)

            self.assertEqual((outcome.grade, outcome.error), (Grade.OK, ""), auth)
            self.assertEqual(self.names(outcome), TOUCHING)
        for lab in labs:
            self.assertEqual(len(lab.backend.contexts), 0)

    async def test_it_goes_straight_at_a_server_as_well(self) -> None:
        outcome = await self.probe(self.lab("NTLM", protected=True).port, user="LAB\\alice", dn=ALICE.dn,
                                   mailbox=ALICE.mailbox_id)
        self.assertEqual((outcome.grade, outcome.error), (Grade.OK, ""))
        self.assertEqual(self.names(outcome), [name for name in TOUCHING if name != "Autodiscover"])

    async def test_extended_protection_refuses_another_certificate_and_is_named(self) -> None:
        other = self.authority.issue("mail.lab.test", "localhost", stem="other")
        lab = self.lab("NTLM", "Basic", protected=True)
        port = self.proxy(lab, issued=other)
        outcome = await self.probe(port, Probe.DEEP_TEST, auth="ntlm")

        self.assertEqual(outcome.grade, Grade.CRITICAL)
        self.assertIn("Authentication: 401 after the finished NTLM handshake, though Basic takes the same", outcome.error)
        self.assertIn("Extended Protection: the certificate here", outcome.error)
        self.assertIn("is not the server's", outcome.error)
        self.assertEqual(self.names(outcome)[-1], "Authentication")

        lab = self.lab("NTLM", protected=True, name="TWO")
        outcome = await self.probe(self.proxy(lab, issued=other), Probe.DEEP_TEST)
        self.assertIn("wrong name or password, or the account is locked; or Extended Protection", outcome.error)

    async def test_a_wrong_password_is_told_from_it(self) -> None:
        lab = self.lab("NTLM", "Basic", protected=True)
        for auth, text in (("ntlm", "and for Basic as well: wrong name"), ("basic", "401 for the password of alice")):
            outcome = await self.probe(lab.port, Probe.DEEP_TEST, auth=auth, password="wrong-one")
            self.assertEqual(outcome.grade, Grade.CRITICAL)
            self.assertIn(text, outcome.error)
            self.assertNotIn("wrong-one", repr(outcome))

    async def test_what_ended_it_is_told_in_the_words_of_the_library_too(self) -> None:
        lab = self.lab()
        lab.on_request = lambda request: CloseNow(abort=True)
        outcome = await self.probe(lab.port, Probe.SELF_TEST)
        self.assertEqual(outcome.result, "Failed")
        self.assertIn("Health: closed before the answer to GET /mapi/healthcheck.htm", outcome.error)
        self.assertTrue(outcome.exception.startswith("AnswerLost: "), outcome.exception)

    async def test_a_name_that_nobody_knows_cannot_be_tried(self) -> None:
        async def nowhere(host: str, port: int) -> list[str]:
            raise OSError(-2, "Name or service not known")

        plan = Plan(Probe.SELF_TEST, Target("nowhere.lab.test", 443, True))
        outcome = await run(plan, reactor, resolve=nowhere)
        self.assertEqual(outcome.grade, Grade.UNKNOWN)
        self.assertIn("DNS: no address of nowhere.lab.test (Name or service not known)", outcome.error)
        self.assertEqual(self.names(outcome), ["DNS"])

    async def test_a_fault_of_the_test_itself_is_unknown_and_tells_its_place(self) -> None:
        async def broken(host: str, port: int) -> list[str]:
            raise ZeroDivisionError("broken")

        outcome = await run(Plan(Probe.SELF_TEST, Target("m.lab.test", 443, True)), reactor, resolve=broken)
        self.assertEqual(outcome.grade, Grade.UNKNOWN)
        self.assertIn("DNS: the test itself failed (ZeroDivisionError)", outcome.error)
        self.assertRegex(outcome.exception, r"ZeroDivisionError: broken \(test_probe\.py:\d+\)")

    async def test_another_kind_than_expected_is_a_warning(self) -> None:
        outcome = await self.probe(self.lab().port, Probe.DEEP_TEST, kind=Kind.GROMMUNIO)
        self.assertEqual(outcome.grade, Grade.WARNING)
        self.assertIn("Connect: the session is one of exchange, expected grommunio", outcome.error)

    async def test_a_chain_without_its_intermediate_is_told(self) -> None:
        authority = Authority(self.folder / "deep", intermediate=True)
        issued = authority.issue(NAME, stem="leaf")
        leaf = issued.certificate.read_text().partition("-----END CERTIFICATE-----\n")
        issued.certificate.write_text(leaf[0] + leaf[1])
        outcome = await self.probe(self.lab(issued=issued).port, Probe.SELF_TEST, ca_file=authority.ca_file)
        self.assertEqual(outcome.grade, Grade.CRITICAL)
        self.assertIn("is an intermediate certificate left out?", outcome.error)

    async def test_texts_of_strangers_cannot_move_the_cursor(self) -> None:
        lab = self.lab()
        lab.on_request = instead("302 Found", "Location: http://evil\x1b[2J.test/")
        outcome = await self.probe(lab.port, Probe.SELF_TEST)
        self.assertEqual(outcome.grade, Grade.CRITICAL)
        self.assertNotIn("\x1b", outcome.error + outcome.exception)


class GrommunioTest(ProbeCase):
    kind = "grommunio"

    async def test_the_client_touch_point_with_and_without_the_proxy(self) -> None:
        labs = [self.lab(name=name) for name in ("ONE", "TWO")]
        port = self.proxy(*labs)
        for where in (port, labs[0].port):
            outcome = await self.probe(where)
            self.assertEqual((outcome.grade, outcome.error), (Grade.OK, ""))
            self.assertEqual(self.names(outcome), TOUCHING)
            self.assertIn("kind grommunio", outcome.stages[7].text)

    async def test_without_autodiscover_the_dn_must_be_said(self) -> None:
        port = self.proxy(self.lab(), more='vdirs = ["mapi"]\n')
        outcome = await self.probe(port)
        self.assertEqual(outcome.grade, Grade.UNKNOWN)
        self.assertIn("Autodiscover: 404", outcome.error)
        self.assertIn("give it with --dn", outcome.error)

        outcome = await self.probe(port, dn=ALICE.dn)
        self.assertEqual((outcome.grade, outcome.error), (Grade.OK, ""))

    async def test_the_dn_of_somebody_else_is_refused_in_words(self) -> None:
        outcome = await self.probe(self.lab().port, Probe.DEEP_TEST, dn=ALICE.dn.replace("alice", "bob"))
        self.assertIn("Connect: error 0x80070005 in the answer to Connect, expected 0: the user may not", outcome.error)


@pytest.mark.parametrize("grade", Grade)
def test_grades_are_the_exit_codes_of_monitoring(grade):
    assert {"OK": 0, "WARNING": 1, "CRITICAL": 2, "UNKNOWN": 3}[grade.name] == grade
