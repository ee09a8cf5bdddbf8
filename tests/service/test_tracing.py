"""A trace tells what happens to one session, nothing of others, and no secret."""

from __future__ import annotations

import json
from typing import Any

from support.lab import ALICE, BOB
from support.running import RunningCase, later
from twisted.internet.defer import Deferred, inlineCallbacks

from mapiproxy.service.tracing import FORGET, KEPT, MOST


def done(coroutine: Any) -> Deferred[Any]:
    return Deferred.fromCoroutine(coroutine)


class TracingTests(RunningCase):
    def follow(self, who: str = "", number: int = 0, after: int = 0) -> dict[str, Any]:
        return self.ask("trace", who=who, trace=number, after=after)

    @inlineCallbacks
    def test_a_mailbox_is_followed_from_its_connect(self) -> Any:
        begun = self.follow(ALICE.login[:5])
        alice, bob = self.client(ALICE), self.client(BOB)
        for client in (alice, bob):
            yield done(client.connect())
            yield done(client.logon())
        reply = self.follow(number=begun["trace"])
        events = reply["events"]
        assert [(e["event"], e["request_type"]) for e in events] == [
            (what, call) for call in ("Connect", "Execute") for what in ("request", "answer", "end")
        ]
        assert {e["user"] for e in events if e["event"] == "request"} == {ALICE.login}
        request, answer, end = events[:3]
        assert answer["status"] == 200
        assert answer["code"] == 0
        assert end["ending"] == "Done"
        assert set(end["phases_ms"]) == {"route", "connect", "request", "wait", "answer"}
        assert ("X-RequestType", "Connect") in [tuple(field) for field in request["head"]]
        text = json.dumps(reply)
        assert ALICE.password not in text
        assert ALICE.basic.decode().split()[1] not in text
        for cookie in alice.jar.header(b"/mapi/emsmdb/", 0.0, secure=True).split(b"; "):
            assert cookie.partition(b"=")[2].decode() not in text
        # Only what is new the next time.
        again = self.follow(number=begun["trace"], after=reply["after"])
        assert again["events"] == []
        assert again["lost"] == 0

    @inlineCallbacks
    def test_a_session_is_followed_by_the_beginning_of_its_id(self) -> Any:
        alice, bob = self.client(ALICE), self.client(BOB)
        yield done(alice.connect())
        yield done(bob.connect())
        (row,) = self.ask("sessions", mailbox=ALICE.login)["sessions"]
        begun = self.follow(row["id"][:6])
        yield done(alice.ping())
        yield done(bob.ping())
        events = self.follow(number=begun["trace"])["events"]
        assert [e["event"] for e in events] == ["request", "answer", "end"]
        assert {e["session"] for e in events} == {row["id"]}

    @inlineCallbacks
    def test_what_runs_is_told_while_it_runs(self) -> Any:
        alice = self.client(ALICE)
        yield done(alice.connect())
        yield done(alice.logon())
        begun = self.follow(ALICE.login)
        waiting = done(alice.notification_wait())
        waiting.addErrback(lambda _: None)
        yield later(0.5)
        (call,) = self.follow(number=begun["trace"])["running"]
        assert call["request_type"] == "NotificationWait"
        assert call["pulses"] >= 1
        yield done(alice.close())
        yield waiting

    def test_a_trace_that_nobody_reads_ends_and_costs_nothing_any_more(self) -> None:
        begun = self.follow("somebody")
        houses = [site.house for site in self.service.sites.values()]
        assert all(house.tracer is not None for house in houses)
        self.service.tracing.tick(self.service.clock() + FORGET + 1)
        assert all(house.tracer is None for house in houses)
        reply = self.follow(number=begun["trace"])
        assert not reply["ok"]
        assert "nobody came for it" in reply["error"]

    def test_orders_that_make_no_sense_are_refused(self) -> None:
        assert "at least three" in self.follow("ab")["error"]
        assert "no trace 99" in self.follow(number=99)["error"]
        for _ in range(MOST):
            assert self.follow("somebody")["ok"]
        assert "run already" in self.follow("somebody")["error"]

    def test_events_beyond_the_bound_are_counted_as_lost(self) -> None:
        number = self.follow("somebody")["trace"]
        trace = self.service.tracing._traces[number]
        for n in range(1, KEPT + 11):
            trace.events.append({"n": n})
        trace.next = KEPT + 11
        reply = self.follow(number=number)
        assert reply["lost"] == 10
        assert len(reply["events"]) == KEPT

    @inlineCallbacks
    def test_a_bug_while_tracing_costs_no_connection(self) -> Any:
        self.follow(ALICE.login)
        self.service.tracing._event = None  # type: ignore[assignment, method-assign]
        alice = self.client(ALICE)
        step = yield done(alice.connect())
        assert step.code == 0
        assert len(self.flushLoggedErrors(TypeError)) == 3
