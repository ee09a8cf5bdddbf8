"""What can stand at the door in place of a MAPI endpoint."""

from __future__ import annotations

from typing import Any

from support.selftesting import ProbeCase, instead, raw

from mapiproxy.lab.faults import AnswerRaw, NeverAnswer
from mapiproxy.selftest.probe import Outcome
from mapiproxy.selftest.target import Probe
from mapiproxy.selftest.trail import Grade


def challenge_only(answer: bytes) -> Any:
    """The health page stays well; the call without credentials gets this."""
    return lambda request: AnswerRaw(answer) if request.method == b"POST" else None


class DoorTest(ProbeCase):
    async def knock(self, fault: Any = None, **more: Any) -> Outcome:
        lab = self.lab()
        lab.on_request = fault
        return await self.probe(lab.port, Probe.SELF_TEST, **more)

    async def fails(self, answer: bytes, *texts: str) -> None:
        outcome = await self.knock(challenge_only(answer))
        self.assertEqual(outcome.grade, Grade.CRITICAL)
        for text in texts:
            self.assertIn(text, outcome.error)
        self.assertEqual(self.names(outcome)[-1], "HTTP")

    async def test_not_published(self) -> None:
        await self.fails(raw("404 Not Found"), "HTTP: 404 for POST /mapi/emsmdb/ without credentials, expected 401: /mapi is not")

    async def test_a_captive_portal(self) -> None:
        location = "Location: https://portal.hotel.test/login?x=1"
        await self.fails(raw("302 Found", location), "302 for", "it leads to portal.hotel.test: a captive portal")
        await self.fails(raw("307 Temporary Redirect", "Location: /owa/auth"), "to another page of the same host")

    async def test_a_filter(self) -> None:
        await self.fails(raw("403 Forbidden"), "a filter (WAF, firewall rule, IP restriction) forbids it")

    async def test_a_login_page(self) -> None:
        page = raw("200 OK", "Content-Type: text/html; charset=utf-8", body=b"<html>Log in</html>")
        await self.fails(page, "200 for", "a web page answers, such as a login page")

    async def test_nobody_behind(self) -> None:
        context = "X-FailureContext: FrontEnd;503;U2VydmVyTm90Rm91bmQ=;;;;"
        await self.fails(raw("503 Service Unavailable", context), "no server behind can take it", "(FrontEnd says ServerNotFound)")
        await self.fails(raw("502 Bad Gateway"), "cannot talk to the server behind it")

    async def test_a_401_without_schemes(self) -> None:
        await self.fails(raw("401 Unauthorized"), "401 without WWW-Authenticate")

    async def test_something_that_is_not_http_1(self) -> None:
        await self.fails(b"\0\0\x12\x04\0\0\0\0\0" + bytes(30), "is not what it should be (connection 1: what came is HTTP/2)")

    async def test_somebody_who_says_nothing(self) -> None:
        outcome = await self.knock(lambda request: NeverAnswer(), timeout=1.0)
        self.assertEqual(self.names(outcome)[-1], "Health")
        self.assertIn("1 s", outcome.error)

    async def test_schemes_that_outlook_does_not_use_are_a_warning(self) -> None:
        outcome = await self.knock(challenge_only(raw("401 Unauthorized", 'WWW-Authenticate: Digest realm="x"')))
        self.assertEqual(outcome.grade, Grade.WARNING)
        self.assertIn("none of the schemes offered (digest)", outcome.error)

    async def test_basic_alone_without_tls_is_a_warning(self) -> None:
        lab = self.lab(tls=False)
        plan = self.plan(lab.port, tls=False)
        outcome = await self.probe(lab.port, Probe.SELF_TEST, target=plan.target)
        self.assertEqual(outcome.grade, Grade.WARNING)
        self.assertIn("everybody on the way reads the passwords", outcome.error)

    async def test_an_inactive_component_is_a_warning_because_balancers_will_not_come(self) -> None:
        lab = self.lab()
        lab.backend.directories.inactive.add("mapi")
        outcome = await self.probe(lab.port, Probe.SELF_TEST)
        self.assertEqual(outcome.grade, Grade.WARNING)
        self.assertIn("Health: 404 for healthcheck.htm, expected 200 OK: the MapiProxy component", outcome.error)

    async def test_a_health_page_that_is_another_page_is_a_warning(self) -> None:
        page = raw("200 OK", "Content-Type: text/html", body=b"<html>welcome")
        outcome = await self.knock(lambda request: AnswerRaw(page) if request.method == b"GET" else None)
        self.assertEqual(outcome.grade, Grade.WARNING)
        self.assertIn("Health: 200 for healthcheck.htm, expected 200 OK: a web page answers", outcome.error)

    async def test_a_closed_connection_is_opened_again_for_the_second_question(self) -> None:
        closing = raw("200 OK", "Connection: close", body=b"200 OK<br/>ME")
        outcome = await self.knock(lambda request: AnswerRaw(closing, close=True) if request.method == b"GET" else None)
        self.assertEqual((outcome.grade, outcome.error), (Grade.OK, ""))
        self.assertEqual(outcome.stages[3].text, "healthcheck.htm says 200 OK (ME)")

    async def test_everything_in_its_place_is_refused_too(self) -> None:
        outcome = await self.knock(instead("404 Not Found"))
        self.assertEqual(outcome.grade, Grade.CRITICAL)


class GrommunioDoorTest(ProbeCase):
    kind = "grommunio"

    async def test_grommunio_has_no_health_page_and_that_is_well(self) -> None:
        outcome = await self.probe(self.lab().port, Probe.SELF_TEST)
        self.assertEqual((outcome.grade, outcome.error), (Grade.OK, ""))
        self.assertIn("grommunio has none", outcome.stages[3].text)
