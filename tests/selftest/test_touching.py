"""What a client's touch finds out: buffering, cuts, sessions tied to connections, servers that change."""

from __future__ import annotations

import re
from typing import Any

from support.selftesting import ProbeCase, middle, raw, to_type, whole_answers_only

from mapiproxy.lab.faults import AnswerRaw, CloseAfter
from mapiproxy.selftest.probe import Outcome
from mapiproxy.selftest.trail import Grade, Stage

WAIT = b"X-RequestType: NotificationWait"


def nth(request_type: str, number: int, fault: Any) -> Any:
    """A fault for the nth request of this type and those after it."""
    count = 0

    def choose(request: Any) -> Any:
        nonlocal count
        count += request.text(b"x-requesttype") == request_type
        return fault if request.text(b"x-requesttype") == request_type and count >= number else None

    return choose


def gone() -> AnswerRaw:
    return AnswerRaw(raw("200 OK", "X-ResponseCode: 10", "Content-Type: text/html"))


class TouchingCase(ProbeCase):
    async def through(self, back: Any, *, wait: float | None, **options: Any) -> Outcome:
        lab = self.lab(tls=False, **options)
        port = middle(self, lab.port, back)
        target = self.plan(port, tls=False).target
        return await self.probe(port, target=target, auth="basic", wait=wait)

    async def meets(self, fault: Any, text: str, grade: Grade = Grade.CRITICAL, **more: Any) -> Outcome:
        lab = self.lab()
        lab.on_request = fault
        outcome = await self.probe(lab.port, **more)
        self.assertIn(text, outcome.error)
        self.assertEqual(outcome.grade, grade)
        return outcome

    def stage(self, outcome: Outcome, name: str) -> Stage:
        return next(stage for stage in outcome.stages if stage.name == name)


class WaitTest(TouchingCase):
    async def test_a_middle_that_buffers_is_found_out(self) -> None:
        outcome = await self.through(whole_answers_only, wait=0.8)
        self.assertEqual(outcome.grade, Grade.CRITICAL)
        text = r"Wait: nothing came for \d s though PENDING was due every 0\.2 s: something on the way buffers answers"
        self.assertRegex(outcome.error, text)
        self.assertEqual(self.names(outcome)[-1], "Wait")

    async def test_a_middle_that_keeps_small_pieces_back_is_found_out(self) -> None:
        def back(asked: bytes, held: bytes) -> bytes | None:
            return None if WAIT in asked and held.startswith(b"9\r\nPENDING") else held

        outcome = await self.through(back, wait=1.5)
        self.assertRegex(outcome.error, r"Wait: PROCESSING came, and then nothing for \d s though PENDING was due")
        self.assertEqual(outcome.grade, Grade.CRITICAL)

    async def test_signs_of_life_that_cease_are_found_out(self) -> None:
        passed = 0

        def back(asked: bytes, held: bytes) -> bytes | None:
            nonlocal passed
            passed += WAIT in asked and held.startswith(b"9\r\nPENDING")
            return None if passed > 2 else held

        outcome = await self.through(back, wait=60.0)
        self.assertRegex(outcome.error, r"Wait: 2 PENDINGs came, and then nothing for \d s though PENDING was due")
        self.assertEqual(outcome.grade, Grade.CRITICAL)

    async def test_the_wait_is_watched_for_as_long_as_is_asked(self) -> None:
        outcome = await self.probe(self.lab().port, wait=0.7)
        self.assertEqual((outcome.grade, outcome.error), (Grade.OK, ""))
        self.assertRegex(self.stage(outcome, "Wait").text, r"PROCESSING after \d\.\d s, \d PENDINGs? in \d\.\d s\Z")
        self.assertGreaterEqual(self.stage(outcome, "Wait").seconds, 0.7)

    async def test_a_wait_that_is_too_short_for_a_pending_says_so(self) -> None:
        outcome = await self.probe(self.lab(pending_period=30).port, wait=0.3)
        self.assertEqual((outcome.grade, outcome.error), (Grade.OK, ""))
        self.assertIn("(none was due: the period is 30 s)", self.stage(outcome, "Wait").text)

    async def test_a_late_pending_is_a_warning(self) -> None:
        fast = re.compile(rb"X-PendingPeriod: \d+")
        plain = self.lab(tls=False, pending_period=1.2)
        front = middle(self, plain.port, lambda asked, held: fast.sub(b"X-PendingPeriod: 100", held))
        outcome = await self.probe(front, target=self.plan(front, tls=False).target, auth="basic")
        self.assertEqual(outcome.grade, Grade.WARNING)
        self.assertRegex(outcome.error, r"Wait: PENDING came after 1\.\d s though it was due every 0\.1 s")

    async def test_a_server_that_ends_the_wait_by_itself_is_fine(self) -> None:
        outcome = await self.probe(self.lab(wait_length=0.3, pending_period=30).port)
        self.assertEqual((outcome.grade, outcome.error), (Grade.OK, ""))
        self.assertIn("then the server ended the wait", self.stage(outcome, "Wait").text)

    async def test_one_wait_follows_the_other_for_as_long_as_is_asked(self) -> None:
        outcome = await self.probe(self.lab(wait_length=1.2).port, wait=2.0)
        self.assertEqual((outcome.grade, outcome.error), (Grade.OK, ""))
        self.assertRegex(self.stage(outcome, "Wait").text, r"\d waits, the last: PROCESSING after")

    async def test_a_wait_that_is_cut_tells_when(self) -> None:
        # Of its bytes, some hundred are the head's and 14 each PENDING's: cut after a few of those.
        fault = to_type("NotificationWait", CloseAfter(900))
        outcome = await self.meets(fault, "closed within the answer to NotificationWait", wait=5.0)
        self.assertRegex(outcome.error, r"Wait: after \d\.\d s, \d+ PENDINGs?, closed")

    async def test_a_wait_that_something_refuses(self) -> None:
        await self.meets(
            to_type("NotificationWait", AnswerRaw(raw("504 Gateway Timeout"))), "0 PENDINGs: 504 for NotificationWait"
        )

    async def test_an_execute_beside_the_wait_that_fails(self) -> None:
        await self.meets(nth("Execute", 3, gone()), "Wait: an Execute beside the wait: X-ResponseCode 10")


