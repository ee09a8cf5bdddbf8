"""A session whose answers are judged: what middles and servers can do to it."""

from __future__ import annotations

import re
from typing import Any

from support.selftesting import ProbeCase, middle, raw, to_type

from mapiproxy.lab.faults import AnswerRaw, CloseAfter, FailLate, NeverAnswer
from mapiproxy.selftest.probe import Outcome
from mapiproxy.selftest.target import Probe
from mapiproxy.selftest.trail import Grade


class SessionTest(ProbeCase):
    async def through(self, back: Any, probe: Probe = Probe.DEEP_TEST) -> Outcome:
        """Through a middle, over plain http (which is a warning of its own, left out here)."""
        lab = self.lab(tls=False)
        port = middle(self, lab.port, back)
        outcome = await self.probe(port, probe, target=self.plan(port, tls=False).target, auth="basic")
        self.said = [each for each in outcome.error.split("; ") if "plain http" not in each and "without TLS" not in each]
        return outcome

    async def meets(self, request_type: str, fault: Any, text: str, **more: Any) -> Outcome:
        lab = self.lab()
        lab.on_request = to_type(request_type, fault)
        outcome = await self.probe(lab.port, Probe.DEEP_TEST, **more)
        self.assertIn(text, outcome.error)
        self.assertEqual(outcome.grade, Grade.CRITICAL)
        return outcome

    async def test_a_middle_that_changes_nothing_changes_nothing(self) -> None:
        await self.through(lambda asked, held: held)
        self.assertEqual(self.said, [])

    async def test_header_names_that_were_rewritten_are_a_warning(self) -> None:
        def lower(asked: bytes, held: bytes) -> bytes:
            head, end, rest = held.partition(b"\r\n\r\n")
            return re.sub(rb"(?m)^X-[A-Za-z-]+:", lambda found: found[0].lower(), head) + end + rest

        outcome = await self.through(lower)
        self.assertEqual(outcome.result, "Succeeded")
        text = "Connect: x-responsecode came where X-ResponseCode was expected: something on the way rewrites"
        self.assertIn(text, self.said[0])

    async def test_cookies_that_were_taken_away(self) -> None:
        outcome = await self.through(lambda asked, held: re.sub(rb"Set-Cookie: [^\r]*\r\n", b"", held))
        self.assertEqual(outcome.grade, Grade.CRITICAL)
        self.assertIn("Connect: Connect succeeded without a session cookie, expected MapiContext or sid", self.said[0])

    async def test_answers_that_belong_to_somebody_else(self) -> None:
        other = b"X-RequestId: {11111111-2222-3333-4444-555555555555}:9"
        await self.through(lambda asked, held: re.sub(rb"X-RequestId: [^\r]*", other, held))
        self.assertIn("is for another request, expected X-RequestId", self.said[0])

    async def test_x_headers_that_were_taken_away(self) -> None:
        await self.through(lambda asked, held: re.sub(rb"X-ResponseCode: [^\r]*\r\n", b"", held))
        self.assertIn("Connect: 200 without X-ResponseCode for Connect", self.said[0])

    async def test_codes_and_late_codes(self) -> None:
        page = raw("200 OK", "X-ResponseCode: 13", "Content-Type: text/html", body=b"<html>")
        await self.meets("Execute", AnswerRaw(page), "Logon: X-ResponseCode 13 (Missing Cookie, as exchange counts)")
        await self.meets("Connect", FailLate(16), "Connect: X-ResponseCode 16 (Endpoint Disabled")

    async def test_an_answer_that_is_cut(self) -> None:
        await self.meets("Connect", CloseAfter(200, abort=True), "Connect: closed before the answer to Connect")

    async def test_an_answer_that_does_not_come(self) -> None:
        await self.meets("Connect", NeverAnswer(), "1.5 s", timeout=1.5)

    async def test_a_logon_that_is_no_logon(self) -> None:
        lab = self.lab(answer_size=64)
        outcome = await self.probe(lab.port, Probe.DEEP_TEST)
        self.assertIn("Logon: the answer to RopLogon cannot be read", outcome.error)

    async def test_a_server_that_moved_within_the_session_is_named(self) -> None:
        page = raw("200 OK", "X-ResponseCode: 10", "X-BEServer: OTHER", "Content-Type: text/html")
        await self.meets("Execute", AnswerRaw(page), "(Connect was answered by ONE, this by OTHER)")


class GrommunioSessionTest(ProbeCase):
    kind = "grommunio"

    async def test_codes_are_read_as_grommunio_counts(self) -> None:
        lab = self.lab()
        page = raw("200 OK", "X-ResponseCode: 7", "Content-Type: text/html")
        lab.on_request = to_type("Execute", AnswerRaw(page))
        outcome = await self.probe(lab.port, Probe.DEEP_TEST)
        self.assertIn("Logon: X-ResponseCode 7 (Invalid Sequence, as grommunio counts)", outcome.error)