class CutTest(TouchingCase):
    async def test_a_session_that_dies_with_its_connection_is_found_out(self) -> None:
        outcome = await self.meets(
            nth("Execute", 4, gone()), "Reconnect: an idle connection was cut, and the session, which is cookies"
        )
        self.assertIn("X-ResponseCode 10 (Context Not Found", outcome.error)

    async def test_a_session_that_dies_with_its_wait_is_found_out(self) -> None:
        await self.meets(nth("Execute", 5, gone()), "Reconnect (wait): the connection of a wait was cut, and the session")

    async def test_a_wait_that_cannot_be_begun_anew(self) -> None:
        await self.meets(nth("NotificationWait", 2, gone()), "Reconnect (wait): the wait after it: X-ResponseCode 10")

    async def test_the_same_session_goes_on_without_another_connect(self) -> None:
        lab = self.lab("NTLM", protected=True)
        types = []
        lab.on_request = lambda request: types.append(request.text(b"x-requesttype"))
        outcome = await self.probe(self.proxy(lab))
        self.assertEqual((outcome.grade, outcome.error), (Grade.OK, ""))
        # Each with a handshake of its own before it: once for the 401, once for the answer; and the knock.
        self.assertEqual(types.count("Connect"), 3)
        self.assertEqual(types.count("Disconnect"), 1)
        self.assertLess(types.index("Execute"), len(types) - 1 - types[::-1].index("Execute"))

    async def test_a_server_that_still_holds_the_lost_wait_is_told_of(self) -> None:
        self.kind = "grommunio"
        lab = self.lab(pending_period=30, wait_length=100)
        outcome = await self.probe(lab.port, wait=0.3)
        self.assertEqual((outcome.grade, outcome.error), (Grade.OK, ""))
        self.assertIn("the server still holds the wait that was lost", self.stage(outcome, "Reconnect (wait)").text)


class RoutingTest(TouchingCase):
    async def test_servers_that_take_turns_are_a_warning(self) -> None:
        count = 0

        def back(asked: bytes, held: bytes) -> bytes:
            nonlocal count
            count += 1
            return re.sub(rb"X-BEServer: \w+", b"X-BEServer: EXCH%d" % (count % 2), held)

        outcome = await self.through(back, wait=0.3)
        self.assertEqual(outcome.grade, Grade.WARNING)
        self.assertIn("(X-BEServer), expected one server: affinity is missing", outcome.error)

    async def test_front_ends_may_take_turns(self) -> None:
        count = 0

        def back(asked: bytes, held: bytes) -> bytes:
            nonlocal count
            count += 1
            return re.sub(rb"X-FEServer: \w+", b"X-FEServer: FE%d" % (count % 2), held)

        outcome = await self.through(back, wait=0.3)
        self.assertNotIn("Routing", outcome.error)
        self.assertIn("X-FEServer: fe", self.stage(outcome, "Routing").text)

    async def test_an_address_book_that_fails(self) -> None:
        broken = AnswerRaw(raw("500 Internal Server Error"))
        await self.meets(to_type("Bind", broken), "AddressBook: 500 for Bind, expected 200: the server, or the front")
